package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
)

// TestSamples: the payload of each system becomes the same request, but for the ticket.
func TestSamples(t *testing.T) {
	t.Parallel()
	want, err := connection.DecodeRequest(events.Read("onboard.monte-carlo.json"))
	if err != nil {
		t.Fatal(err)
	}
	tickets := map[string]connection.Ticket{
		"standard":        {System: "standard", ID: "NET-42"},
		"github":          {System: "github", ID: "example/network#42", URL: "https://github.com/example/network/issues/42"},
		"jira":            {System: "jira", ID: "NET-42"},
		"jira-automation": {System: "jira", ID: "NET-42"},
		"servicenow":      {System: "servicenow", ID: "RITM0010042"},
		"zendesk":         {System: "zendesk", ID: "5158"},
	}
	requesters := map[string]string{"standard": "platform@example.com", "github": "octocat", "jira": "Mia Krystof",
		"jira-automation": "Mia Krystof", "servicenow": "Abel Tuter"}
	for name, source := range everySource(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, faults := source.Map(sample(name), networks, vendors(t))
			if asked == nil || len(faults) > 0 {
				t.Fatalf("%+v, %v", asked, faults)
			}
			request, ticket := want, tickets[name]
			request.Ticket, request.Requester = &ticket, requesters[name]
			if diff := cmp.Diff(request, asked.Request); diff != "" {
				t.Errorf("the request differs (-want +got):\n%s", diff)
			}
			_, input := asked.Execution()
			if again, err := connection.DecodeRequest([]byte(input)); err != nil || !cmp.Equal(again, asked.Request) {
				t.Errorf("the execution's input is not the request: %v\n%s", err, input)
			}
		})
	}
}

