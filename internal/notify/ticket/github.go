package ticket

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v75/github"
)

// hub is GitHub: comments on issues. The credential is a token that may write issues.
//
// GitHub: https://docs.github.com/en/rest/issues/comments
type hub struct {
	client  *github.Client
	account string
}

func openGitHub(s Settings, client *http.Client, credential string) (system, error) {
	// A client lives for one comment: what it remembers of rate limits would be of no use.
	hub := hub{client: github.NewClient(client).WithAuthToken(credential), account: s.Account}
	if s.BaseURL == "" {
		return hub, nil
	}
	var err error
	hub.client, err = hub.client.WithEnterpriseURLs(s.BaseURL, s.BaseURL)
	return hub, err
}

var hubTicket = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9-]{0,38})/([A-Za-z0-9._-]{1,100})#([1-9][0-9]{0,9})$`)

// issue reads a ticket's id, owner/repository#number. GitHub's names are alike in any letter case.
func (h hub) issue(ticket string) (owner, repository string, number int, err error) {
	parts := hubTicket.FindStringSubmatch(ticket)
	if parts == nil || strings.Trim(parts[2], ".") == "" {
		return "", "", 0, errTicket
	}
	if number, err = strconv.Atoi(parts[3]); err != nil {
		return "", "", 0, errTicket
	}
	whole := parts[1] + "/" + parts[2]
	if !strings.EqualFold(h.account, parts[1]) && !strings.EqualFold(h.account, whole) {
		return "", "", 0, errTicket
	}
	return parts[1], parts[2], number, nil
}

func (h hub) find(ctx context.Context, ticket, ref string) (bool, error) {
	owner, repository, number, err := h.issue(ticket)
	if err != nil {
		return false, err
	}
	options := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for {
		comments, answer, err := h.client.Issues.ListComments(ctx, owner, repository, number, options)
		if err != nil {
			return false, hubError(err)
		}
		for _, comment := range comments {
			if strings.Contains(comment.GetBody(), ref) {
				return true, nil
			}
		}
		if answer.NextPage == 0 {
			return false, nil
		}
		options.Page = answer.NextPage
	}
}

func (h hub) post(ctx context.Context, ticket string, c Comment) error {
	owner, repository, number, err := h.issue(ticket)
	if err != nil {
		return err
	}
	_, _, err = h.client.Issues.CreateComment(ctx, owner, repository, number, &github.IssueComment{Body: github.Ptr(c.markdown())})
	return hubError(err)
}

// hubError reads the library's errors: GitHub says 403 for its rate limits too.
func hubError(err error) error {
	var limit *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	var answer *github.ErrorResponse
	switch {
	case errors.As(err, &limit):
		return &refused{status: http.StatusTooManyRequests, after: time.Until(limit.Rate.Reset.Time)}
	case errors.As(err, &abuse):
		return &refused{status: http.StatusTooManyRequests, after: abuse.GetRetryAfter()}
	case errors.As(err, &answer) && answer.Response != nil:
		return answered(answer.Response)
	}
	return err
}
