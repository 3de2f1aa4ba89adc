package ticket

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// jira is Jira Cloud: comments on issues. The credential is an account's e-mail address, a colon, and an API token.
//
// Jira: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/
type jira struct {
	rest
	public bool
}

func openJira(s Settings, client *http.Client, credential string) (system, error) {
	return jira{rest: rest{client: client, base: s.base(""), basic: credential}, public: s.Public}, nil
}

var jiraKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,49}-[1-9][0-9]{0,9}$`)

func (j jira) path(ticket string) (string, error) {
	if !jiraKey.MatchString(ticket) {
		return "", errTicket
	}
	return "/rest/api/3/issue/" + ticket + "/comment", nil
}

// pageSize is how many comments are asked for at once, maxPages how often: no real ticket has more comments than that.
const (
	pageSize = 100
	maxPages = 50
)

func (j jira) find(ctx context.Context, ticket, ref string) (bool, error) {
	path, err := j.path(ticket)
	if err != nil {
		return false, err
	}
	for page := range maxPages {
		var found struct {
			Comments []json.RawMessage `json:"comments"`
			Total    int               `json:"total"`
		}
		query := url.Values{"orderBy": {"-created"}, "maxResults": {strconv.Itoa(pageSize)}, "startAt": {strconv.Itoa(page * pageSize)}}
		if err := j.do(ctx, http.MethodGet, path, query, nil, &found); err != nil {
			return false, err
		}
		for _, comment := range found.Comments {
			if bytes.Contains(comment, []byte(ref)) {
				return true, nil
			}
		}
		if len(found.Comments) == 0 || (page+1)*pageSize >= found.Total {
			return false, nil
		}
	}
	return false, nil
}

func (j jira) post(ctx context.Context, ticket string, c Comment) error {
	path, err := j.path(ticket)
	if err != nil {
		return err
	}
	comment := map[string]any{"body": c.document()}
	if !j.public {
		// Jira Service Management hides such comments from requesters; elsewhere the property means nothing.
		comment["properties"] = []any{map[string]any{"key": "sd.public.comment", "value": map[string]any{"internal": true}}}
	}
	return j.do(ctx, http.MethodPost, path, nil, comment, nil)
}

// node is a node of the Atlassian Document Format. Its text is never read as markup, so nothing needs to be escaped.
//
// Jira: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
type node map[string]any

func (c Comment) document() node {
	c = c.clean()
	content := []node{paragraph(textNode(c.Head, node{"type": "strong"}), textNode(" ("+stamp(c.At)+")"))}
	for _, block := range c.Blocks {
		if block.Title != "" {
			content = append(content, paragraph(textNode(block.Title+":")))
		}
		switch {
		case block.Link != "":
			content = append(content, paragraph(textNode(block.Text, node{"type": "link", "attrs": node{"href": block.Link}})))
		case block.Text != "":
			content = append(content, paragraphs(block.Text)...)
		}
		var items []node
		for _, item := range block.Items {
			if item != "" {
				items = append(items, node{"type": "listItem", "content": []node{paragraph(textNode(item))}})
			}
		}
		if len(items) > 0 {
			content = append(content, node{"type": "bulletList", "content": items})
		}
		if block.Quote != "" {
			content = append(content, node{"type": "codeBlock", "content": []node{textNode(block.Quote)}})
		}
	}
	content = append(content, paragraph(textNode(c.Ref, node{"type": "code"})))
	return node{"type": "doc", "version": 1, "content": content}
}

func paragraph(texts ...node) node { return node{"type": "paragraph", "content": texts} }

func paragraphs(text string) []node {
	var all []node
	for _, line := range strings.Split(text, "\n") {
		if line != "" { // Jira refuses a text node without text
			all = append(all, paragraph(textNode(line)))
		}
	}
	return all
}

func textNode(text string, marks ...node) node {
	n := node{"type": "text", "text": text}
	if len(marks) > 0 {
		n["marks"] = marks
	}
	return n
}
