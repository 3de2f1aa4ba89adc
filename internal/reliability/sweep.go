package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// disturbance is a way to break one call.
type disturbance struct {
	name string
	kind wire.FaultKind
	// lasting breaks every call of the same operation by the same function for so long, zero the one call only.
	lasting time.Duration
}

var disturbances = []disturbance{
	{name: "throttled once", kind: wire.Throttle},
	{name: "throttled for ten minutes", kind: wire.Throttle, lasting: 10 * time.Minute},
	{name: "answered with 500", kind: wire.ServerError},
	{name: "timed out", kind: wire.Hang},
	{name: "done, the answer lost", kind: wire.LostAnswer},
	{name: "denied once", kind: wire.Deny},
	{name: "function killed before", kind: wire.CrashBefore},
	{name: "function killed after", kind: wire.CrashAfter},
}

// limit is how much simulated time a run may take: longer than every wait.
const limit = 30 * 24 * time.Hour

// site is one call of a scenario: the one that is broken.
type site struct {
	number              int // among the calls of the disturbed request
	function, operation string
}

func (s site) String() string {
	return fmt.Sprintf("call %d, %s by %s", s.number, s.operation, s.function)
}

// outcome is how a disturbed run ended.
type outcome struct {
	end        string   // the last state
	violations []string // of the invariants
}

// sites runs a scenario undisturbed and returns its calls. The sweeps look alike: of the schedule's calls the first few stand for
// all.
func (s scenario) sites(raw []byte) ([]site, error) {
	var sites []site
	scheduled := 0
	ended, violations, err := s.run(raw, func(number int, call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.Origin == local.OriginSchedule {
			scheduled++
		}
		if record.Origin != local.OriginSchedule || scheduled <= 6 {
			sites = append(sites, site{number, record.Function, call.Service + "." + call.Operation})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if ended != s.end || len(violations) > 0 {
		return nil, fmt.Errorf("%s: undisturbed it ends %s, not %s: %s", s.name, ended, s.end, strings.Join(violations, "; "))
	}
	return sites, nil
}

// disturb runs a scenario with one call broken.
func (s scenario) disturb(raw []byte, at site, d disturbance) (outcome, error) {
	var until time.Time
	end, violations, err := s.run(raw, func(number int, call *wire.Call, record wire.Recorded) *wire.Fault {
		again := d.lasting > 0 && record.At.Before(until) && record.Function == at.function &&
			call.Service+"."+call.Operation == at.operation
		if number != at.number && !again {
			return nil
		}
		if until.IsZero() {
			until = record.At.Add(d.lasting)
		}
		return &wire.Fault{Kind: d.kind}
	})
	return outcome{end, violations}, err
}

// run runs a scenario once. Fault is asked about each call of the request that is disturbed.
func (s scenario) run(raw []byte, fault func(number int, call *wire.Call, record wire.Recorded) *wire.Fault) (
	end string, violations []string, err error) {
	c, err := s.open(raw)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = c.Close() }()
	untouched := c.Inventory()
	if s.before != nil {
		if _, err := execute(c, s.before); err != nil {
			return "", nil, err
		}
	}
	watch := &witness{cloud: c, before: c.Inventory(), untouched: untouched}
	number := 0
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		number++
		watch.see(call)
		return fault(number, call, record)
	})
	ended, err := execute(c, s.request)
	if err != nil {
		return "", nil, err
	}
	c.Server.SetFault(nil)
	// What was still under way when the execution ended has an hour to come to rest.
	if err := c.Advance(time.Hour); err != nil {
		return "", nil, err
	}
	end = "no state"
	if len(ended.Path) > 0 {
		end = ended.Path[len(ended.Path)-1]
	}
	return end, watch.violations(ended, end), nil
}

func execute(c *local.Cloud, input []byte) (states.Execution, error) {
	arn, err := c.StartExecution("", input)
	if err != nil {
		return states.Execution{}, err
	}
	return c.Run(arn, limit)
}

// witness knows what was there before, and says what is wrong afterwards.
type witness struct {
	cloud             *local.Cloud
	before, untouched []string // inventories: before the disturbed request, and before anything
	leaked            []string
}

var token = regexp.MustCompile(`AQCEAAAAKgAAAAMAAAAAAAAAA[A-Za-z0-9+/=]{20,}`)

