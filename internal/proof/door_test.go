package proof_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
)

// ticket is a demand as a portal sends it, changed by edit.
func ticket(t *testing.T, edit func(data map[string]any)) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../events/webhook.standard.json")
	if err != nil {
		t.Fatal(err)
	}
	var message map[string]any
	if err := json.Unmarshal(raw, &message); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(message["data"].(map[string]any))
	}
	if raw, err = json.Marshal(message); err != nil {
		t.Fatal(err)
	}
	return raw
}

// headers signs a body as Standard Webhooks prescribes, with the secret that is set now.
func headers(t *testing.T, c *local.Cloud, id string, body []byte) http.Header {
	t.Helper()
	secret, known := c.Secrets.Value("postern/webhook/standard")
	if !known {
		t.Fatal("there is no secret")
	}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := hook.Sign(id, c.Clock.Now(), body)
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Signature": {signature},
		"Webhook-Timestamp": {strconv.FormatInt(c.Clock.Now().Unix(), 10)}}
}

type accepted struct{ ConnectionID, Execution string }

// post sends a signed body and expects a status.
func post(t *testing.T, c *local.Cloud, id string, body []byte, status int) accepted {
	t.Helper()
	response := c.Post("/webhook/standard", headers(t, c, id, body), body)
	if response.Status != status {
		t.Fatalf("answered %d %s, want %d\n%s", response.Status, response.Body, status, dump(c))
	}
	var got accepted
	if err := json.Unmarshal([]byte(response.Body), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestTicketIsOnboarded: a ticket becomes a connection, and however often it comes, one.
func TestTicketIsOnboarded(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 26*time.Hour, 3*time.Hour)
	body := ticket(t, nil)
	first := post(t, c, "msg_1", body, http.StatusAccepted)
	again := func(when string) {
		t.Helper()
		if got := post(t, c, "msg_"+strconv.FormatInt(c.Clock.Now().Unix(), 10), body, http.StatusAccepted); got != first {
			t.Errorf("%s: answered %+v, then %+v", when, first, got)
		}
	}
	again("at once")
	if err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	again("while it waits")
	stranger := ticket(t, func(data map[string]any) { data["ticket"] = "NET-66" })
	post(t, c, "msg_2", stranger, http.StatusUnprocessableEntity)

	ended, err := c.Run(first.Execution, 60*24*time.Hour)
	if err != nil || ended.Status != states.Succeeded || ended.Path[len(ended.Path)-1] != "Onboarded" {
		t.Fatalf("%s %s: %s, %v\n%s", ended.Status, ended.Error, ended.Cause, err, dump(c))
	}
	checkAlias(t, ended)
	again("after it ended")
	post(t, c, "msg_3", stranger, http.StatusUnprocessableEntity)
	if got := len(c.States.Executions()); got != 1 {
		t.Errorf("%d executions", got)
	}
	if strings.Contains(dump(c), "subnet-0a1") {
		t.Error("a log has the body of a delivery")
	}
}

func TestDoorRefuses(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	body := ticket(t, nil)
	signed := headers(t, c, "msg_1", body)
	unsigned := http.Header{"Content-Type": {"application/json"}}
	doubled := signed.Clone()
	doubled.Add("Webhook-Signature", signed.Get("Webhook-Signature"))
	binary := signed.Clone()
	binary.Del("Content-Type")
	for name, test := range map[string]struct {
		path   string
		header http.Header
		body   []byte
		want   int
	}{
		"unsigned":         {"/webhook/standard", unsigned, body, 401},
		"doubled":          {"/webhook/standard", doubled, body, 401},
		"another body":     {"/webhook/standard", signed, append(body, ' '), 401},
		"another source's": {"/webhook/github", signed, body, 401},
		"a source off":     {"/webhook/jira-automation", signed, body, 404},
		"no source":        {"/webhook/", signed, body, 404},
		"another path":     {"/", signed, body, 404},
		"too large":        {"/webhook/standard", signed, make([]byte, 1<<17), 413},
		"as binary":        {"/webhook/standard", binary, body, 202},
	} {
		if got := c.Post(test.path, test.header, test.body); got.Status != test.want {
			t.Errorf("%s: %d %s, want %d", name, got.Status, got.Body, test.want)
		}
	}
	if err := c.Advance(6 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := c.Post("/webhook/standard", signed, body); got.Status != http.StatusUnauthorized {
		t.Errorf("a replay: %d %s", got.Status, got.Body)
	}
}

// TestRotation: the secret before stays valid until the next one is put, and a new one works within five minutes.
func TestRotation(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	body := ticket(t, func(data map[string]any) { data["action"] = "plan" })
	first, _ := c.Secrets.Value("postern/webhook/standard")
	sent := func(secret string) int {
		t.Helper()
		hook, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		header := headers(t, c, "msg_1", body)
		signature, err := hook.Sign("msg_1", c.Clock.Now(), body)
		if err != nil {
			t.Fatal(err)
		}
		header.Set("Webhook-Signature", signature)
		return c.Post("/webhook/standard", header, body).Status
	}
	put := func(secret string) {
		t.Helper()
		if err := c.Secrets.Put("postern/webhook/standard", secret); err != nil {
			t.Fatal(err)
		}
		if err := c.Advance(5 * time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	const second, third = "c2Vjb25kLXNlY3JldC1zZWNvbmQ=", "dGhpcmQtc2VjcmV0LXRoaXJkLXRoaXJk"
	if got := sent(first); got != http.StatusAccepted {
		t.Errorf("the first secret: %d", got)
	}
	put(second)
	if a, b := sent(first), sent(second); a != http.StatusAccepted || b != http.StatusAccepted {
		t.Errorf("both must be valid: %d, %d", a, b)
	}
	put(third)
	if a, b := sent(first), sent(third); a != http.StatusUnauthorized || b != http.StatusAccepted {
		t.Errorf("the oldest must not be valid: %d, %d", a, b)
	}
}

func TestDoorIsThrottled(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	counts := map[int]int{}
	for range 50 {
		counts[c.Post("/webhook/standard", nil, []byte("{}")).Status]++
	}
	if counts[http.StatusTooManyRequests] != 30 || counts[http.StatusUnauthorized] != 20 {
		t.Errorf("answers %v, want 20 let in", counts)
	}
	if err := c.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	if got := c.Post("/webhook/standard", nil, []byte("{}")).Status; got != http.StatusUnauthorized {
		t.Errorf("a second later: %d", got)
	}
}

// TestDoorNeedsItsPermissions: without the function's policy every request is denied, and without its role no execution starts.
func TestDoorNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]int{"states:StartExecution": 503, "secretsmanager:GetSecretValue": 503} {
		c := open(t, func(config *local.Config) { config.Mutate = without(t, "WebhookRole", action) })
		body := ticket(t, nil)
		if got := c.Post("/webhook/standard", headers(t, c, "msg_1", body), body); got.Status != want {
			t.Errorf("without %s: %d %s", action, got.Status, got.Body)
		}
	}
	c := open(t, func(config *local.Config) { config.Mutate = remove(t, "AWS::Lambda::Permission", "Api") })
	if got := c.Post("/webhook/standard", nil, nil); got.Status != http.StatusInternalServerError || len(c.Dropped()) != 1 {
		t.Errorf("without permission: %d, dropped %v", got.Status, c.Dropped())
	}
}

// TestTicketBringsInputs: the ticket is opened before the vendor named its service, gets the answer written into it, and approves.
func TestTicketBringsInputs(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	demand := func(action, service string) []byte {
		return ticket(t, func(data map[string]any) {
			data["action"] = action
			inputs := data["inputs"].(map[string]any)
			if inputs["serviceName"] = service; service == "" {
				delete(inputs, "serviceName")
				delete(inputs, "serviceRegion")
			}
		})
	}
	onboarding := post(t, c, "msg_1", demand("onboard", ""), http.StatusAccepted)
	advance(t, c, time.Hour)
	post(t, c, "msg_2", demand("approve", "svc-1"), http.StatusUnprocessableEntity)
	if err := c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()); err != nil {
		t.Fatal(err)
	}
	approval := post(t, c, "msg_3", demand("approve", world.MonteCarloService), http.StatusAccepted)
	checkEnd(t, c, approval.Execution, append(slices.Clone(acknowledged), "Acknowledged"), "", "")
	advance(t, c, time.Hour)
	accept(t, c)
	checkEnd(t, c, onboarding.Execution, slices.Concat(untilApproval, afterApproval), "", "")
}

// TestStoppedByHandIsNotAtWork: an operator stopped the onboarding in the console. No execution released its connection, and the
// ticket may start a new onboarding nevertheless.
func TestStoppedByHandIsNotAtWork(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 26*time.Hour, 3*time.Hour)
	first := post(t, c, "msg_1", ticket(t, nil), http.StatusAccepted)
	advance(t, c, time.Hour)
	retry := ticket(t, func(data map[string]any) { data["action"] = "retry" })
	post(t, c, "msg_2", retry, http.StatusUnprocessableEntity)
	must(t, c.States.Stop(first.Execution, "", ""))
	advance(t, c, time.Second)
	second := post(t, c, "msg_3", retry, http.StatusAccepted)
	checkEnd(t, c, second.Execution, slices.Concat(untilApproval, afterApproval), "", "")
}
