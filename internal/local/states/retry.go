package states

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// retrier is one entry of Retry.
type retrier struct {
	errors   []string
	interval int64 // seconds
	attempts int64
	rate     float64
	most     int64 // seconds; 0: no limit
	jitter   bool
}

// catcher is one entry of Catch.
type catcher struct {
	errors []string
	result place
	next   string
}

func (s *state) readRetry(o *object) {
	if !o.has("Retry") {
		o.known["Retry"] = true
		return
	}
	list := o.list("Retry", 0)
	for i, n := range list {
		entry := n.object()
		entry.text("Comment")
		r := &retrier{
			errors: entry.errorNames(i == len(list)-1), interval: entry.integer("IntervalSeconds", 1, 1),
			attempts: entry.integer("MaxAttempts", 0, 3), rate: entry.float("BackoffRate", 1, 2),
			most: entry.integer("MaxDelaySeconds", 1, 0), jitter: entry.word("JitterStrategy", "NONE", "FULL") == "FULL",
		}
		// AWS: MaxDelaySeconds is greater than IntervalSeconds and less than 31,622,400.
		if r.most != 0 && (r.most <= r.interval || r.most >= 31_622_400) {
			entry.fault("MaxDelaySeconds must be greater than IntervalSeconds and less than 31622400")
		}
		entry.close("a retrier")
		s.retry = append(s.retry, r)
	}
}

func (s *state) readCatch(o *object) {
	if !o.has("Catch") {
		o.known["Catch"] = true
		return
	}
	list := o.list("Catch", 0)
	for i, n := range list {
		entry := n.object()
		entry.text("Comment")
		s.catch = append(s.catch, &catcher{entry.errorNames(i == len(list)-1), entry.resultPath(), entry.needed("Next")})
		entry.close("a catcher")
	}
}

// wellKnown are the error names of the language.
var wellKnown = []string{
	"States.ALL", heartbeatError, timeoutError, "States.TaskFailed", "States.Permissions", "States.ResultPathMatchFailure",
	"States.ParameterPathFailure", "States.BranchFailed", "States.NoChoiceMatched", "States.IntrinsicFailure",
	"States.DataLimitExceeded", "States.Runtime", "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed",
	"States.ResultWriterFailed",
}

// errorNames reads ErrorEquals. AWS: States.ALL stands alone and in the last entry, and no other names begin with States.
func (o *object) errorNames(last bool) []string {
	var names []string
	for _, n := range o.list("ErrorEquals", 1) {
		name, ok := n.value.(string)
		if !ok || name == "" {
			n.fault("the name of an error is expected")
		}
		if len(name) > len("States.") && name[:len("States.")] == "States." && !slices.Contains(wellKnown, name) {
			n.fault("there is no error %s", name)
		}
		names = append(names, name)
	}
	n, _ := o.field("ErrorEquals")
	if slices.Contains(names, "States.ALL") && (len(names) > 1 || !last) {
		n.fault("States.ALL must stand alone, in the last entry")
	}
	return names
}

// failed retries, catches, or ends the run.
func (v *visit) failed(f *failure) {
	v.release()
	f = v.locate(f)
	if delay, again := v.backoff(f); again {
		v.tryAgain(f, delay)
		return
	}
	for _, c := range v.state.catch {
		if matches(c.errors, f) {
			v.caught(c, f)
			return
		}
	}
	v.close()
	v.run.end(nil, f)
}

// locate adds the state to the cause of an error that the interpreter found, in AWS's words.
func (v *visit) locate(f *failure) *failure {
	if f.located {
		return f
	}
	located := *f
	located.located = true
	switch f.name {
	case "States.Runtime", "States.IntrinsicFailure", "States.ResultPathMatchFailure", "States.NoChoiceMatched":
		located.cause = fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s",
			v.state.name, v.event, f.cause)
	}
	return &located
}

// backoff returns the delay before the next try, and whether there is one. Each retrier counts its own tries.
func (v *visit) backoff(f *failure) (time.Duration, bool) {
	i := slices.IndexFunc(v.state.retry, func(r *retrier) bool { return matches(r.errors, f) })
	if i < 0 {
		return 0, false
	}
	r := v.state.retry[i]
	if v.tries[i] >= r.attempts {
		return 0, false
	}
	seconds := float64(r.interval) * math.Pow(r.rate, float64(v.tries[i]))
	if r.most > 0 {
		seconds = min(seconds, float64(r.most))
	}
	seconds = min(seconds, maxNumber)
	if r.jitter { // AWS: FULL draws from 0 to the delay
		seconds *= v.run.exec.chance.Float64()
	}
	v.tries[i]++
	v.retries++
	return time.Duration(seconds * float64(time.Second)), true
}

func (v *visit) tryAgain(f *failure, delay time.Duration) {
	v.run.service.record(v.run.exec, func(e *execution) { e.Transitions++ }) // AWS bills a retry as a transition
	v.tell(StateEvent{Kind: Retrying, Error: f.name, Cause: f.cause, Delay: delay})
	v.after(delay, fmt.Sprintf("try %d of %s", v.retries+1, v.state.name), v.start)
}

func (v *visit) caught(c *catcher, f *failure) {
	v.tell(StateEvent{Kind: Caught, Error: f.name, Cause: f.cause})
	output, err := c.result.put(v.input, map[string]any{"Error": f.name, "Cause": f.cause})
	if err == nil {
		err = checkSize(output)
	}
	if err != nil {
		v.close()
		v.run.end(nil, v.locate(asFailure(err)))
		return
	}
	v.exit(output)
	v.run.enter(c.next, output)
}
