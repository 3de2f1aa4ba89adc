package proof_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/demo/people"
	"postern/internal/demo/tickets"
	"postern/internal/demo/world"
	"postern/internal/local"
	localevents "postern/internal/local/events"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

const hubTicket = "example/network#42"

// canary is in every credential of a test: nothing that people read may have it.
const canary = "canarycanarycanarycanary"

var story = []string{
	"Accepted", "Waiting for the vendor to allow-list the account", "The vendor allow-listed the account",
	"Waiting for the vendor to accept the endpoint", "The vendor accepted the endpoint", "Connected",
}

// onTicket changes the sample request so that it came from a ticket.
func onTicket(t *testing.T, system, id, action string) []byte {
	t.Helper()
	return change(t, func(r map[string]any) {
		r["action"], r["ticket"] = action, map[string]any{"system": system, "id": id}
	})
}

func credential(t *testing.T, c *local.Cloud, system string) {
	t.Helper()
	if err := c.Secrets.Put("postern/ticket/"+system, canary); err != nil {
		t.Fatal(err)
	}
	world.Tickets(c).SetKey(canary)
}

// heads are the first lines of a ticket's comments.
func heads(c *local.Cloud, ticket string) []string {
	var all []string
	for _, comment := range world.Tickets(c).Comments(ticket) {
		head, _, _ := strings.Cut(comment.Text, " (20")
		if _, after, found := strings.Cut(head, "] "); found {
			head = after // ServiceNow's begins with the reference
		}
		all = append(all, head)
	}
	return all
}

// told returns the log of the function and its denied calls, for a test that failed.
func told(c *local.Cloud) string {
	return c.Logs()["postern-ticket"] + strings.Join(c.Dropped(), "\n")
}

func runTicket(t *testing.T, c *local.Cloud, input []byte) states.Execution {
	t.Helper()
	arn, err := c.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	return settled(t, c, arn)
}

// settled lets an execution end, and what its end sets off happen.
func settled(t *testing.T, c *local.Cloud, arn string) states.Execution {
	t.Helper()
	ended, err := c.Run(arn, 60*24*time.Hour)
	if err != nil {
		t.Fatalf("%v\n%s", err, told(c))
	}
	if err := c.Advance(10 * time.Minute); err != nil {
		t.Fatal(err)
	}
	return ended
}

// checkStory checks that an onboarding succeeded and that its ticket has each comment once, in order.
func checkStory(t *testing.T, c *local.Cloud, ended states.Execution, ticket string) {
	t.Helper()
	if diff := cmp.Diff(story, heads(c, ticket)); diff != "" || ended.Status != states.Succeeded {
		t.Errorf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, told(c))
	}
	comments := world.Tickets(c).Comments(ticket)
	for i := range comments {
		if i > 0 && comments[i].At.Before(comments[i-1].At) {
			t.Errorf("%q came before %q", comments[i].Text, comments[i-1].Text)
		}
	}
}

// doors are the sources whose tickets are written back to, each with its sample's ticket.
var doors = map[string]string{
	"github": hubTicket, "jira": "NET-42", "servicenow": "RITM0010042", "zendesk": "5158", "standard": "NET-42",
}

// signed returns the headers that a source's system would send.
func signed(t *testing.T, c *local.Cloud, source string, body []byte) http.Header {
	t.Helper()
	secret, known := c.Secrets.Value("postern/webhook/" + source)
	if !known {
		t.Fatalf("%s has no secret", source)
	}
	digest := func(parts ...string) []byte {
		hash := hmac.New(sha256.New, []byte(secret))
		for _, part := range parts {
			hash.Write([]byte(part))
		}
		return hash.Sum(nil)
	}
	hub := "sha256=" + hex.EncodeToString(digest(string(body)))
	switch source {
	case "standard":
		return headers(t, c, "msg_1", body)
	case "github":
		return http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {hub}}
	case "jira":
		return http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature": {hub}}
	case "zendesk":
		at := c.Clock.Now().UTC().Format("2006-01-02T15:04:05Z")
		return http.Header{"Content-Type": {"application/json"}, "X-Zendesk-Webhook-Signature-Timestamp": {at},
			"X-Zendesk-Webhook-Signature": {base64.StdEncoding.EncodeToString(digest(at, string(body)))}}
	default:
		return http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + secret}}
	}
}

// deliver posts a source's sample and returns the answer.
func deliver(t *testing.T, c *local.Cloud, source string) (accepted, int) {
	t.Helper()
	body := events.Read("webhook." + source + ".json")
	response := c.Post("/webhook/"+source, signed(t, c, source, body), body)
	var got accepted
	if response.Status == http.StatusAccepted {
		if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
			t.Fatal(err)
		}
	}
	return got, response.Status
}