// edit changes a payload by JSON pointer; nil removes.
func edit(t testing.TB, raw []byte, pointer string, value any) []byte {
	t.Helper()
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	node := document.(map[string]any)
	for _, key := range keys[:len(keys)-1] {
		node = node[key].(map[string]any)
	}
	if last := keys[len(keys)-1]; value == nil {
		delete(node, last)
	} else {
		node[last] = value
	}
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// replaced changes the answer below a heading of the GitHub sample.
func replaced(t testing.TB, old, with string) []byte {
	t.Helper()
	body, _ := text(at(must(parse(sample("github"))), "/issue/body"))
	if !strings.Contains(body, old) {
		t.Fatalf("%q is not in the sample", old)
	}
	return edit(t, sample("github"), "/issue/body", strings.Replace(body, old, with, 1))
}

func must(value any, err error) any {
	if err != nil {
		panic(err)
	}
	return value
}

// TestFaults: every fault is named by what the ticket calls the field.
func TestFaults(t *testing.T) {
	t.Parallel()
	standard := func(pointer string, value any) []byte { return edit(t, sample("standard"), pointer, value) }
	for name, test := range map[string]struct {
		source string
		body   []byte
		want   []string // each a beginning of a fault, in order
	}{
		"an empty form": {"github", edit(t, sample("github"), "/issue/body", ""), []string{
			"Network: missing", "Vendor: missing", "Connection name: missing", "Subnet IDs: missing"}},
		"a form whose vendor inputs are missing": {"github", edit(t, sample("github"), "/issue/body",
			"### Vendor\n\nmonte-carlo\n\n### Connection name\n\na\n\n### Network\n\nagents-prod\n\n### Subnet IDs\n\nsubnet-0a10000000000000a\n\n"+
				"### Security group IDs\n\nsg-0e0000000000000e1\n\n### Vendor inputs\n\n_No response_"), []string{
			"Vendor inputs.vendorAccountId: missing", "Vendor inputs.privateHostname: missing"}},
		"an approval with a wrong input": {"standard", edit(t, standard("/data/action", "approve"), "/data/inputs/serviceName", "svc-1"),
			[]string{`inputs.serviceName: "svc-1" is not the name of a VPC endpoint service`}},
		"an approval with an unknown input": {"standard", edit(t, standard("/data/action", "approve"), "/data/inputs/tenant", "a"),
			[]string{"inputs.tenant: Monte Carlo Agent Service has no such input"}},
		"an approval with an ARN": {"standard", edit(t, standard("/data/action", "approve"), "/data/inputs/serviceName", "arn:aws:s3:::x"),
			[]string{"inputs: contains an ARN"}},
		"an approval with inputs for an unknown vendor": {"standard", edit(t, standard("/data/action", "approve"), "/data/vendor", "acme"),
			[]string{"vendor: there is no profile"}},
		"an empty Jira ticket": {"jira", edit(t, sample("jira"), "/issue/fields",
			map[string]any{"status": map[string]any{"name": "Approved"}}),
			[]string{"Network: missing", "Vendor: missing", "Connection name: missing", "Subnet IDs: missing"}},
		"one wrong subnet of two": {"standard", standard("/data/subnetIds",
			[]string{"subnet-0a10000000000000a", "subnet-x"}), []string{"subnetIds[1]: "}},
		"another network": {"standard", standard("/data/network", "billing"),
			[]string{"network: is not a registered network"}},
		"another account's VPC": {"standard", standard("/data/vpcId", "vpc-0fffffffffffffff0"),
			[]string{"network: is not a registered network"}},
		"another account": {"standard", standard("/data/accountId", "999999999999"),
			[]string{"network: is not a registered network"}},
		"another Region": {"standard", standard("/data/region", "eu-west-1"),
			[]string{"network: is not a registered network"}},
		"a heading twice": {"github", replaced(t, "### Options",
			"### VPC ID\n\nvpc-0fffffffffffffff0\n\n### Options"), []string{"Network: is there twice"}},
		"an ARN": {"standard", standard("/data/name", "arn:aws:iam::111122223333:role/admin"),
			[]string{"name: contains an ARN"}},
		"an ARN among inputs": {"standard", standard("/data/inputs/serviceName", "arn:aws:s3:::x"),
			[]string{"inputs: contains an ARN"}},
		"an address": {"standard", standard("/data/inputs/privateHostname",
			"https://artemis.privatelink.getmontecarlo.com"), []string{"inputs: contains an ARN"}},
		"a template": {"standard", standard("/data/requester", "${vpcEndpointId}"),
			[]string{"requester: contains an ARN"}},
		"a role is no field": {"standard", standard("/data/inputs/roleName", "admin"),
			[]string{"inputs.roleName: monte-carlo has no such input"}},
		"a line break": {"standard", standard("/data/requester", "a\nBcc: b"),
			[]string{"requester: contains a character"}},
		"an object where text belongs": {"standard", standard("/data/name", map[string]any{"a": 1}), []string{"name: cannot be read"}},
		"an unknown vendor":            {"standard", standard("/data/vendor", "acme"), []string{"vendor: there is no profile"}},
		"no ticket":                    {"standard", standard("/data/ticket", nil), []string{"ticket.id: "}},
		"a ticket that leaves its URL": {"github", edit(t, sample("github"), "/repository/full_name", "../../evil"),
			[]string{"ticket.id: "}},
		"cutover that is neither": {"standard", standard("/data/cutover", "perhaps"), []string{"cutover: "}},
		"no action":               {"standard", standard("/data/action", nil), []string{`action: "" asks for nothing`}},
		"an unknown action": {"standard", standard("/data/action", "destroy"),
			[]string{`action: "destroy" asks for nothing`}},
		"two things at once": {"zendesk", edit(t, sample("zendesk"), "/event/tags_added", []string{"postern_onboard", "postern_plan"}),
			[]string{"Tag: asks for both onboard and plan"}},
		"not JSON":      {"standard", []byte("type=connection.requested"), []string{"body: not JSON"}},
		"form encoding": {"github", []byte("payload=%7B%7D"), []string{"body: not JSON"}},
		"nothing":       {"standard", nil, []string{"body: not JSON"}},
		"not UTF-8":     {"standard", []byte("{\"a\":\"\xff\"}"), []string{"body: not UTF-8"}},
		"two documents": {"standard", []byte("{} {}"), []string{"body: more than one"}},
		"one key twice": {"standard", []byte(`{"type":"a","type":"b"}`), []string{"body: a key is there twice"}},
		"deep lists":    {"standard", []byte(strings.Repeat("[", 60000)), []string{"body: nested"}},
		"deep objects": {"standard", []byte(strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000)),
			[]string{"body: nested"}},
		"a broken object": {"standard", []byte(`{"a":1`), []string{"body: not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, faults := everySource(t)[test.source].Map(test.body, networks, vendors(t))
			if len(faults) != len(test.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(faults), len(test.want), faults)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(faults[i].String(), want) {
					t.Errorf("fault %d is %s, want %s…", i, faults[i], want)
				}
			}
		})
	}
}

