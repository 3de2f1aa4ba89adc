package inflight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/proof/handlers"
)

// recording is what one scenario left: calls by execution and state, the table's items and our events, each by when it was there.
type recording struct {
	Calls  map[string]call              `json:"calls"`
	Items  map[string]map[string]string `json:"items"`
	Events map[string]event             `json:"events"`
}

// call is what a state handed to its function, and how that ended: Error is the name of a failure.
type call struct {
	Function string          `json:"function"`
	Input    json.RawMessage `json:"input"`
	Output   json.RawMessage `json:"output,omitempty"`
	Error    string          `json:"error,omitempty"`
}

type event struct {
	DetailType string          `json:"detailType"`
	Detail     json.RawMessage `json:"detail"`
}

// token is what a task token looks like. No recording may hold one: "[redacted]" stands for it, as the functions themselves
// write it.
var token = regexp.MustCompile(`AQCEAAAAKgAAAAMAAAAAAAAAA[A-Za-z0-9+/=]{20,}`)

func redacted(raw []byte) []byte { return token.ReplaceAll(raw, []byte("[redacted]")) }

// revealed puts the token of a live call into a recorded one.
func revealed(recorded, live []byte) []byte {
	return bytes.ReplaceAll(recorded, []byte("[redacted]"), token.Find(live))
}

// tape counts the calls of each state, so that a scenario that runs again gives each call the same name.
type tape struct {
	calls map[string]call
	// replay, when set, takes the place of what is handed over.
	replay map[string]call
	// answered is told how a replayed call ended.
	answered func(key string, was, is call)

	names []string // of the executions that are recorded: those that a fleet starts are like any other
	done  map[string]int
}

func (p *tape) follows(execution string) bool { return slices.Contains(p.names, nameOf(execution)) }

// around records a call, under the name of its execution and state. A retry takes the place of the call before, since the state
// is the same; a second visit is another call.
func (p *tape) around(live states.Invocation, invoke local.Invoke) ([]byte, *states.Failure, time.Duration) {
	state := nameOf(live.Execution) + "/" + live.State
	key := state
	if p.done[state] > 0 {
		key = fmt.Sprintf("%s/%d", state, p.done[state]+1)
	}
	if !p.follows(live.Execution) {
		return invoke(live)
	}
	is := call{Function: nameOf(live.Function), Input: live.Payload}
	was, recorded := p.replay[key]
	if recorded {
		live.Payload = revealed(was.Input, live.Payload)
	}
	output, failed, waited := invoke(live)
	is.Input, is.Output = redacted(is.Input), redacted(output)
	if failed != nil {
		is.Error = failed.Error
	} else {
		p.done[state]++
	}
	p.calls[key] = is
	if recorded && (failed == nil || was.Error == failed.Error) {
		p.answered(key, was, is)
	}
	return output, failed, waited
}

