package tickets

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	zendeskTicket   = regexp.MustCompile(`^/api/v2/tickets/(\d+)\.json$`)
	zendeskComments = regexp.MustCompile(`^/api/v2/tickets/(\d+)/comments\.json$`)
	lineEnds        = regexp.MustCompile(`</(p|li|pre)>|<br>`)
	tags            = regexp.MustCompile(`<[^>]*>`)
	filledIn        = regexp.MustCompile(`\{\{[^}]*\}\}`)
)

// zendesk answers as https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ says.
func (s *Systems) zendesk(r *http.Request, body []byte) (int, any) {
	if parts := zendeskComments.FindStringSubmatch(r.URL.Path); parts != nil && r.Method == http.MethodGet {
		return http.StatusOK, s.zendeskPage(parts[1], r)
	}
	parts := zendeskTicket.FindStringSubmatch(r.URL.Path)
	if parts == nil || r.Method != http.MethodPut {
		return http.StatusNotFound, map[string]string{"error": "RecordNotFound"}
	}
	var in struct {
		Ticket struct {
			Comment struct {
				HTML   string `json:"html_body"`
				Public *bool  `json:"public"`
			} `json:"comment"`
		} `json:"ticket"`
	}
	if json.Unmarshal(body, &in) != nil || in.Ticket.Comment.HTML == "" {
		return http.StatusUnprocessableEntity, map[string]string{"error": "RecordInvalid"}
	}
	comment := in.Ticket.Comment
	shown := filledIn.ReplaceAllString(comment.HTML, "(filled in by Zendesk)")
	s.take(r, Comment{System: "zendesk", Ticket: parts[1], Body: shown, Text: htmlText(shown),
		Public: comment.Public == nil || *comment.Public})
	return http.StatusOK, map[string]any{"ticket": map[string]string{"id": parts[1]}}
}

// zendeskPage is a page of comments, the newest first; the cursor is how many were shown.
func (s *Systems) zendeskPage(ticket string, r *http.Request) any {
	all := s.of("zendesk", ticket)
	at, _ := strconv.Atoi(r.URL.Query().Get("page[after]"))
	most, _ := strconv.Atoi(r.URL.Query().Get("page[size]"))
	shown := []map[string]string{}
	for i := len(all) - 1 - at; i >= 0 && len(shown) < most; i-- {
		shown = append(shown, map[string]string{"html_body": all[i].Body})
	}
	at += len(shown)
	return map[string]any{"comments": shown, "meta": map[string]any{"has_more": at < len(all), "after_cursor": strconv.Itoa(at)}}
}

// htmlText is about what a reader sees.
func htmlText(body string) string {
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(lineEnds.ReplaceAllString(body, "\n"), "")))
}