// TestEveryDoorsTicketTellsTheStory: each system in its own form, nothing secret in any.
func TestEveryDoorsTicketTellsTheStory(t *testing.T) {
	t.Parallel()
	for source, ticket := range doors {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			credential(t, c, source)
			vendor(t, c, 30*time.Minute, 30*time.Minute)
			begun, status := deliver(t, c, source)
			if status != http.StatusAccepted {
				t.Fatalf("answered %d\n%s", status, told(c))
			}
			ended := settled(t, c, begun.Execution)
			checkStory(t, c, ended, ticket)
			checkBudget(t, c, ended)
			checkComments(t, c, source)
		})
	}
}

// checkComments checks what the comments say, and what they cost.
func checkComments(t *testing.T, c *local.Cloud, system string) {
	t.Helper()
	whole := ""
	for _, comment := range world.Tickets(c).Comments("") {
		if comment.System != system {
			t.Errorf("%s has a comment", comment.System)
		}
		if public := system != "jira" && system != "servicenow"; comment.Public != public {
			t.Errorf("public: %v, want %v", comment.Public, public)
		}
		whole += comment.Text
	}
	for _, want := range []string{"monte-carlo/agents-prod", "$15.10 a month", "please allow-list AWS account 111122223333",
		"Endpoint state: pendingacceptance", "Endpoint state: pending", "is not visible to account", "from inside the VPC, 5 checks",
		"artemis.privatelink.getmontecarlo.com is 10.20.", "/postern/monte-carlo/agents-prod/config.yaml"} {
		if !strings.Contains(whole, want) {
			t.Errorf("no comment says %q:\n%s", want, whole)
		}
	}
	// What parameters hold, keys and tokens.
	secret, _ := c.Secrets.Value("postern/webhook/" + system)
	for _, never := range []string{"https://artemis", canary, secret, "waitToken"} {
		if strings.Contains(whole, never) || never != "https://artemis" && strings.Contains(told(c), never) {
			t.Errorf("a comment or a log has %q", never)
		}
	}
	calls := 0
	for _, call := range c.Calls() {
		if call.Function == "postern-ticket" {
			calls++
		}
	}
	if most := 4 * len(story); calls > most {
		t.Errorf("%d calls for %d comments", calls, len(story))
	}
	if queued := c.Queues.Messages(deadLetters(c)); len(queued) > 0 || len(c.Dropped()) > 0 {
		t.Errorf("dead letters %+v, dropped %v", queued, c.Dropped())
	}
}

// TestAThousandDeliveries: one execution, and one comment for each state, though every event comes twice as well.
func TestAThousandDeliveries(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	credential(t, c, "github")
	vendor(t, c, 30*time.Minute, 30*time.Minute)
	c.Events.Disturb(func(localevents.Delivery) []time.Duration { return []time.Duration{0, 40 * time.Second} })
	var first accepted
	for n := 0; n < 1000; {
		got, status := deliver(t, c, "github")
		if status == http.StatusTooManyRequests { // GitHub's webhooks would be delivered again
			if err := c.Advance(time.Second); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if n++; n == 1 {
			first = got
		}
		if status != http.StatusAccepted || got != first {
			t.Fatalf("delivery %d: %d %+v, the first was %+v", n, status, got, first)
		}
	}
	checkStory(t, c, settled(t, c, first.Execution), hubTicket)
	if got := len(c.States.Executions()); got != 1 {
		t.Errorf("%d executions", got)
	}
}

// TestNeverTwiceNeverLost: whatever fails once between the function and the ticket, in every system.
func TestNeverTwiceNeverLost(t *testing.T) {
	t.Parallel()
	// The function dies at a write of the ledger: the first write of each comment comes before the post, the second after.
	dies := func(kind wire.FaultKind, write int) func(*local.Cloud) {
		return func(c *local.Cloud) {
			writes := 0
			c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
				if record.Function != "postern-ticket" || call.Operation != "UpdateItem" {
					return nil
				}
				if writes++; writes != write {
					return nil
				}
				return &wire.Fault{Kind: kind}
			})
		}
	}
	fails := func(kind tickets.Fault) func(*local.Cloud) {
		return func(c *local.Cloud) {
			failed := map[int]bool{}
			world.Tickets(c).Disturb(func(r *http.Request) tickets.Fault {
				n := len(world.Tickets(c).Comments(""))
				if r.Method == http.MethodGet || failed[n] {
					return tickets.None
				}
				failed[n] = true // once for each comment
				return kind
			})
		}
	}
	disturbances := map[string]func(*local.Cloud){
		"throttled": fails(tickets.Throttled), "failing": fails(tickets.Failing), "down": fails(tickets.Down),
		"the answer is lost":             fails(tickets.LostAnswer),
		"dies before it notes":           dies(wire.CrashBefore, 3),
		"dies before it posts":           dies(wire.CrashAfter, 3),
		"dies after it posted":           dies(wire.CrashBefore, 4),
		"dies at the end":                dies(wire.CrashAfter, 4),
		"the note's answer is lost":      dies(wire.LostAnswer, 3),
		"the last note's answer is lost": dies(wire.LostAnswer, 4),
		"runs out of time after it posted": func(c *local.Cloud) {
			dies(wire.Hang, 4)(c)
		},
	}
	for name, disturb := range disturbances {
		for source, ticket := range doors {
			if source != "github" && name != "the answer is lost" {
				continue // the same for every system
			}
			t.Run(name+"/"+source, func(t *testing.T) {
				t.Parallel()
				c := open(t, nil)
				credential(t, c, source)
				disturb(c)
				vendor(t, c, 30*time.Minute, 30*time.Minute)
				ended := runTicket(t, c, onTicket(t, source, ticket, "onboard"))
				got, want := heads(c, ticket), slices.Clone(story)
				slices.Sort(got) // comments that were tried again may be overtaken
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" || ended.Status != states.Succeeded {
					t.Errorf("%s: %s\n%s\n%s", ended.Error, ended.Cause, diff, told(c))
				}
				if queued := c.Queues.Messages(deadLetters(c)); len(queued) > 0 {
					t.Errorf("dead letters: %+v", queued)
				}
			})
		}
	}
}