// TestInputsOfAnApproval: what the vendor gave comes with the approval, whatever else the ticket says is left; a ticket that has no
// inputs yet is no fault before.
func TestInputsOfAnApproval(t *testing.T) {
	t.Parallel()
	early := edit(t, edit(t, sample("standard"), "/data/inputs/serviceName", ""), "/data/inputs/serviceRegion", "")
	asked, faults := everySource(t)["standard"].Map(early, networks, vendors(t))
	if len(faults) > 0 || len(asked.Request.Inputs) != 2 {
		t.Errorf("before the allow-listing: %+v, %v", asked, faults)
	}
	for _, name := range Names() {
		source := everySource(t)[name]
		body := sample(name)
		onboarding, faults := source.Map(body, networks, vendors(t))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source.Action.Values = maps.Clone(source.Action.Values)
		for word, action := range source.Action.Values {
			if action == connection.ActionOnboard {
				source.Action.Values[word] = connection.ActionApprove
			}
		}
		approval, faults := source.Map(body, networks, vendors(t))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if diff := cmp.Diff(onboarding.Request.Inputs, approval.Request.Inputs); diff != "" || len(approval.Request.Inputs) == 0 {
			t.Errorf("%s: inputs (-onboarding +approval)\n%s", name, diff)
		}
		if r := approval.Request; len(r.Options) > 0 || r.Cutover || !reflect.DeepEqual(r.Target, connection.Target{}) {
			t.Errorf("%s: the approval has %+v", name, r)
		}
	}
}

// TestNothingAsked: what systems also send is no fault.
func TestNothingAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		source string
		body   []byte
	}{
		"GitHub's ping":       {"github", []byte(`{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"type":"Repository"}}`)},
		"a label taken off":   {"github", edit(t, sample("github"), "/action", "unlabeled")},
		"another label":       {"github", edit(t, sample("github"), "/label/name", "bug")},
		"an edit":             {"github", edit(t, sample("github"), "/action", "edited")},
		"another status":      {"jira", edit(t, sample("jira"), "/issue/fields/status/name", "In review")},
		"a deleted issue":     {"jira", edit(t, sample("jira"), "/webhookEvent", "jira:issue_deleted")},
		"other tags":          {"zendesk", edit(t, sample("zendesk"), "/event/tags_added", []string{"vip"})},
		"no tags":             {"zendesk", edit(t, sample("zendesk"), "/event/tags_added", []string{})},
		"another event":       {"standard", edit(t, sample("standard"), "/type", "invoice.paid")},
		"a list":              {"standard", []byte("[]")},
		"a text":              {"servicenow", []byte(`"hello"`)},
		"a status of objects": {"servicenow", edit(t, sample("servicenow"), "/state", map[string]any{})},
	} {
		asked, faults := everySource(t)[test.source].Map(test.body, networks, vendors(t))
		if asked != nil || len(faults) > 0 {
			t.Errorf("%s: %+v, %v", name, asked, faults)
		}
	}
}

// TestName: the execution's name follows from the connection, the ticket, its change and what it asks, and from nothing else.
func TestName(t *testing.T) {
	t.Parallel()
	name := func(source string, body []byte) string {
		asked, faults := everySource(t)[source].Map(body, networks, vendors(t))
		if asked == nil || len(faults) > 0 {
			t.Fatalf("%v, %v", asked, faults)
		}
		execution, _ := asked.Execution()
		return execution
	}
	first := name("github", sample("github"))
	for what, body := range map[string][]byte{
		"the title":    edit(t, sample("github"), "/issue/title", "another"),
		"who labeled":  edit(t, sample("github"), "/sender/login", "hubot"),
		"white space":  replaced(t, "### Network\n\nagents-prod", "### Network\r\n\r\n  agents-prod  \r"),
		"by VPC alone": replaced(t, "### Network\n\nagents-prod", "### Network\n\n_No response_"),
	} {
		if got := name("github", body); got != first {
			t.Errorf("%s changed the name to %s", what, got)
		}
	}
	retry := edit(t, sample("github"), "/label/name", "postern-retry")
	for what, body := range map[string][]byte{
		"another ticket":     edit(t, sample("github"), "/issue/number", 43),
		"another repository": edit(t, sample("github"), "/repository/full_name", "example/other"),
		"a plan":             edit(t, sample("github"), "/label/name", "postern-plan"),
		"other subnets":      replaced(t, "- subnet-0b10000000000000b", "- subnet-0c10000000000000c"),
		"a retry":            retry,
	} {
		if got := name("github", body); got == first {
			t.Errorf("%s has the same name", what)
		}
	}
}

