package local_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local"
	"postern/internal/local/states"
)

const hubTicket = "example/network#42"

// onTicket changes the sample request so that it came from a ticket.
func onTicket(t *testing.T, system, id, action string) []byte {
	t.Helper()
	return change(t, func(r map[string]any) {
		r["action"], r["ticket"] = action, map[string]any{"system": system, "id": id}
	})
}

func credential(t *testing.T, c *local.Cloud, system, value string) {
	t.Helper()
	if err := c.Secrets.Put("postern/ticket/"+system, value); err != nil {
		t.Fatal(err)
	}
}

// heads are the first lines of a ticket's comments.
func heads(c *local.Cloud, ticket string) []string {
	var all []string
	for _, comment := range c.Tickets.Comments(ticket) {
		head, _, _ := strings.Cut(comment.Text, " (")
		all = append(all, strings.Trim(head, "*"))
	}
	return all
}

var story = []string{
	"Accepted", "Waiting for the vendor to allow-list the account", "The vendor allow-listed the account",
	"Waiting for the vendor to accept the endpoint", "The vendor accepted the endpoint", "Connected",
}

// settle lets what the end of an execution set off happen.
func settle(t *testing.T, c *local.Cloud) {
	t.Helper()
	if err := c.Advance(10 * time.Minute); err != nil {
		t.Fatal(err)
	}
}

func runTicket(t *testing.T, c *local.Cloud, input []byte) states.Execution {
	t.Helper()
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Run(arn, 60*24*time.Hour)
	if err != nil {
		t.Fatalf("%v\n%s", err, dump(c))
	}
	settle(t, c)
	return ended
}

func TestTicketTellsTheStory(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	credential(t, c, "github", "token-canary")
	vendor(t, c, 26*time.Hour, 3*time.Hour)
	ended := runTicket(t, c, onTicket(t, "github", hubTicket, "onboard"))
	if diff := cmp.Diff(story, heads(c, hubTicket)); diff != "" || ended.Status != states.Succeeded {
		t.Errorf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, dump(c))
	}
}
