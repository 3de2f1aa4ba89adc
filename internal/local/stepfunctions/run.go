package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// failure is an error of the language: a name that Retry and Catch match, and a cause.
type failure struct{ Name, Cause string }

func (f *failure) Error() string { return f.Name + ": " + f.Cause }

// maxPayload is the most bytes of a state's data. AWS: 262,144.
const maxPayload = 262_144

// run is one walk through a graph: an execution's, or that of a Map's item or a Parallel's branch.
type run struct {
	service *Service
	exec    *execution
	graph   *graph
	mapItem map[string]any // the context object's Map, inside a Map
	done    func(output any, failed *failure)
	ended   bool
	cancel  []func() // timers and inner runs of the state at hand
}

// visit is one stay in a state.
type visit struct {
	run     *run
	state   *state
	input   any // as it came, before InputPath
	entered time.Time
	tries   map[int]int // by retrier
	attempt int
	token   *task
}

func (r *run) live() bool { return !r.ended && r.exec.open() }

// end ends the run once, whatever else is still going on in it.
func (r *run) end(output any, failed *failure) {
	if r.ended {
		return
	}
	r.ended = true
	r.release()
	r.done(output, failed)
}

// release stops what the state at hand has going.
func (r *run) release() {
	for _, stop := range r.cancel {
		stop()
	}
	r.cancel = nil
}

// enter enters a state. It happens on the clock, so that a loop of states that take no time does not grow the stack.
func (r *run) enter(name string, input any) {
	r.service.clock.After(0, "entering "+name, func() {
		if !r.live() {
			return
		}
		v := &visit{run: r, state: r.graph.states[name], input: input, entered: r.service.clock.Now(), tries: map[int]int{}}
		r.service.record(r.exec, func(e *execution) {
			e.Path = append(e.Path, name)
			e.Transitions++
			e.events += 2
		})
		r.service.tell(StateEvent{Execution: r.exec.ARN, State: name, Type: v.state.Type, Kind: Entered, At: v.entered})
		if r.exec.events > maxEvents {
			r.end(nil, &failure{Name: "States.Runtime", Cause: "the execution reached 25,000 events of history"})
			return
		}
		v.start()
	})
}

// start does what the state's type does.
func (v *visit) start() {
	data, err := v.state.InputPath.of(v.input, v.context())
	if err != nil {
		v.fail(asFailure(err))
		return
	}
	switch v.state.Type {
	case "Pass":
		v.pass(data)
	case "Choice":
		v.choose(data)
	case "Wait":
		v.wait(data)
	case "Succeed":
		v.succeed(data)
	case "Fail":
		v.failState(data)
	case "Task":
		v.task(data)
	case "Parallel":
		v.parallel(data)
	case "Map":
		v.each(data)
	}
}

func (v *visit) pass(data any) {
	result := data
	if v.state.Result != nil {
		result = v.state.Result
	}
	if v.state.Parameters != nil {
		var err error
		if result, err = v.state.Parameters.value(data, v.context()); err != nil {
			v.fail(asFailure(err))
			return
		}
	}
	v.store(result)
}

func (v *visit) choose(data any) {
	for _, choice := range v.state.Choices {
		matched, err := choice.matches(data, v.context())
		if err != nil {
			v.fail(asFailure(err))
			return
		}
		if matched {
			v.leave(data, choice.Next)
			return
		}
	}
	if v.state.Default == "" {
		v.fail(&failure{Name: "States.NoChoiceMatched", Cause: "no choice of " + v.state.name + " matches, and there is no Default"})
		return
	}
	v.leave(data, v.state.Default)
}

func (v *visit) wait(data any) {
	until, err := v.waitEnd(data)
	if err != nil {
		v.fail(asFailure(err))
		return
	}
	v.after(until.Sub(v.run.service.clock.Now()), "the end of "+v.state.name, func() { v.leave(data, v.state.Next) })
}

func (v *visit) waitEnd(data any) (time.Time, error) {
	seconds, at := 0.0, v.state.Timestamp
	switch {
	case v.state.Seconds != nil:
		seconds = *v.state.Seconds
	case v.state.SecondsPath != nil:
		value, err := v.state.SecondsPath.get(data, v.context())
		if err != nil {
			return time.Time{}, err
		}
		var ok bool
		if seconds, ok = number(value); !ok || seconds < 0 {
			return time.Time{}, &failure{Name: "States.Runtime", Cause: "SecondsPath gives no number of seconds"}
		}
	case v.state.TimestampPath != nil:
		value, err := v.state.TimestampPath.get(data, v.context())
		if err != nil {
			return time.Time{}, err
		}
		at, _ = value.(string)
		fallthrough
	default:
		parsed, ok := timestamp(at)
		if !ok {
			return time.Time{}, &failure{Name: "States.Runtime", Cause: "the timestamp is none"}
		}
		return parsed, nil
	}
	return v.run.service.clock.Now().Add(time.Duration(seconds * float64(time.Second))), nil
}

