package tickets

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var jiraComments = regexp.MustCompile(`^/rest/api/3/issue/([A-Z][A-Z0-9_]+-\d+)/comment$`)

// jira answers as https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/ says.
func (s *Systems) jira(r *http.Request, body []byte) (int, any) {
	parts := jiraComments.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return http.StatusNotFound, map[string]any{"errorMessages": []string{"Issue does not exist or you do not have permission to see it."}}
	}
	ticket := parts[1]
	switch r.Method {
	case http.MethodGet:
		all := s.of("jira", ticket)
		start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
		most, _ := strconv.Atoi(r.URL.Query().Get("maxResults"))
		shown := []json.RawMessage{}
		for i := len(all) - 1 - start; i >= 0 && len(shown) < most; i-- { // the newest first
			shown = append(shown, json.RawMessage(all[i].Body))
		}
		return http.StatusOK, map[string]any{"startAt": start, "maxResults": most, "total": len(all), "comments": shown}
	case http.MethodPost:
		var in struct {
			Body       adfNode `json:"body"`
			Properties []struct {
				Key   string         `json:"key"`
				Value map[string]any `json:"value"`
			} `json:"properties"`
		}
		if json.Unmarshal(body, &in) != nil || in.Body.Type != "doc" || in.Body.Version != 1 || !in.Body.valid() {
			return http.StatusBadRequest, map[string]any{"errors": map[string]string{"comment": "INVALID_INPUT"}}
		}
		public := true
		for _, p := range in.Properties {
			public = public && (p.Key != "sd.public.comment" || p.Value["internal"] != true)
		}
		s.take(r, Comment{System: "jira", Ticket: ticket, Body: string(body), Text: strings.TrimSpace(in.Body.text()), Public: public})
		return http.StatusCreated, map[string]string{"id": strconv.Itoa(len(s.comments))}
	}
	return http.StatusMethodNotAllowed, nil
}

// adfNode is a node of the Atlassian Document Format.
type adfNode struct {
	Type    string    `json:"type"`
	Version int       `json:"version"`
	Text    string    `json:"text"`
	Content []adfNode `json:"content"`
}

// holds is what a node may hold, of the kinds that are known here.
var holds = map[string][]string{
	"doc": {"paragraph", "bulletList", "codeBlock"}, "paragraph": {"text"}, "bulletList": {"listItem"}, "listItem": {"paragraph"},
	"codeBlock": {"text"},
}

// valid reports whether Jira would take a document: no text is empty, no list has nothing in it.
func (n adfNode) valid() bool {
	if n.Type == "text" {
		return n.Text != "" && len(n.Content) == 0
	}
	allowed, known := holds[n.Type]
	if !known || len(n.Content) == 0 {
		return false
	}
	for _, child := range n.Content {
		if !slices.Contains(allowed, child.Type) || !child.valid() {
			return false
		}
	}
	return true
}

func (n adfNode) text() string {
	var b strings.Builder
	b.WriteString(n.Text)
	for _, child := range n.Content {
		if child.Type == "listItem" {
			b.WriteString("- ")
		}
		b.WriteString(child.text())
	}
	switch n.Type {
	case "paragraph", "codeBlock":
		b.WriteString("\n")
	}
	return b.String()
}