// later are the pointers to what differs from one change of a ticket to the next, and a later value.
var later = map[string]struct {
	pointer string
	value   any
}{
	"github":          {"/issue/updated_at", "2026-11-02T14:00:01Z"},
	"jira":            {"/timestamp", 1793628001000},
	"jira-automation": {"/fields/updated", "2026-11-02T14:00:01.000+0000"},
	"servicenow":      {"/sys_mod_count", 4},
	"standard":        {"/timestamp", "2026-11-02T14:00:01Z"},
	"zendesk":         {"/time", "2026-11-02T14:00:01Z"},
}

// asking changes a source's sample so that it asks for an action.
func asking(t testing.TB, source *Source, action connection.Action) []byte {
	t.Helper()
	for word, asked := range source.Action.Values {
		if asked != action {
			continue
		}
		var value any = word
		if source.Name == "zendesk" {
			value = []string{word}
		}
		return edit(t, sample(source.Name), source.Action.From, value)
	}
	t.Fatalf("%s cannot ask for %s", source.Name, action)
	return nil
}

// A ticket that asks for the same again, after its status or label changed again, has another execution, whatever it asks for. The same
// delivery has the same one.
func TestEachChangeOfATicketHasItsName(t *testing.T) {
	t.Parallel()
	for name, source := range everySource(t) {
		for _, action := range connection.TicketActions {
			t.Run(name+" "+string(action), func(t *testing.T) {
				t.Parallel()
				of := func(body []byte) string {
					asked, faults := source.Map(body, networks, vendors(t))
					if asked == nil || len(faults) > 0 || asked.Action != action {
						t.Fatalf("%+v, %v", asked, faults)
					}
					execution, _ := asked.Execution()
					return execution
				}
				body := asking(t, source, action)
				if first := of(body); first != of(body) || first == of(edit(t, body, later[name].pointer, later[name].value)) {
					t.Error("the name does not follow the ticket's change")
				}
				_, faults := source.Map(edit(t, body, later[name].pointer, nil), networks, vendors(t))
				if len(faults) == 0 || !strings.Contains(faults[0].String(), "needs the ticket's version") {
					t.Errorf("without its version: %v", faults)
				}
			})
		}
	}
}

// When a ticket was changed is read in each system's own form.
func TestWhenATicketWasChanged(t *testing.T) {
	t.Parallel()
	want := map[string]string{"servicenow": "0001-01-01T00:00:00Z", "standard": "2026-11-02T14:00:00Z", "github": "2026-11-02T13:59:58Z",
		"jira": "2026-11-02T13:59:58.123Z", "jira-automation": "2026-11-02T13:59:58.123Z", "zendesk": "2026-11-02T13:59:58.123456789Z"}
	for name, source := range everySource(t) {
		asked, faults := source.Map(sample(name), networks, vendors(t))
		if len(faults) > 0 || asked.Changed.UTC().Format(time.RFC3339Nano) != want[name] {
			t.Errorf("%s: %+v, %v", name, asked, faults)
		}
		if source.Ticket.At == "" {
			continue
		}
		for _, odd := range []any{"yesterday", map[string]any{}} {
			if _, faults := source.Map(edit(t, sample(name), source.Ticket.At, odd), networks, vendors(t)); len(faults) == 0 {
				t.Errorf("%s: the time %v is taken", name, odd)
			}
		}
	}
}