// see looks for task tokens in calls that are none of a token's business.
func (w *witness) see(call *wire.Call) {
	if call.Service != "dynamodb" && call.Service != "states" && token.Match(call.Body) {
		w.leaked = append(w.leaked, call.Service+"."+call.Operation)
	}
}

// violations checks the invariants after a run.
func (w *witness) violations(ended states.Execution, end string) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	after := w.cloud.Inventory()
	switch end {
	case "Onboarded":
		wrong = append(wrong, w.onboarded(ended)...)
	case "FailedClean":
		if diff := difference(w.before, after); diff != "" {
			say("FailedClean, but the account is not as it was: %s", diff)
		}
	case "Offboarded":
		if diff := difference(w.untouched, after); diff != "" {
			say("Offboarded, but the account is not as it was: %s", diff)
		}
	case "FailedDirty": // an offboarding that was refused something says what is left; an onboarding never leaves anything
		if !slices.Contains(ended.Path, "Offboard") {
			say("FailedDirty: %s: %s", ended.Error, ended.Cause)
		}
	default:
		say("it ended in %s: %s: %s", end, ended.Error, ended.Cause)
	}
	for _, line := range w.untouched {
		if end == "Onboarded" && strings.HasPrefix(line, "endpoint to ") {
			continue // it was taken over, and has our tags
		}
		if !slices.Contains(after, line) {
			say("something of others is changed or gone: %s", line)
		}
	}
	if holder := w.holder(); holder != "" {
		say("the connection is still held by %s", holder)
	}
	return append(wrong, w.spoken(ended)...)
}

// onboarded checks a connection that is said to work.
func (w *witness) onboarded(ended states.Execution) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil {
		return []string{"the output is no state: " + err.Error()}
	}
	live := 0
	for _, e := range w.cloud.World.Endpoints() {
		if e.State == privatelink.Deleted || e.State == privatelink.Deleting {
			continue
		}
		if live++; e.State != privatelink.Available || e.ID != state.Endpoint.ID {
			say("endpoint %s is %s", e.ID, e.State)
		}
	}
	if live != 1 {
		say("%d endpoints", live)
	}
	if n := len(w.cloud.World.Notifications()); n > 1 {
		say("%d connection notifications", n)
	}
	if n := len(w.cloud.Zones.Zones()) - 1; n > 1 { // but somebody's
		say("%d hosted zones", n)
	}
	if state.Verification == nil || state.Verification.Verdict != connection.Pass {
		say("it was published without a proof")
	}
	if state.Config == nil || len(state.Config.Parameters) == 0 {
		say("nothing was published")
	}
	for _, output := range state.Plan.Outputs {
		version, there := w.cloud.Parameters.Get(output.Parameter)
		if !there || output.Format == connection.FormatText && version.Value != output.Value {
			say("parameter %s is not as planned", output.Parameter)
		}
	}
	return wrong
}

// holder is who holds a connection after everything has ended.
func (w *witness) holder() string {
	for _, table := range template.All[template.Table](w.cloud.Stack) {
		for _, item := range w.cloud.Tables.Items(table.Ref) {
			if holder, held := item["holder"]; held {
				return fmt.Sprint(holder)
			}
		}
	}
	return ""
}

// spoken checks what was said: no token anywhere, and no message to the vendor twice.
func (w *witness) spoken(ended states.Execution) []string {
	var wrong []string
	places := map[string]string{"output": string(ended.Output), "cause": ended.Cause}
	for name, log := range w.cloud.Logs() {
		places["log of "+name] = log
	}
	sent := map[string]int{}
	for _, mail := range w.cloud.Mail() {
		places["a mail"] += mail.Subject + mail.Body
		sent[mail.Subject+"\n"+mail.Body]++
	}
	for place, text := range places {
		if token.MatchString(text) {
			wrong = append(wrong, place+" holds a task token")
		}
	}
	for _, call := range w.leaked {
		wrong = append(wrong, "a task token went to "+call)
	}
	for text, times := range sent {
		if times > 1 {
			subject, _, _ := strings.Cut(text, "\n")
			wrong = append(wrong, fmt.Sprintf("sent %d times: %s", times, subject))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// difference says what one list has and the other has not.
func difference(before, after []string) string {
	var lines []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			lines = append(lines, "gone: "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			lines = append(lines, "left: "+line)
		}
	}
	return strings.Join(lines, "; ")
}
