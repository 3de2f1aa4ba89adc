package states

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"postern/internal/local/wire"
)

// paging is how a caller asks for a part of a list.
type paging struct {
	MaxResults int
	NextToken  string
}

// page cuts a page out of a list and adds the token of the next to the answer. AWS: 100 at a time unless asked otherwise, at most
// 1000.
func page[T any](p paging, list []T, out members) ([]T, error) {
	from := 0
	if p.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(p.NextToken); err != nil || from < 0 || from > len(list) {
			return nil, wire.Errorf("InvalidToken", "Invalid Token: '%s'", p.NextToken)
		}
	}
	if p.MaxResults < 0 || p.MaxResults > 1000 {
		return nil, constraint("maxResults", "value less than or equal to 1000")
	}
	to := min(from+cmp.Or(p.MaxResults, 100), len(list))
	if to < len(list) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return list[from:to], nil
}

type historyInput struct {
	ExecutionArn         string
	IncludeExecutionData *bool
	ReverseOrder         bool
	paging
}

func (s *Service) executionHistory(_ *wire.Call, in historyInput) (members, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(e.history)
	if in.ReverseOrder {
		slices.Reverse(all)
	}
	out := members{}
	some, err := page(in.paging, all, out)
	if err != nil {
		return nil, err
	}
	events := make([]members, len(some))
	for i, event := range some {
		events[i] = event.wire(in.IncludeExecutionData == nil || *in.IncludeExecutionData)
	}
	out["events"] = events
	return out, nil
}

type executionsInput struct {
	StateMachineArn, StatusFilter string
	paging
}

// listExecutions lists the executions of a machine, the last one first.
func (s *Service) listExecutions(_ *wire.Call, in executionsInput) (members, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.machine(in.StateMachineArn); err != nil {
		return nil, err
	}
	all := []members{}
	for _, e := range slices.Backward(s.order) {
		if !s.forgotten(e) && e.MachineARN == in.StateMachineArn && (in.StatusFilter == "" || string(e.Status) == in.StatusFilter) {
			all = append(all, listed(e))
		}
	}
	out := members{}
	some, err := page(in.paging, all, out)
	out["executions"] = some
	return out, err
}

func (s *Service) listStateMachines(_ *wire.Call, in paging) (members, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []members{}
	for _, arn := range slices.Sorted(maps.Keys(own(s.machines))) {
		all = append(all, s.machines[arn].listed())
	}
	out := members{}
	some, err := page(in, all, out)
	out["stateMachines"] = some
	return out, err
}

func (s *Service) describeStateMachine(_ *wire.Call, in struct{ StateMachineArn string }) (members, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	out := m.listed()
	out["status"], out["roleArn"], out["definition"] = "ACTIVE", m.RoleARN, string(m.Definition)
	return out, nil
}

func (m *machine) listed() members {
	return members{"stateMachineArn": m.ARN, "name": m.Name, "type": "STANDARD", "creationDate": epoch(m.added)}
}

// machine finds a state machine; the lock is held.
func (s *Service) machine(arn string) (*machine, error) {
	m, ok := s.machines[arn]
	if !ok {
		return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return m, nil
}