// Jira delivers every change of an issue. Only that of its status asks for something: neither a comment, ours for one, nor an edit.
func TestOnlyATransitionOfJiraAsks(t *testing.T) {
	t.Parallel()
	changed := func(items any) []byte { return edit(t, sample("jira"), "/changelog/items", items) }
	item := func(members ...string) map[string]any {
		made := map[string]any{}
		for i := 0; i < len(members); i += 2 {
			made[members[i]] = members[i+1]
		}
		return made
	}
	for name, test := range map[string]struct {
		from string // actionFrom, "" for the source's own
		body []byte
		asks bool
	}{
		"a transition":                  {"", sample("jira"), true},
		"a transition and more":         {"", changed([]any{item("field", "assignee"), item("field", "status")}), true},
		"a transition of Jira Server":   {"", changed([]any{item("field", "status", "toString", "Approved")}), true},
		"an edit":                       {"", changed([]any{item("field", "description", "fieldId", "description")}), false},
		"a change of nothing":           {"", changed([]any{}), false},
		"a comment":                     {"", edit(t, sample("jira"), "/changelog", nil), false},
		"a changelog of an odd shape":   {"", changed("status"), false},
		"a new ticket":                  {"", edit(t, edit(t, sample("jira"), "/changelog", nil), "/webhookEvent", "jira:issue_created"), true},
		"a field in the status's place": {"/issue/fields/customfield_7/value", fieldOf(t, changed([]any{item("field", "Network", "fieldId", "customfield_7")})), true},
		"another field than that":       {"/issue/fields/customfield_7/value", fieldOf(t, sample("jira")), false},
		"a place without any changelog": {"/issue/priority", edit(t, edit(t, sample("jira"), "/changelog", nil), "/issue/priority", "Approved"), true},
	} {
		block := `{"jira": {}}`
		if test.from != "" {
			block = `{"jira": {"actionFrom": "` + test.from + `"}}`
		}
		sources, err := Load(block)
		if err != nil {
			t.Fatal(err)
		}
		asked, faults := sources["jira"].Map(test.body, networks, vendors(t))
		if len(faults) > 0 || (asked != nil) != test.asks {
			t.Errorf("%s: %+v, %v", name, asked, faults)
		}
	}
}

// fieldOf gives a ticket of Jira a custom field that says what is asked for.
func fieldOf(t testing.TB, body []byte) []byte {
	t.Helper()
	return edit(t, body, "/issue/fields/customfield_7", map[string]any{"value": "Approved"})
}