// TestTicketSystemIsDown: the onboarding continues. Operators are notified, and a comment that is retried appears once.
func TestTicketSystemIsDown(t *testing.T) {
	t.Parallel()
	for _, kind := range []tickets.Fault{tickets.Down, tickets.Denied, tickets.Moved, tickets.LostAnswer, tickets.Throttled} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			credential(t, c, "github")
			vendor(t, c, 30*time.Minute, 30*time.Minute)
			world.Tickets(c).Disturb(func(*http.Request) tickets.Fault { return kind })
			ended := runTicket(t, c, onTicket(t, "github", hubTicket, "onboard"))
			if ended.Path[len(ended.Path)-1] != "Onboarded" {
				t.Fatalf("%s: %s", ended.Error, ended.Cause)
			}
			letters := c.Queues.Messages(deadLetters(c))
			if len(letters) != len(story) {
				t.Fatalf("%d dead letters, want one for each comment\n%s", len(letters), told(c))
			}
			for _, r := range world.Tickets(c).Requests() {
				if r.Host != "api.github.com" {
					t.Errorf("the credential went to %s", r.Host)
				}
			}
			if strings.Contains(fmt.Sprint(letters)+told(c), canary) {
				t.Error("the credential is in a dead letter or a log")
			}
			world.Tickets(c).Disturb(nil)
			for range 2 {
				for _, letter := range letters {
					redeliver(t, c, letter.Body)
				}
			}
			checkStory(t, c, ended, hubTicket)
		})
	}
}

// redeliver does with a dead letter what the runbook says.
func redeliver(t *testing.T, c *local.Cloud, letter string) {
	t.Helper()
	var record struct {
		RequestPayload json.RawMessage `json:"requestPayload"`
	}
	if err := json.Unmarshal([]byte(letter), &record); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Invoke("postern-ticket", record.RequestPayload); err != nil {
		t.Fatal(err)
	}
}

// TestWriteBackIsOff: without a credential nothing is posted, noted or failed; the log says so once.
func TestWriteBackIsOff(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 30*time.Minute, 30*time.Minute)
	ended := runTicket(t, c, onTicket(t, "github", hubTicket, "onboard"))
	if ended.Status != states.Succeeded || len(world.Tickets(c).Requests()) > 0 || len(c.Queues.Messages(deadLetters(c))) > 0 {
		t.Errorf("%s, %d requests, dead letters %v", ended.Status, len(world.Tickets(c).Requests()), c.Queues.Messages(deadLetters(c)))
	}
	if n := strings.Count(c.Logs()["postern-ticket"], "put a credential"); n != 1 {
		t.Errorf("said %d times", n)
	}
	for _, table := range template.All[template.Table](c.Stack) {
		if strings.HasPrefix(table.LogicalID, "Comments") && len(c.Tables.Items(table.Ref)) > 0 {
			t.Errorf("%v", c.Tables.Items(table.Ref))
		}
	}
}

