package proof_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	localevents "postern/internal/local/events"
	"postern/internal/local/states"
)

// ticketed returns a cloud with a connection that came from a ticket, whose comments are not counted.
func ticketed(t *testing.T, sample string, policies map[string]string) (c *local.Cloud, told int) {
	t.Helper()
	c = open(t, nil)
	credential(t, c, "github")
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboardWith(t, c, sample, func(r map[string]any) {
		r["ticket"], r["drift"] = map[string]any{"system": "github", "id": hubTicket}, policies
	})
	if ended.Status != states.Succeeded {
		t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	must(t, c.Advance(10*time.Minute))
	if told = len(heads(c, hubTicket)); told == 0 {
		t.Fatalf("the onboarding wrote no comment\n%s", dump(c))
	}
	return c, told
}

// driftMails are the mails that operators got about drift.
func driftMails(c *local.Cloud) []string {
	var subjects []string
	for _, mail := range c.Mail() {
		if strings.HasPrefix(mail.Subject, "Postern drift") {
			subjects = append(subjects, mail.Subject)
		}
	}
	return subjects
}

// mended enables private DNS again manually.
func mended(t *testing.T, c *local.Cloud) {
	t.Helper()
	must(t, c.World.SetPrivateDNSByHand(theEndpoint(t, c).ID, true))
}

// A ticket gets one comment when a finding opens, however often it is seen and events come, and one when it closes. The operators get
// no mail in addition.
func TestTicketIsToldOfDriftOnce(t *testing.T) {
	t.Parallel()
	c, before := ticketed(t, engflow, map[string]string{})
	c.Events.Disturb(func(localevents.Delivery) []time.Duration { return []time.Duration{0, 40 * time.Second} })
	broken("private-dns")(t, c)
	must(t, c.Advance(5*time.Hour))
	opened := heads(c, hubTicket)[before:]
	slices.Sort(opened)
	want := []string{"The connection has drifted: private-dns (critical)", "The connection has drifted: resolution (critical)"}
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Fatalf("(-want +got):\n%s\n%s", diff, told(c))
	}
	whole := ""
	for _, comment := range world.Tickets(c).Comments(hubTicket)[before:] {
		whole += comment.Text
	}
	for _, says := range []string{"What is found: the private DNS of vpce-", "change it back, or start an execution with action repair and check private-dns"} {
		if !strings.Contains(whole, says) {
			t.Errorf("no comment says %q:\n%s", says, whole)
		}
	}
	mended(t, c)
	must(t, c.Advance(5*time.Hour))
	closed := heads(c, hubTicket)[before+len(opened):]
	slices.Sort(closed)
	want = []string{"Drift is over: private-dns is as it was verified", "Drift is over: resolution is as it was verified"}
	if diff := cmp.Diff(want, closed); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, told(c))
	}
	if mails := driftMails(c); len(mails) > 0 {
		t.Errorf("mailed %q", mails)
	}
}

// Postern comments on the ticket that a repair was started, what it did, and that the drift is over.
func TestTicketIsToldOfRepairs(t *testing.T) {
	t.Parallel()
	c, before := ticketed(t, engflow, map[string]string{
		string(connection.CheckPrivateDNS): string(connection.PolicyRepair), string(connection.CheckResolution): string(connection.PolicyReport),
	})
	broken("private-dns")(t, c)
	must(t, c.Advance(5*time.Hour))
	got := heads(c, hubTicket)[before:]
	for head, count := range map[string]int{
		"The connection has drifted: private-dns (critical)": 1, "Drift is over: private-dns is as it was verified": 1,
	} {
		found := 0
		for _, h := range got {
			if h == head {
				found++
			}
		}
		if found != count {
			t.Errorf("%q %d times in %q\n%s", head, found, got, told(c))
		}
	}
	for _, comment := range world.Tickets(c).Comments(hubTicket)[before:] {
		if strings.Contains(comment.Text, "has drifted") && !strings.Contains(comment.Text, "a repair was started") {
			t.Errorf("lacks the repair:\n%s", comment.Text)
		}
		if strings.Contains(comment.Text, "resolution") {
			t.Errorf("a comment has a finding whose policy is report:\n%s", comment.Text)
		}
	}
}

// A finding whose policy is report goes to no ticket: the operators get it by mail, as they do for a connection without a ticket.
func TestOperatorsAreToldOfDrift(t *testing.T) {
	t.Parallel()
	report := string(connection.PolicyReport)
	tests := map[string]func(*testing.T) (*local.Cloud, int){
		"reported only": func(t *testing.T) (*local.Cloud, int) {
			return ticketed(t, engflow, map[string]string{
				string(connection.CheckPrivateDNS): report, string(connection.CheckResolution): report,
			})
		},
		"no ticket": func(t *testing.T) (*local.Cloud, int) {
			c := open(t, nil)
			credential(t, c, "github")
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			onboard(t, c, engflow)
			return c, 0
		},
	}
	for name, connect := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, before := connect(t)
			broken("private-dns")(t, c)
			must(t, c.Advance(5*time.Hour))
			mended(t, c)
			must(t, c.Advance(5*time.Hour))
			if comments := heads(c, hubTicket)[min(before, len(heads(c, hubTicket))):]; len(comments) > 0 {
				t.Errorf("a ticket got the comments %q", comments)
			}
			mails := driftMails(c)
			for _, want := range []string{"Postern drift: engflow/", "Postern drift is over: engflow/"} {
				if !slices.ContainsFunc(mails, func(m string) bool {
					return strings.HasPrefix(m, want) && strings.HasSuffix(m, ": private-dns (critical)")
				}) {
					t.Errorf("no mail %q…: %q", want, mails)
				}
			}
		})
	}
}
