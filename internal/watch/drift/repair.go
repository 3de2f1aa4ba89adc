package drift

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/store"
)

const (
	// mostRepairs is how often a check of a connection is repaired within remembered; after that a person or a tool keeps changing it back.
	mostRepairs = 3
	remembered  = 24 * time.Hour
	// patience is how long a repair is left alone before the next: it claims the connection only after it was planned, and its
	// writes take a while to be seen.
	patience = 15 * time.Minute
)

// requester is the requester of repairs.
const requester = "postern drift"

// StepFunctions starts executions; *sfn.Client satisfies it.
type StepFunctions interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
}

// Repairer starts executions that repair what has drifted.
type Repairer struct {
	api     StepFunctions
	machine string // ARN of its alias
}

// NewRepairer returns a repairer that starts executions of a state machine.
func NewRepairer(api StepFunctions, machine string) Repairer {
	return Repairer{api: api, machine: machine}
}

// Start starts an execution that repairs checks of a connection, and returns its ARN. The same checks at the same time are the same
// execution, however often it is started.
func (r Repairer) Start(ctx context.Context, connectionID string, checks []connection.DriftCheck, at time.Time) (string, error) {
	vendor, name, _ := strings.Cut(connectionID, "/")
	input, err := json.Marshal(connection.Request{
		SchemaVersion: connection.SchemaVersion, Action: connection.ActionRepair, Vendor: vendor, Name: name,
		Repair: &connection.Repair{Checks: checks}, Requester: requester,
	})
	if err != nil {
		return "", fmt.Errorf("writing the repair of %s: %w", connectionID, err)
	}
	execution := connection.ExecutionName(connectionID, "repair "+at.UTC().Format(time.RFC3339Nano)+" "+string(input))
	out, err := r.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(r.machine), Name: aws.String(execution), Input: aws.String(string(input)),
	})
	switch {
	case awserr.Is(err, "ExecutionAlreadyExists"): // AWS: one of this name and input that has ended
		return connection.ExecutionARN(r.machine, execution), nil
	case err != nil:
		return "", fmt.Errorf("starting the repair of %s: %w", connectionID, err)
	}
	return aws.ToString(out.ExecutionArn), nil
}

// repair starts the repair of what may be repaired, and notes it in the findings. A check that was repaired too often is not
// repaired again: it is flapping, which is reported once.
func (c *Checker) repair(ctx context.Context, link store.Link, drift *connection.Drift, at time.Time) ([]connection.DriftNotice, error) {
	drift.Repairs = recent(drift.Repairs, at)
	var due []*connection.DriftFinding
	var changes []connection.DriftNotice
	for i := range drift.Findings {
		finding := &drift.Findings[i]
		repairs := drift.Repairs[finding.Check]
		finding.Repairs = repairs
		switch {
		case finding.Result != connection.DriftFound || finding.ForHands || link.Expects.Policies.Of(finding.Check) != connection.PolicyRepair:
		case len(repairs) > 0 && at.Sub(repairs[len(repairs)-1]) < patience:
		case len(repairs) >= mostRepairs && !finding.Flapping:
			finding.Flapping = true
			changes = append(changes, notice(link, *finding, connection.DriftFlapping, at))
		case len(repairs) >= mostRepairs:
		default:
			finding.Flapping = false
			due = append(due, finding)
		}
	}
	if len(due) == 0 {
		return changes, nil
	}
	var checks []connection.DriftCheck
	for _, finding := range due {
		checks = append(checks, finding.Check)
	}
	execution, err := c.Repairer.Start(ctx, link.ConnectionID, checks, at)
	if err != nil {
		return changes, err
	}
	c.Log.InfoContext(ctx, "repair started", "connection", link.ConnectionID, "checks", checks, "execution", execution)
	for _, finding := range due {
		drift.Repairs[finding.Check] = append(drift.Repairs[finding.Check], at)
		finding.Repairs, finding.Repair = drift.Repairs[finding.Check], execution
	}
	return changes, nil
}

// recent are the repairs that count.
func recent(repairs map[connection.DriftCheck][]time.Time, at time.Time) map[connection.DriftCheck][]time.Time {
	kept := map[connection.DriftCheck][]time.Time{}
	for check, times := range repairs {
		times = slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return at.Sub(t) >= remembered })
		if len(times) > 0 {
			kept[check] = times
		}
	}
	return kept
}