func (v *visit) succeed(data any) {
	output, err := v.state.OutputPath.of(data, v.context())
	if err != nil {
		v.fail(asFailure(err))
		return
	}
	v.exit(output)
	v.run.end(output, nil)
}

func (v *visit) failState(data any) {
	failed := &failure{Name: v.state.Error, Cause: v.state.Cause}
	for _, field := range []struct {
		expr *expression
		into *string
	}{{v.state.ErrorPath, &failed.Name}, {v.state.CausePath, &failed.Cause}} {
		if field.expr == nil {
			continue
		}
		value, err := field.expr.value(data, v.context())
		text, ok := value.(string)
		if err == nil && !ok {
			err = &failure{Name: "States.Runtime", Cause: "ErrorPath and CausePath must give strings"}
		}
		if err != nil {
			failed = asFailure(err)
			break
		}
		*field.into = text
	}
	v.exit(nil)
	v.run.end(nil, failed)
}

// result is what a Task, Map or Parallel came to: ResultSelector, ResultPath, OutputPath, Next.
func (v *visit) result(result any) {
	if v.state.ResultSelector != nil {
		var err error
		if result, err = v.state.ResultSelector.value(result, v.context()); err != nil {
			v.failed(asFailure(err))
			return
		}
	}
	v.store(result)
}

func (v *visit) store(result any) {
	stored, err := v.state.ResultPath.put(v.input, result)
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.leave(stored, v.state.Next)
}

// leave goes to the next state, or ends the run when there is none.
func (v *visit) leave(data any, next string) {
	output, err := v.state.OutputPath.of(data, v.context())
	if err == nil {
		err = checkSize(output)
	}
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.run.release()
	v.exit(output)
	if next == "" {
		v.run.end(output, nil)
		return
	}
	v.run.enter(next, output)
}

func (v *visit) exit(output any) {
	raw, _ := json.Marshal(output)
	v.run.service.tell(StateEvent{Execution: v.run.exec.ARN, State: v.state.name, Type: v.state.Type, Kind: Exited, At: v.run.service.clock.Now(), Output: raw})
}

func checkSize(data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return &failure{Name: "States.Runtime", Cause: err.Error()}
	}
	if len(raw) > maxPayload {
		return &failure{Name: "States.DataLimitExceeded", Cause: fmt.Sprintf("%d bytes, more than %d", len(raw), maxPayload)}
	}
	return nil
}

// fail ends the run: states without Retry and Catch.
func (v *visit) fail(failed *failure) { v.run.end(nil, failed) }

// failed retries, catches, or ends the run.
func (v *visit) failed(failed *failure) {
	if !v.run.live() {
		return
	}
	v.run.release()
	if delay, again := v.retry(failed); again {
		v.run.service.record(v.run.exec, func(e *execution) {
			e.Transitions++
			e.events += 3
		})
		v.tell(Retrying, failed, delay)
		v.after(delay, "the next try of "+v.state.name, v.start)
		return
	}
	for _, c := range v.state.Catch {
		if !matches(c.ErrorEquals, failed.Name) {
			continue
		}
		v.tell(Caught, failed, 0)
		output, err := c.ResultPath.put(v.input, map[string]any{"Error": failed.Name, "Cause": failed.Cause})
		if err != nil {
			v.fail(asFailure(err))
			return
		}
		v.exit(output)
		v.run.enter(c.Next, output)
		return
	}
	v.fail(failed)
}

func (v *visit) tell(kind EventKind, failed *failure, delay time.Duration) {
	v.run.service.tell(StateEvent{Execution: v.run.exec.ARN, State: v.state.name, Type: v.state.Type, Kind: kind, At: v.run.service.clock.Now(),
		Error: failed.Name, Cause: failed.Cause, Delay: delay})
}

// retry returns the delay before the next try, and whether there is one. Each retrier counts its own tries.
func (v *visit) retry(failed *failure) (time.Duration, bool) {
	for i, r := range v.state.Retry {
		if !matches(r.ErrorEquals, failed.Name) {
			continue
		}
		most, interval, rate := 3, int64(1), 2.0
		if r.MaxAttempts != nil {
			most = *r.MaxAttempts
		}
		if r.IntervalSeconds != nil {
			interval = *r.IntervalSeconds
		}
		if r.BackoffRate != nil {
			rate = *r.BackoffRate
		}
		if v.tries[i] >= most {
			return 0, false
		}
		seconds := float64(interval) * math.Pow(rate, float64(v.tries[i]))
		if r.MaxDelaySeconds > 0 {
			seconds = min(seconds, float64(r.MaxDelaySeconds))
		}
		if r.JitterStrategy == "FULL" {
			seconds *= v.run.service.random()
		}
		v.tries[i]++
		v.attempt++
		return time.Duration(seconds * float64(time.Second)), true
	}
	return 0, false
}