func TestRetryOnboards(t *testing.T) {
	t.Parallel()
	asked, faults := everySource(t)["jira"].Map(edit(t, sample("jira"), "/issue/fields/status/name", "Retry"), networks, vendors(t))
	if len(faults) > 0 || asked.Action != connection.ActionRetry || asked.Request.Action != connection.ActionOnboard ||
		asked.Version == "" {
		t.Errorf("%+v, %v", asked, faults)
	}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	sources, err := Load(`{"jira": {"fields": {"vendor": "/issue/fields/customfield_9",
		"inputs.serviceRegion": "### Service Region"},
		"labels": {"vendor": "Which vendor"}, "actions": {"Go": "plan"},
			"ticketUrl": "https://example.atlassian.net/browse/{/issue/key}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	body := edit(t, sample("jira"), "/issue/fields/status/name", "Go")
	_, faults := sources["jira"].Map(body, networks, vendors(t))
	if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), "Which vendor: ") {
		t.Errorf("faults %v", faults)
	}
	body = edit(t, body, "/issue/fields/customfield_9", "monte-carlo")
	body = edit(t, body, "/issue/fields/description", "Hello\n### Service Region\nus-east-1")
	asked, faults := sources["jira"].Map(body, networks, vendors(t))
	if len(faults) > 0 || asked.Request.Action != connection.ActionPlan || asked.Request.Inputs["serviceRegion"] != "us-east-1" ||
		asked.Request.Ticket.URL != "https://example.atlassian.net/browse/NET-42" {
		t.Errorf("%+v, %v", asked, faults)
	}
	if len(sources) != 1 {
		t.Errorf("%d sources are on", len(sources))
	}
}

func TestOverrideFaults(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		`{"gitlab": {}}`: "there is no such source; use one of github, jira, jira-automation, servicenow, standard, zendesk",
		`{"github": {"fields": {"roleArn": "/x"}}}`:                       `a ticket cannot fill in "roleArn"`,
		`{"github": {"fields": {"vendor": "issue.body"}}}`:                `"issue.body" is not a JSON pointer`,
		`{"github": {"fields": {"vendor": "/a~2"}}}`:                      `"/a~2" is not a JSON pointer`,
		`{"servicenow": {"fields": {"vendor": "### Vendor"}}}`:            "no form",
		`{"github": {"actions": {"go": "destroy"}}}`:                      `"destroy" is no action`,
		`{"github": {"ticketUrl": "https://{/repository/url}/issues"}}`:   "does not begin with https:// and a host",
		`{"github": {"ticketUrl": "http://example.com/{/issue/number}"}}`: "does not begin with https:// and a host",
		`{"github": {"secret": "x"}}`:                                     "field secret not found",
		`[`:                                                               "webhooks: ",
	} {
		if _, err := Load(block); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", block, err, want)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	got := formOf("before\n### A \r\n\r\n one \r\n two\r\n### B\n_No response_\n###C\n### D\n```yaml\nx: 1\n```\n### D\nagain")
	want := form{"A": {"one\n two"}, "B": {"_No response_\n###C"}, "D": {"x: 1", "again"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	document := must(parse([]byte(`{"a":{"b/c":[{"~":1},"two"]},"":{"x":true},"n":null}`)))
	for pointer, want := range map[string]any{"/a/b~1c/0/~0": "1", "/a/b~1c/1": "two", "//x": "true", "/n": "", "/a/b~1c/2": "",
		"/a/b~1c/-1": "", "/a/b~1c/x": "", "/no/where": "", "/a/b~1c/1/deeper": ""} {
		if got, ok := text(at(document, pointer)); got != want || !ok {
			t.Errorf("%s leads to %q, want %q", pointer, got, want)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`["a","b"]`, `"a, b"`, `"- a\n- b"`, `"* a\r\n* b\r\n"`, `"a;b"`, `[" a ","","b"]`, `"a\tb"`} {
		got, ok := texts(must(parse([]byte(raw))))
		if !ok || fmt.Sprint(got) != "[a b]" {
			t.Errorf("%s: %q", raw, got)
		}
	}
	for _, raw := range []string{`{"a":1}`, `[["a"]]`} {
		if got, ok := texts(must(parse([]byte(raw)))); ok {
			t.Errorf("%s: %q", raw, got)
		}
	}
	for _, raw := range []string{`{"a":"1","b":"c:d","e":""}`, `"a: 1\n- b = c:d\n\n"`, `"a=1\r\nb: c:d"`} {
		got, ok := pairs(must(parse([]byte(raw))))
		if diff := cmp.Diff(map[string]string{"a": "1", "b": "c:d"}, got); !ok || diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
	for _, raw := range []string{`"nothing"`, `"a: 1\na: 2"`, `{"a":{}}`, `[]`, `": 1"`} {
		if got, ok := pairs(must(parse([]byte(raw)))); ok {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func FuzzMap(f *testing.F) {
	sources := everySource(f)
	for name := range sources {
		f.Add(name, sample(name))
	}
	f.Add("standard", []byte(`{"type":"connection.requested","data":{"action":"onboard","subnetIds":{"a":[]}}}`))
	f.Add("zendesk", []byte(`{"type":"zen:event-type:ticket.tags_changed","event":{"tags_added":["postern_retry"]},"detail":{"description":"### ###"}}`))
	known := vendors(f)
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		source, ok := sources[name]
		if !ok {
			return
		}
		asked, faults := source.Map(body, networks, known)
		if asked == nil || len(faults) > 0 {
			return
		}
		// What gets through is a whole request, for a registered network, from a ticket.
		_, input := asked.Execution()
		request, err := connection.DecodeRequest([]byte(input))
		if err != nil {
			t.Errorf("let through: %v", err)
		}
		if _, registered := networks.Find(request.Target.Region, request.Target.VPCID); !registered || request.Ticket.Key() == "" {
			t.Errorf("let through: %s", input)
		}
		if unsafe.MatchString(strings.ReplaceAll(input, "https://github.com/", "")) {
			t.Errorf("an ARN, an address or a template came through: %s", input)
		}
	})
}
