package states

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// attempt is one try of a Task. Its function's answer, its token, its timeout, its heartbeat and the end of its execution race to
// end it: the first wins, and the others find it closed.
type attempt struct {
	visit    *visit
	token    string // "" when it does not wait for one
	closed   bool   // under the service's lock
	beat     *clock.Timer
	every    time.Duration // how long a heartbeat may stay away; 0: for ever
	deadline time.Time
}

// claim reports whether the caller is the one that ends the attempt.
func (a *attempt) claim() bool {
	s := a.visit.run.service
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !a.closed
	a.closed = true
	return first
}

// AWS's tokens are long and look like this; nothing may depend on more.
const tokenPrefix = "AQCEAAAAKgAAAAMAAAAAAAAAA"

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9+/]{32,}={0,2}$`)

// issue makes the token of an attempt. It is the same in every run of the same scenario and tells nothing about the execution. A
// task that is tried again, or redriven, waits for another token.
func (s *Service) issue(a *attempt) {
	e := a.visit.run.exec
	var raw []byte
	for block := range 15 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d %d", s.seed, e.ARN, len(e.tokens), block))
		raw = append(raw, sum[:]...)
	}
	a.token = tokenPrefix + base64.StdEncoding.EncodeToString(raw)
	e.tokens = append(e.tokens, a.token)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[a.token] = a
}

// find returns the open attempt of a token; the lock is held.
func (s *Service) find(token string) (*attempt, error) {
	a, known := s.attempts[token]
	switch {
	case token == "" || len(token) > 2048:
		return nil, constraint("taskToken", "length between 1 and 2048")
	case known && a.closed:
		// AWS: the token "has either expired or the task associated with the token has already been closed".
		return nil, wire.Errorf("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	case known:
		return a, nil
	case !tokenPattern.MatchString(token):
		return nil, wire.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	default:
		return nil, wire.Errorf("TaskDoesNotExist", "Task does not exist")
	}
}

// answer ends an attempt by its token, once. It may be called from any goroutine: what follows happens on the clock.
func (s *Service) answer(token string, then func(*visit)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(token)
	if err != nil {
		return err
	}
	a.closed = true
	s.clock.After(0, "the answer to "+a.visit.state.name, func() {
		if !a.visit.run.over && a.visit.attempt == a { // the execution may have ended meanwhile
			then(a.visit)
		}
	})
	return nil
}

// SendTaskSuccess ends a waiting task with a result. AWS: SendTaskSuccess.
func (s *Service) SendTaskSuccess(token, output string) error {
	value, err := decode([]byte(output))
	if err != nil {
		return wire.Errorf("InvalidOutput", "Invalid output: '%v'", err)
	}
	if len(output) > maxPayload {
		return tooLong("output", maxPayload)
	}
	return s.answer(token, func(v *visit) {
		v.note("Succeeded", details{}.with("output", value))
		v.result(value)
	})
}

// SendTaskFailure ends a waiting task with an error. AWS: SendTaskFailure.
func (s *Service) SendTaskFailure(token, name, cause string) error {
	if len(name) > 256 {
		return tooLong("error", 256)
	}
	if len(cause) > 32_768 {
		return tooLong("cause", 32_768)
	}
	return s.answer(token, func(v *visit) { v.taskFailed(&failure{name: name, cause: cause, located: true}) })
}

func tooLong(member string, most int) error {
	return constraint(member, fmt.Sprintf("length less than or equal to %d", most))
}

// constraint is AWS's answer to a member that breaks a rule of the API's model.
func constraint(member, rule string) error {
	return wire.Errorf("ValidationException",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have %s", member, rule)
}

// SendTaskHeartbeat prolongs a waiting task. AWS: it writes no event, and TimeoutSeconds goes on.
func (s *Service) SendTaskHeartbeat(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.find(token)
	if err != nil {
		return err
	}
	s.clock.After(0, "a heartbeat of "+a.visit.state.name, func() {
		if a.beat != nil && a.beat.Stop() {
			a.watch()
		}
	})
	return nil
}

// watch fails the attempt when no heartbeat comes for so long.
func (a *attempt) watch() {
	s := a.visit.run.service
	a.beat = s.clock.After(a.every, "the lost heartbeat of "+a.visit.state.name, func() {
		if a.claim() {
			a.visit.timedOut(&failure{name: s.HeartbeatError, heartbeat: true, located: true})
		}
	})
}

// forget ends an attempt that nothing may answer any more.
func (a *attempt) forget() {
	a.claim()
	if a.beat != nil {
		a.beat.Stop()
	}
}
