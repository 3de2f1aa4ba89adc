package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"postern/internal/awserr"
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
	ended = out.Status != types.ExecutionStatusRunning && out.Status != types.ExecutionStatusPendingRedrive
	return ended, aws.ToTime(out.StopDate), nil
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

// claimable is the condition under which an execution, named by the placeholder :holder, may take a connection for which it made a
// plan at a time: it is its own, free, or held by one that has ended, and no other execution has ended it since. It is "" when the execution may
// not. What is known of the connection is nil before it was read. For a ticket the condition is also that no execution has ended the
// connection since it was read; the operators may take every connection.
func (s *Store) claimable(ctx context.Context, seen *hold, execution, ticket string, planned time.Time) (
	condition string, values map[string]string, err error) {
	free, values := "attribute_not_exists(holder)", map[string]string{}
	switch {
	case seen == nil && ticket != "":
		free = "attribute_not_exists(vendor)" // every claim writes it: there is no such connection
	case seen == nil || seen.Holder == execution:
	case !seen.Opens(ticket):
		return "", nil, nil
	default:
		if seen.Holder != "" {
			ended, err := s.Ended(ctx, seen.Holder)
			if err != nil || !ended {
				return "", nil, err
			}
			free, values["ended"] = "(attribute_not_exists(holder) OR holder = :ended)", seen.Holder
		}
		if ticket != "" {
			free = "(" + free + seen.unchanged(values) + ")"
		}
	}
	condition = "(holder = :holder OR " + free + ")"
	if !planned.IsZero() {
		condition += " AND (attribute_not_exists(finishedAt) OR finishedBy = :holder OR finishedAt <= :planned)"
		values["planned"] = stamp(planned)
	}
	return condition, values, nil
}

// unchanged continues a condition: no execution has ended the connection since it was read, so it is still free, or still belongs to
// the ticket. It adds its value.
func (h hold) unchanged(values map[string]string) string {
	if h.finishedAt == "" {
		return " AND attribute_not_exists(finishedAt)"
	}
	values["seen"] = h.finishedAt
	return " AND finishedAt = :seen"
}
