package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Executions says how executions are; *sfn.Client satisfies it.
type Executions interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Asking returns the store, which from now on asks whether an execution still runs before it refuses a claim for its sake: one that
// was stopped by hand, or whose rollback broke, lets nothing go by itself.
func (s *Store) Asking(executions Executions) *Store {
	asking := *s
	asking.executions = executions
	return &asking
}

// Ended reports whether an execution has ended. A store that cannot ask says no. AWS forgets executions 90 days after their end.
func (s *Store) Ended(ctx context.Context, execution string) (bool, error) {
	ended, _, err := s.EndedAt(ctx, execution)
	return ended, err
}

// EndedAt is Ended, and says when: the zero time for an execution that AWS has forgotten.
func (s *Store) EndedAt(ctx context.Context, execution string) (ended bool, at time.Time, err error) {
	return s.endedSince(ctx, execution, 0)
}

// endedSince is EndedAt of an execution that is known to have been redriven so often: it has not ended by an answer that is older.
//
// AWS: DescribeExecution is eventually consistent.
func (s *Store) endedSince(ctx context.Context, execution string, redrives int) (ended bool, at time.Time, err error) {
	if s.executions == nil {
		return false, time.Time{}, nil
	}
	out, err := s.executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	if awserr.Is(err, "ExecutionDoesNotExist") {
		return true, time.Time{}, nil
	}
	if err != nil {
		return false, time.Time{}, fmt.Errorf("asking whether execution %s runs: %w", execution, err)
	}
	runs := out.Status == types.ExecutionStatusRunning || out.Status == types.ExecutionStatusPendingRedrive
	return !runs && int(aws.ToInt32(out.RedriveCount)) >= redrives, aws.ToTime(out.StopDate), nil
}

// Ran returns what an execution was asked for, and when it began: nothing and the zero time for one that AWS has forgotten.
func (s *Store) Ran(ctx context.Context, execution string) (request []byte, since time.Time, err error) {
	if s.executions == nil {
		return nil, time.Time{}, nil
	}
	out, err := s.executions.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(execution)})
	if awserr.Is(err, "ExecutionDoesNotExist") {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("asking what execution %s was to do: %w", execution, err)
	}
	return []byte(aws.ToString(out.Input)), aws.ToTime(out.StartDate), nil
}

// claimable is the condition under which an execution, named by the placeholder :holder, takes a connection in a turn, whose fence is
// :fence, with a plan that it made at a time. Before the connection was read, seen is nil: it must be free or the execution's own.
// Afterwards it must be as it was seen, and another holder must have ended. A connection that another execution holds, or has acted on
// since the plan, is a connection.Conflict, and so is one that the ticket may not open. An unread connection is a ticket's only when it
// does not exist yet.
//
// A holder that seems to have ended may have been redriven. When it has acted since, the connection is not as it was seen; when it has
// not, its first write finds that it has lost the connection.
func (s *Store) claimable(ctx context.Context, connectionID string, seen *hold, turn connection.Turn, ticket string, planned time.Time) (
	condition string, values map[string]string, err error) {
	values = map[string]string{}
	if seen == nil {
		free := "attribute_not_exists(holder)"
		if ticket != "" {
			free = "attribute_not_exists(vendor)" // every claim writes it
		}
		condition = "(" + free + " OR holder = :holder) AND " + notBehind
		if !planned.IsZero() {
			condition += " AND (attribute_not_exists(finishedAt) OR finishedBy = :holder OR finishedAt <= :planned)"
			values["planned"] = stamp(planned)
		}
		return condition, values, nil
	}
	if seen.Holder != turn.Execution && !seen.Opens(ticket) {
		return "", nil, connection.NotOf(connectionID, ticket)
	}
	if seen.Holder != "" && seen.Holder != turn.Execution {
		ended, _, err := s.endedSince(ctx, seen.Holder, seen.fence.redrive())
		if err != nil {
			return "", nil, err
		}
		if !ended {
			return "", nil, s.conflict(connectionID, seen.Holder)
		}
	}
	if seen.overtakes(turn, planned) {
		return "", nil, seen.overtook(connectionID, turn.Execution)
	}
	return seen.unchanged(values), values, nil
}

// unchanged is the condition that a connection is as it was seen. It adds its values.
func (h hold) unchanged(values map[string]string) string {
	same := func(attribute, placeholder, value string) string {
		if value == "" {
			return "attribute_not_exists(" + attribute + ")"
		}
		values[placeholder] = value
		return attribute + " = :" + placeholder
	}
	return same("holder", "seenHolder", h.Holder) + " AND " + same("fence", "seenFence", string(h.fence))
}
