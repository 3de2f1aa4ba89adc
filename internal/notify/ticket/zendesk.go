package ticket

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// zendesk is Zendesk: comments on tickets. The credential is an agent's e-mail address, "/token", a colon, and an API token.
//
// Zendesk: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
type zendesk struct {
	rest
	public bool
}

func openZendesk(s Settings, client *http.Client, credential string) (system, error) {
	return zendesk{rest: rest{client: client, base: s.base(""), basic: credential}, public: s.Public}, nil
}

var zendeskID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

func (z zendesk) find(ctx context.Context, ticket, ref string) (bool, error) {
	if !zendeskID.MatchString(ticket) {
		return false, errTicket
	}
	query := url.Values{"sort": {"-created_at"}, "page[size]": {"100"}}
	for range maxPages {
		var found struct {
			Comments []struct {
				HTML string `json:"html_body"`
			} `json:"comments"`
			Meta struct {
				HasMore bool   `json:"has_more"`
				After   string `json:"after_cursor"`
			} `json:"meta"`
		}
		if err := z.do(ctx, http.MethodGet, "/api/v2/tickets/"+ticket+"/comments.json", query, nil, &found); err != nil {
			return false, err
		}
		for _, comment := range found.Comments {
			if strings.Contains(comment.HTML, ref) {
				return true, nil
			}
		}
		if !found.Meta.HasMore || found.Meta.After == "" {
			return false, nil
		}
		query.Set("page[after]", found.Meta.After)
	}
	return false, nil
}

func (z zendesk) post(ctx context.Context, ticket string, c Comment) error {
	if !zendeskID.MatchString(ticket) {
		return errTicket
	}
	comment := map[string]any{"html_body": c.html(), "public": z.public}
	return z.do(ctx, http.MethodPut, "/api/v2/tickets/"+ticket+".json", nil,
		map[string]any{"ticket": map[string]any{"comment": comment}}, nil)
}

// placeholder keeps Zendesk from filling in what looks like a placeholder: {{ticket.requester.email}}.
var placeholder = strings.NewReplacer("{", "{"+joiner, "}", "}"+joiner)

func literalHTML(text string) string { return placeholder.Replace(html.EscapeString(text)) }

// html writes a comment as HTML. Zendesk removes comments of HTML, so the reference is shown.
func (c Comment) html() string {
	c = c.clean()
	var b strings.Builder
	write := func(parts ...string) {
		for _, part := range parts {
			b.WriteString(part)
		}
	}
	write("<p><strong>", literalHTML(c.Head), "</strong> (", stamp(c.At), ")</p>")
	for _, block := range c.Blocks {
		if block.Title != "" {
			write("<p>", literalHTML(block.Title), ":</p>")
		}
		switch {
		case block.Link != "":
			write(`<p><a href="`, html.EscapeString(block.Link), `">`, literalHTML(block.Text), "</a></p>")
		case block.Text != "":
			write("<p>", strings.ReplaceAll(literalHTML(block.Text), "\n", "<br>"), "</p>")
		}
		if len(block.Items) > 0 {
			write("<ul>")
			for _, item := range block.Items {
				write("<li>", literalHTML(item), "</li>")
			}
			write("</ul>")
		}
		if block.Quote != "" {
			write("<pre>", literalHTML(block.Quote), "</pre>")
		}
	}
	write("<p><small>", c.Ref, "</small></p>")
	return b.String()
}
