package states

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"postern/internal/local/clock"
)

// maxPayload is the most bytes of a state's data. AWS: 262,144.
const maxPayload = 262_144

// run is one walk through a graph: an execution's, or that of a Map's item. When it has ended it keeps
// where it was, so that a redrive can go on from there.
type run struct {
	service *Service
	exec    *execution
	graph   *graph
	item    any // the context object's Map.Item, inside a Map
	done    func(output any, f *failure)
	over    bool
	last    int64 // id of the last event of its history
	silent  bool  // it has a history of its own on AWS: that of an item of a distributed Map

	at       *visit // nil between two states:
	next     string // then this is entered
	data     any    // with this
	entering *clock.Timer
}

// visit is one stay in a state, over all its tries.
type visit struct {
	run     *run
	state   *state
	input   any // as it came, before InputPath
	entered time.Time
	event   int64   // id of its StateEntered
	tries   []int64 // by retrier
	retries int64
	attempt *attempt // of a Task, the one at hand
	fan     *fan     // of a Map
	cleanup []func() // ends what the try at hand has going
	left    bool
}

// enter enters a state. It happens on the clock, so that a loop of states that take no time does not grow the stack.
func (r *run) enter(name string, data any) {
	r.at, r.next, r.data = nil, name, data
	r.entering = r.service.clock.After(0, "entering "+name, r.arrive)
}

func (r *run) arrive() {
	if r.service.full(r.exec) {
		return
	}
	s := r.graph.states[r.next]
	v := &visit{run: r, state: s, input: r.data, tries: make([]int64, len(s.retry))}
	r.at, r.data = v, nil
	v.open()
	v.start()
}

// open notes that the state is entered.
func (v *visit) open() {
	v.entered, v.left = v.run.service.clock.Now(), false
	v.run.service.record(v.run.exec, func(e *execution) {
		e.Path = append(e.Path, v.state.name)
		e.CurrentStates = append(e.CurrentStates, v.state.name)
		e.Transitions++
	})
	v.run.note(v.state.kind+"StateEntered", details{"name": v.state.name}.with("input", v.input))
	v.event = v.run.last
	v.tell(StateEvent{Kind: Entered})
}

// close notes that the state is left, in whatever way.
func (v *visit) close() {
	if v.left {
		return
	}
	v.left = true
	v.run.service.record(v.run.exec, func(e *execution) {
		i := slices.Index(e.CurrentStates, v.state.name)
		e.CurrentStates = slices.Delete(e.CurrentStates, i, i+1)
	})
}

// end ends the run; the state it was in is closed already.
func (r *run) end(output any, f *failure) {
	r.over = true
	r.done(output, f)
}

// abort ends the run without a result.
func (r *run) abort() {
	if r.over {
		return
	}
	r.over = true
	if r.entering != nil {
		r.entering.Stop()
	}
	if r.at != nil {
		r.at.release()
		r.at.close()
	}
}

// release ends what the try at hand has going.
func (v *visit) release() {
	stops := v.cleanup
	v.cleanup = nil
	for _, stop := range stops {
		stop()
	}
}

// after does something later, unless the try ends before.
func (v *visit) after(d time.Duration, label string, do func()) {
	timer := v.run.service.clock.After(d, label, do)
	v.cleanup = append(v.cleanup, func() { timer.Stop() })
}

// start begins a try.
func (v *visit) start() {
	if v.run.service.full(v.run.exec) {
		return
	}
	data, err := v.state.input.of("InputPath", v.scope(v.input))
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	switch v.state.kind {
	case "Pass":
		v.pass(data)
	case "Choice":
		v.choose(data)
	case "Wait":
		v.wait(data)
	case "Succeed":
		v.leave(data, "")
	case "Fail":
		v.end(data)
	case "Task":
		v.task(data)
	case "Map":
		v.each(data)
	}
}

// pass is what a Pass does: Result, or else its parameters, or else its input.
func (v *visit) pass(data any) {
	result, err := v.parameters(data)
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	if v.state.isFixed {
		result = v.state.fixed
	}
	v.result(result)
}

// parameters applies Parameters to the data of a state.
func (v *visit) parameters(data any) (any, error) {
	if v.state.parameters == nil {
		return data, nil
	}
	value, err := v.state.parameters.value("Parameters", v.scope(data))
	if err == nil {
		err = checkSize(value)
	}
	return value, err
}

// result is what a state came to: ResultSelector, ResultPath, then it is left.
func (v *visit) result(result any) {
	err := checkSize(result)
	if err == nil && v.state.selector != nil {
		result, err = v.state.selector.value("ResultSelector", v.scope(result))
	}
	if err == nil {
		result, err = v.state.result.put(v.input, result)
	}
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.leave(result, v.state.next)
}

// leave goes to the next state, or ends the run when there is none.
func (v *visit) leave(data any, next string) {
	output, err := v.state.output.of("OutputPath", v.scope(data))
	if err == nil {
		err = checkSize(output)
	}
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.release()
	v.exit(output)
	if next == "" {
		v.run.end(output, nil)
		return
	}
	v.run.enter(next, output)
}

func (v *visit) exit(output any) {
	v.close()
	v.run.note(v.state.kind+"StateExited", details{"name": v.state.name}.with("output", output))
	v.tell(StateEvent{Kind: Exited, Output: encode(output)})
}

// tell adds what every event has.
func (v *visit) tell(event StateEvent) {
	event.Execution, event.State, event.Type = v.run.exec.ARN, v.state.name, v.state.kind
	event.At, event.TokenWait = v.run.service.clock.Now(), v.state.resource.token
	for _, f := range v.run.service.onState {
		f(event)
	}
}

func checkSize(data any) error {
	if size := len(encode(data)); size > maxPayload {
		return &failure{name: "States.DataLimitExceeded", cause: fmt.Sprintf("The state/task returned a result with a size "+
			"exceeding the maximum number of bytes service limit: %d of %d.", size, maxPayload)}
	}
	return nil
}

// timeLayout is how the context object writes times.
const timeLayout = "2006-01-02T15:04:05.000Z"

// scope is what the expressions of a state can see. AWS:
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
func (v *visit) scope(data any) scope {
	object := maps.Clone(v.run.exec.context)
	object["State"] = map[string]any{
		"Name": v.state.name, "EnteredTime": v.entered.UTC().Format(timeLayout), "RetryCount": v.retries,
	}
	if v.attempt != nil && v.attempt.token != "" {
		object["Task"] = map[string]any{"Token": v.attempt.token}
	}
	if v.run.item != nil {
		object["Map"] = map[string]any{"Item": v.run.item}
	}
	return scope{data: data, context: object}
}
