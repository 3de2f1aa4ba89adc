// Package schedule draws orders in which things can happen to a connection, with faults and people in between, and checks what must
// hold in every one of them. There are two levels. Model is real approval, notice and store code over a table in memory and a tiny
// model of Step Functions and EC2, a fraction of a millisecond for each schedule. Machine is the whole machine on the embedded cloud.
package schedule

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/aws/smithy-go"
)

// flight is one run of a function. It stops before each of its calls to AWS until the schedule resumes it, so that runs interleave at
// every possible point.
type flight struct {
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	fault  fault // of the next call
	landed func(err error)
	err    error

	x   *execution // whose step it is, nil for other functions
	try int        // of the execution
}

// fault is how a call fails.
type fault int

const (
	none       fault = iota
	refused          // AWS answers with an error: nothing was done
	lost             // the request is lost
	lostAnswer       // it was done, the answer is lost
	killed           // the function dies before it
	faults
)

var (
	errDown    = errors.New("connection reset")
	errKilled  = errors.New("the function died")
	errRefused = &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
)

// launch starts a function, of a step of an execution or of none.
func (m *model) launch(x *execution, do func(context.Context) error, landed func(error)) {
	f := &flight{landed: landed, x: x}
	if x != nil {
		f.try = x.try
	}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		f.err = do(context.Background())
	})
	m.flights = append(m.flights, f)
	m.step(f, none)
}

// step lets a flight make its next call, and go on to the one after it.
func (m *model) step(f *flight, with fault) {
	before := m.running
	m.running, f.fault = f, with
	more := false
	if with == killed {
		f.stop()
		f.err = errKilled
	} else {
		_, more = f.next()
	}
	m.running = before
	if more {
		return
	}
	m.flights = slices.DeleteFunc(m.flights, func(other *flight) bool { return other == f })
	if f.err != nil {
		m.say("error", f.err.Error())
	}
	if f.x == nil || f.heard() {
		f.landed(f.err)
	}
}

// heard reports whether the execution still waits for the answer.
func (f *flight) heard() bool { return f.x.runs() && f.try == f.x.try }

// call makes a call to AWS: others go on before it.
func call[T any](m *model, do func() (T, error)) (T, error) {
	var nothing T
	f := m.running
	if !f.yield(struct{}{}) {
		return nothing, errKilled
	}
	switch f.fault {
	case refused:
		return nothing, errRefused
	case lost:
		return nothing, errDown
	}
	out, err := do()
	if f.fault == lostAnswer {
		return nothing, errDown
	}
	return out, err
}
