package states

import (
	"time"

	"postern/internal/local/wire"
)

// redriveDays is how long after its start an execution can be redriven. AWS: 14 days.
const redriveDays = 14

// redrivable says why an execution cannot be redriven, or "".
func (e *execution) redrivable(now time.Time) string {
	switch {
	case e.Status == Running:
		return "Execution is RUNNING and cannot be redriven"
	case e.Status == Succeeded:
		return "Execution is SUCCEEDED and cannot be redriven"
	case now.Sub(e.StoppedAt) > redriveDays*24*time.Hour:
		return "Execution is past the redrivable period"
	case len(e.history) >= maxEvents-1:
		return "Execution history event limit exceeded"
	default:
		return ""
	}
}

// Redrive lets an execution that failed, was aborted or timed out go on from the states it ended in. Their retriers count anew, a
// task gets a new token, and what succeeded inside a Map or Parallel is kept. AWS: RedriveExecution.
// https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
func (s *Service) Redrive(arn string) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	e, err := s.execution(arn)
	if err != nil {
		return now, err
	}
	if why := e.redrivable(now); why != "" {
		return now, wire.Errorf("ExecutionNotRedrivable", "%s", why)
	}
	e.Status, e.Output, e.Error, e.Cause, e.StoppedAt = Running, nil, "", "", time.Time{}
	e.Redrives++
	e.RedrivenAt = now
	s.clock.After(0, "the redrive of "+e.Name, func() { s.redrive(e) })
	return now, nil
}

func (s *Service) redrive(e *execution) {
	execution := e.context["Execution"].(map[string]any)
	execution["RedriveCount"], execution["RedriveTime"] = int64(e.Redrives), e.RedrivenAt.UTC().Format(timeLayout)
	e.root.note("ExecutionRedriven", details{"redriveCount": e.Redrives})
	s.changed(e)
	s.startTimeout(e)
	e.root.resume()
}

// resume goes on with a run that ended without success.
func (r *run) resume() {
	r.over = false
	if r.at == nil {
		r.enter(r.next, r.data)
		return
	}
	v := r.at
	clear(v.tries)
	v.retries = 0
	v.open()
	if v.fan != nil {
		v.fan.resume()
		return
	}
	v.start()
}
