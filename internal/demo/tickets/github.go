package tickets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var issueComments = regexp.MustCompile(`^/repos/([^/]+/[^/]+)/issues/(\d+)/comments$`)

// pageSize is how many comments a page has.
//
// GitHub: 30, and at most 100 if per_page says so; the next page is in the header Link, which this stand-in puts into Page.
const pageSize = 100

// github answers as https://docs.github.com/en/rest/issues/comments says.
func (s *Systems) github(r *http.Request, body []byte) (int, any) {
	parts := issueComments.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return http.StatusNotFound, map[string]string{"message": "Not Found"}
	}
	ticket := parts[1] + "#" + parts[2]
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, hubPage(s.of("github", ticket), r.URL.Query().Get("page"))
	case http.MethodPost:
		var in struct {
			Body string `json:"body"`
		}
		if json.Unmarshal(body, &in) != nil || in.Body == "" || len(in.Body) > 65536 {
			return http.StatusUnprocessableEntity, map[string]string{"message": "Validation Failed"}
		}
		s.take(r, Comment{System: "github", Ticket: ticket, Body: in.Body, Text: markdownText(in.Body), Public: true})
		return http.StatusCreated, hubComment{ID: len(s.comments), Body: in.Body}
	}
	return http.StatusMethodNotAllowed, map[string]string{"message": fmt.Sprintf("no %s here", r.Method)}
}

type hubComment struct {
	ID   int    `json:"id"`
	Body string `json:"body"`
}

func hubPage(all []Comment, page string) []hubComment {
	number, err := strconv.Atoi(page)
	if err != nil || number < 1 {
		number = 1
	}
	shown := []hubComment{}
	for i := (number - 1) * pageSize; i < len(all) && i < number*pageSize; i++ {
		shown = append(shown, hubComment{ID: i + 1, Body: all[i].Body})
	}
	return shown
}

// markdownText is what a reader sees of a comment.
func markdownText(body string) string {
	var page bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(body), &page); err != nil {
		return body
	}
	return htmlText(page.String())
}