func nameOf(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

func newTape(s scenario) *tape {
	p := &tape{calls: map[string]call{}, done: map[string]int{}}
	for _, r := range s.requests {
		p.names = append(p.names, r.name)
	}
	return p
}

// run runs a scenario on the embedded cloud.
func (s scenario) run(t *testing.T, p *tape) recording {
	t.Helper()
	config := local.Config{
		TemplatePath: testdata + "postern.template.json", Functions: handlers.InProcess(), Around: p.around,
		Others: []local.Other{
			network("agents-research", world.OtherAccount, world.Region),
			network("agents-europe", world.Account, world.EuropeRegion),
			network("research-europe", world.OtherAccount, world.EuropeRegion),
		},
	}
	c, err := world.Open(config)
	must(t, err)
	defer func() { must(t, c.Close()) }()
	if s.byHand {
		_, err := people.MakeByHand(c, people.HandMade)
		must(t, err)
	}
	(&people.Vendor{Behaviour: s.vendor, After: 30 * time.Hour}).Join(c)
	c.Server.SetFault(s.fault)
	out := recording{Calls: p.calls, Items: map[string]map[string]string{}, Events: map[string]event{}}
	seen := func(when string) {
		for i, item := range items(c) {
			out.Items[fmt.Sprintf("%s/%d", when, i+1)] = item
		}
	}
	var started []string
	for _, r := range s.requests {
		if r.damage != "" {
			damage, err := people.ParseDamage(r.damage)
			must(t, err)
			must(t, damage.Do(c, c.World.Endpoints()[0].ID))
			must(t, c.Advance(time.Hour)) // it is found
			seen("after " + r.damage)
		}
		arn, err := c.StartExecution(r.name, r.input)
		must(t, err)
		started = append(started, arn)
		if r.alone > 0 {
			must(t, c.Advance(r.alone))
		} else {
			_, err = c.Run(arn, limit)
			must(t, err)
		}
		seen("after " + r.name)
	}
	for i, arn := range started {
		ended, err := c.Run(arn, limit)
		must(t, err)
		if end := ended.Path[len(ended.Path)-1]; end != s.requests[i].end {
			t.Errorf("%s ended %s, not %s: %s: %s", s.requests[i].name, end, s.requests[i].end, ended.Error, ended.Cause)
		}
	}
	must(t, c.Advance(time.Minute))
	seen("at the end")
	for _, e := range c.Events.Events() {
		if e.Event.Source == connection.EventSource {
			key := e.Event.DetailType
			for n := 2; ; n++ {
				if _, taken := out.Events[key]; !taken {
					break
				}
				key = fmt.Sprintf("%s/%d", e.Event.DetailType, n)
			}
			out.Events[key] = event{e.Event.DetailType, redacted(e.Event.Detail)}
		}
	}
	return out
}

// limit is how much simulated time a run may take: longer than every wait.
const limit = 60 * 24 * time.Hour

const testdata = "../../infra/testdata/"

func network(name, account, region string) local.Other {
	return local.Other{
		TemplatePath: testdata + "postern-" + name + ".template.json", StackName: "Postern-" + name, AccountID: account, Region: region,
	}
}

// items are the table's items, without their tokens.
func items(c *local.Cloud) []map[string]string {
	var all []map[string]string
	for _, table := range template.All[template.Table](c.Stack) {
		for _, item := range c.Tables.Items(table.Ref) {
			texts := map[string]string{}
			for name, value := range item {
				texts[name] = string(redacted([]byte(value.Text)))
			}
			all = append(all, texts)
		}
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recordings are all scenarios of a release by name.
type recordings map[string]recording

func readRecordings(t *testing.T) recordings {
	t.Helper()
	raw, err := os.ReadFile(recordingsFile)
	if os.IsNotExist(err) && *update {
		return recordings{}
	}
	must(t, err)
	var all recordings
	must(t, json.Unmarshal(raw, &all))
	return all
}

// add takes over what is not there yet, and reports whether there was anything. What is there stays: it was released. A call,
// an item or an event that has the shape of one that is recorded, in this scenario or another, tells nothing new.
func (r recordings) add(name string, made recording) bool {
	known := map[string]bool{}
	for _, have := range r {
		for key, call := range have.Calls {
			known[call.looks(key)] = true
		}
		for _, event := range have.Events {
			known[event.looks()] = true
		}
		for _, item := range have.Items {
			known[looks(item)] = true
		}
	}
	have, old := r[name]
	if !old {
		have = recording{map[string]call{}, map[string]map[string]string{}, map[string]event{}}
		r[name] = have
	}
	added := keep(have.Calls, made.Calls, known, func(key string, c call) string { return c.looks(key) })
	added = keep(have.Items, made.Items, known, func(_ string, item map[string]string) string { return looks(item) }) || added
	return keep(have.Events, made.Events, known, func(_ string, e event) string { return e.looks() }) || added || !old
}

// keep adds to have what it lacks and what does not look like anything known.
func keep[V any](have, made map[string]V, known map[string]bool, look func(string, V) string) (added bool) {
	for _, key := range slices.Sorted(maps.Keys(made)) {
		value := made[key]
		if _, there := have[key]; there || known[look(key, value)] {
			continue
		}
		have[key], added = value, true
		known[look(key, value)] = true
	}
	return added
}

func (c call) looks(key string) string {
	var in struct {
		Gate, Mode string
		State      struct {
			Error   string
			Plan    struct{ Decision string }
			Failure struct{ Error string }
		}
	}
	var out struct{ Decision, Verdict string }
	_, _ = json.Unmarshal(c.Input, &in), json.Unmarshal(c.Output, &out) // what cannot be read has no words that matter
	state := strings.Split(key, "/")[1]
	return fmt.Sprint("call", state, functionOf(c.Function), c.Error, in, out, shape(c.Input), shape(c.Output))
}

func (e event) looks() string {
	var of struct{ State, ObservedBy string }
	if err := json.Unmarshal(e.Detail, &of); err != nil {
		return err.Error()
	}
	return fmt.Sprint("event", e.DetailType, of, shape(e.Detail))
}

func looks(item map[string]string) string {
	return fmt.Sprint("item", item["status"], slices.Sorted(maps.Keys(item)), shape(json.RawMessage(item["ledger"])),
		shape(json.RawMessage(item["drift"])), shape(json.RawMessage(item["expects"])))
}

// marshal writes one line for each thing recorded, so that a difference can be read.
func (r recordings) marshal() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%s\n%q: {", comma(i), name)
		for j, part := range []struct {
			name string
			of   func() (map[string]json.RawMessage, error)
		}{
			{"calls", func() (map[string]json.RawMessage, error) { return raws(r[name].Calls) }},
			{"items", func() (map[string]json.RawMessage, error) { return raws(r[name].Items) }},
			{"events", func() (map[string]json.RawMessage, error) { return raws(r[name].Events) }},
		} {
			lines, err := part.of()
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "%s\n%q: {", comma(j), part.name)
			for k, key := range slices.Sorted(maps.Keys(lines)) {
				fmt.Fprintf(&b, "%s\n%q: %s", comma(k), key, lines[key])
			}
			b.WriteString("}")
		}
		b.WriteString("}")
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

func raws[V any](of map[string]V) (map[string]json.RawMessage, error) {
	lines := map[string]json.RawMessage{}
	for key, value := range of {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		lines[key] = raw
	}
	return lines, nil
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}