// TestWhoseTicket: Postern comments only on a ticket that started a request, and no ticket chooses where comments go.
func TestWhoseTicket(t *testing.T) {
	t.Parallel()
	for name, ticket := range map[string]map[string]any{
		"none":                 nil,
		"another owner's":      {"system": "github", "id": "other-owner/network#42"},
		"no ticket's id":       {"system": "github", "id": "example/network"},
		"an address":           {"system": "github", "id": "https://evil.example.org/example/network#42"},
		"out of the path":      {"system": "github", "id": "example/..#42"},
		"a query":              {"system": "jira", "id": "NET-42?expand=x"},
		"another record":       {"system": "servicenow", "id": "RITM0010042^ORnumber=INC0000001"},
		"another resource":     {"system": "zendesk", "id": "1/../users/1"},
		"a system that is off": {"system": "jira-server", "id": "NET-42"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			for system := range doors {
				credential(t, c, system)
			}
			input := change(t, func(r map[string]any) {
				if r["action"] = "plan"; ticket != nil {
					r["ticket"] = ticket
				}
			})
			if ended := runTicket(t, c, input); ended.Status != states.Succeeded {
				t.Errorf("%s: %s", ended.Error, ended.Cause)
			}
			if got := world.Tickets(c).Requests(); len(got) > 0 {
				t.Errorf("requests %+v", got)
			}
			if queued := c.Queues.Messages(deadLetters(c)); len(queued) > 0 {
				t.Errorf("dead letters: %+v", queued)
			}
		})
	}
}

// TestTicketTellsOtherEndings: what the ticket says last.
func TestTicketTellsOtherEndings(t *testing.T) {
	t.Parallel()
	asked := story[:4]
	for behaviour, want := range map[people.Behaviour][]string{
		people.Reject:  append(slices.Clone(asked), "The endpoint is rejected", "Failed: EndpointRejected"),
		people.Expire:  append(slices.Clone(asked), "The endpoint is expired", "Failed: EndpointExpired"),
		people.Fail:    append(slices.Clone(asked), "The endpoint is failed", "Failed: EndpointFailed"),
		people.Deleted: append(slices.Clone(asked), "Failed: EndpointDeleted"),
	} {
		t.Run(string(behaviour), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			credential(t, c, "github")
			(&people.Vendor{Behaviour: behaviour, After: 30 * time.Minute}).Join(c)
			ended := runTicket(t, c, onTicket(t, "github", hubTicket, "onboard"))
			got := heads(c, hubTicket)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\n%s", diff, told(c))
			}
			comments := world.Tickets(c).Comments(hubTicket)
			first, _, _ := strings.Cut(ended.Cause, "\n")
			if last := comments[len(comments)-1].Text; !strings.Contains(last, first) || !strings.Contains(last, "What to do:") {
				t.Errorf("the last comment lacks the cause or the next step:\n%s", last)
			}
		})
	}
	t.Run("plan", func(t *testing.T) {
		t.Parallel()
		c := open(t, nil)
		credential(t, c, "github")
		runTicket(t, c, onTicket(t, "github", hubTicket, "plan"))
		if diff := cmp.Diff([]string{"Accepted", "The request can work; nothing was made"}, heads(c, hubTicket)); diff != "" {
			t.Errorf("%s\n%s", diff, told(c))
		}
		if text := world.Tickets(c).Comments(hubTicket)[1].Text; !strings.Contains(text, "$15.10 a month") ||
			!strings.Contains(text, "private hosted zone") {
			t.Errorf("the comment lacks the plan:\n%s", text)
		}
	})
}

// A ticket gets each reminder once, in order, however often sweeps report it and events are delivered.
func TestTicketIsRemindedOnce(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	credential(t, c, "github")
	(&people.Vendor{Behaviour: people.Ignore, After: time.Hour}).Join(c)
	c.Events.Disturb(func(localevents.Delivery) []time.Duration { return []time.Duration{0, 40 * time.Second} })
	begun, status := deliver(t, c, "github")
	if status != http.StatusAccepted {
		t.Fatalf("answered %d\n%s", status, told(c))
	}
	settled(t, c, begun.Execution)
	var got []string
	for _, comment := range world.Tickets(c).Comments("") {
		if _, after, ok := strings.Cut(comment.Text, "Still waiting for the vendor to accept the endpoint: "); ok {
			percent, _, _ := strings.Cut(after, " ")
			got = append(got, percent)
		}
	}
	if want := []string{"50", "80", "100"}; !slices.Equal(got, want) {
		t.Errorf("reminded at %q, want %q\n%s", got, want, told(c))
	}
}