// matches reports whether a list of error names matches one. States.ALL matches all but the two that AWS lets nobody catch;
// States.TaskFailed matches every error of a task but a timeout. A heartbeat that stayed away is a timeout too: AWS names it
// States.HeartbeatTimeout, and States.Timeout matches it.
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
func matches(names []string, name string) bool {
	uncatchable := name == "States.DataLimitExceeded" || name == "States.Runtime"
	for _, candidate := range names {
		switch {
		case candidate == name,
			candidate == "States.ALL" && !uncatchable,
			candidate == "States.TaskFailed" && name != "States.Timeout" && !uncatchable,
			candidate == "States.Timeout" && name == "States.HeartbeatTimeout":
			return true
		}
	}
	return false
}

// after does something later, unless the state is left before.
func (v *visit) after(d time.Duration, label string, do func()) {
	timer := v.run.service.clock.After(d, label, func() {
		if v.run.live() {
			do()
		}
	})
	v.run.cancel = append(v.run.cancel, func() { timer.Stop() })
}

// context is the context object of AWS.
func (v *visit) context() map[string]any {
	object := maps.Clone(v.run.exec.context)
	object["State"] = map[string]any{
		"Name": v.state.name, "EnteredTime": v.entered.UTC().Format(timeLayout), "RetryCount": float64(v.attempt),
	}
	if v.token != nil {
		object["Task"] = map[string]any{"Token": v.token.token}
	}
	if v.run.mapItem != nil {
		object["Map"] = map[string]any{"Item": v.run.mapItem}
	}
	return object
}

// timeLayout is how the context object writes times.
const timeLayout = "2006-01-02T15:04:05.000Z"

// parallel runs the branches; the first that fails ends them all.
func (v *visit) parallel(data any) {
	input, ok := v.parameters(data)
	if !ok {
		return
	}
	inputs := slices.Repeat([]any{input}, len(v.state.Branches))
	v.inner(v.state.Branches, inputs, len(inputs), nil)
}

// each runs the item processor over the items, MaxConcurrency at a time. AWS: 0 is as many as possible; an inline Map runs 40.
func (v *visit) each(data any) {
	list, err := v.items(data)
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	graphs, items, inputs := make([]*graph, len(list)), make([]map[string]any, len(list)), make([]any, len(list))
	for i, item := range list {
		graphs[i], inputs[i] = v.state.ItemProcessor, item
		items[i] = map[string]any{"Index": float64(i), "Value": item}
		if v.state.ItemSelector != nil {
			context := v.context()
			context["Map"] = map[string]any{"Item": items[i]}
			if inputs[i], err = v.state.ItemSelector.value(data, context); err != nil {
				v.failed(asFailure(err))
				return
			}
		}
	}
	width := v.state.MaxConcurrency
	if v.state.MaxConcurrencyPath != nil {
		value, err := v.state.MaxConcurrencyPath.get(data, v.context())
		if err != nil {
			v.failed(asFailure(err))
			return
		}
		most, _ := number(value)
		width = int(most)
	}
	if width <= 0 {
		width = 40
	}
	v.inner(graphs, inputs, width, items)
}

func (v *visit) items(data any) ([]any, error) {
	var found = data
	if v.state.ItemsPath != nil {
		var err error
		if found, err = v.state.ItemsPath.get(data, v.context()); err != nil {
			return nil, err
		}
	}
	list, ok := found.([]any)
	if !ok {
		return nil, &failure{Name: "States.Runtime", Cause: "the items of " + v.state.name + " are no list"}
	}
	return list, nil
}

// inner runs graphs side by side, width at a time, and collects their outputs in order.
func (v *visit) inner(graphs []*graph, inputs []any, width int, items []map[string]any) {
	outputs := make([]any, len(graphs))
	left, next := len(graphs), 0
	var runs []*run
	var launch func()
	launch = func() {
		i := next
		next++
		r := &run{service: v.run.service, exec: v.run.exec, graph: graphs[i], mapItem: v.run.mapItem}
		if items != nil {
			r.mapItem = items[i]
		}
		r.done = func(output any, failed *failure) {
			if failed != nil {
				v.failed(failed)
				return
			}
			outputs[i] = output
			left--
			switch {
			case left == 0:
				v.result(outputs)
			case next < len(graphs):
				launch()
			}
		}
		runs = append(runs, r)
		r.enter(graphs[i].StartAt, inputs[i])
	}
	v.run.cancel = append(v.run.cancel, func() {
		for _, r := range runs {
			r.ended = true
			r.release()
		}
	})
	if left == 0 {
		v.result([]any{})
		return
	}
	for range min(width, len(graphs)) {
		launch()
	}
}

// parameters applies Parameters; when that fails the state has failed and ok is false.
func (v *visit) parameters(data any) (value any, ok bool) {
	if v.state.Parameters == nil {
		return data, true
	}
	value, err := v.state.Parameters.value(data, v.context())
	if err != nil {
		v.failed(asFailure(err))
		return nil, false
	}
	return value, true
}

func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{Name: "States.Runtime", Cause: strings.TrimSpace(err.Error())}
}
