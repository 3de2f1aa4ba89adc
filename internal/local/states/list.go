package states

import (
	"cmp"
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

// machine finds a state machine; the lock is held.
func (s *Service) machine(arn string) (*machine, error) {
	m, ok := s.machines[arn]
	if !ok {
		return nil, wire.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return m, nil
}
