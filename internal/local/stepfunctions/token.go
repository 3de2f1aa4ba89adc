package stepfunctions

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// task is a task that waits for its token. A task that is tried again waits for another token.
type task struct {
	token    string
	visit    *visit
	closed   bool // ended: by its token, its timeout, or the end of its execution. Under the service's lock
	deadline time.Time
	beat     *clock.Timer
	every    time.Duration
}

// issue makes the token of a task. It is the same in every run of the same execution, and says nothing about it.
func (s *Service) issue(v *visit) *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.run.exec.tokens++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", v.run.exec.ARN, v.run.exec.tokens, s.seed))
	t := &task{token: "AQCEAAAAKgAAAAMAAAAAAAAAA" + base64.StdEncoding.EncodeToString(sum[:]), visit: v}
	s.tasks[t.token] = t
	v.run.cancel = append(v.run.cancel, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.closed = true
	})
	return t
}

// watch fails the task when no heartbeat comes for so long; the returned function ends the watch.
func (t *task) watch(every time.Duration) (stop func()) {
	s := t.visit.run.service
	t.every = every
	t.beat = s.clock.After(every, "the heartbeat's end of "+t.visit.state.name, func() {
		if !t.visit.run.live() {
			return
		}
		t.visit.failed(&failure{"States.HeartbeatTimeout", fmt.Sprintf("no heartbeat for %s", every)})
	})
	return func() { t.beat.Stop() }
}

// close ends a task by its token, once.
func (s *Service) close(token string, then func(*visit)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(token)
	if err != nil {
		return err
	}
	t.closed = true
	s.clock.After(0, "the token of "+t.visit.state.name, func() {
		if t.visit.run.live() {
			t.visit.run.release()
			then(t.visit)
		}
	})
	return nil
}

// heartbeat prolongs a task. AWS: it writes no event of the history.
func (s *Service) heartbeat(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(token)
	if err != nil {
		return err
	}
	s.clock.After(0, "a heartbeat of "+t.visit.state.name, func() {
		if t.beat != nil && t.beat.Stop() && t.visit.run.live() {
			t.watch(t.every)
		}
	})
	return nil
}

// find returns the open task of a token. AWS: a task that ended, in whatever way, answers TaskTimedOut.
func (s *Service) find(token string) (*task, error) {
	t, known := s.tasks[token]
	switch {
	case token == "" || len(token) > 2048:
		return nil, wire.Errorf("InvalidToken", "Invalid token")
	case !known:
		return nil, wire.Errorf("TaskDoesNotExist", "Task does not exist")
	case t.closed:
		return nil, wire.Errorf("TaskTimedOut", "Task Timed Out: the provided task does not exist anymore")
	}
	return t, nil
}

func (s *Service) succeed(token, output string) error {
	var value any
	if err := json.Unmarshal([]byte(output), &value); err != nil {
		return wire.Errorf("InvalidOutput", "Invalid output: %v", err)
	}
	return s.close(token, func(v *visit) { v.result(value) })
}

func (s *Service) failTask(token, name, cause string) error {
	return s.close(token, func(v *visit) { v.failed(&failure{name, cause}) })
}
