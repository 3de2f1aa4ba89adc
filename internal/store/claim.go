package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/internal/connection"
)

// Holder returns the execution that holds a connection, or "" when it is free.
func (s *Store) Holder(ctx context.Context, connectionID string) (string, error) {
	found, err := s.read(ctx, connectionID, "holder")
	if err != nil {
		return "", fmt.Errorf("reading who holds %s: %w", connectionID, err)
	}
	return found.text("holder"), nil
}

// Claim makes an execution the holder of a connection, and writes nothing when it is already. The same write names the ticket that
// the execution came from, a key, in place of the one before; "" is the operators, who may claim every connection. A ticket that may
// not open the connection (Record.Opens) gets a connection.Conflict. The claim of another execution that
// runs is a connection.Conflict; see Asking. So is a plan, made at planned, that another execution's end has overtaken: whoever was
// stopped and is redriven would act upon what is not there any more. The zero time is a plan of a release that did not note it.
func (s *Store) Claim(ctx context.Context, connectionID, execution, ticket string, planned, at time.Time) error {
	now, err := s.hold(ctx, connectionID, execution)
	if err != nil || now.Holder == execution {
		return err
	}
	condition, values, err := s.claimable(ctx, &now, execution, ticket, planned)
	if err != nil {
		return err
	}
	if condition == "" {
		return s.refusal(connectionID, now, execution, ticket, planned)
	}
	held, err := s.update(ctx, connectionID, change{
		set: map[string]string{
			"vendor": vendorOf(connectionID), "holder": execution, "ticket": ticket, "updatedAt": stamp(at),
		},
		condition: condition, values: values,
	})
	if err != nil {
		return fmt.Errorf("claiming %s: %w", connectionID, err)
	}
	if held {
		return nil
	}
	_, err = s.refused(ctx, connectionID, execution, ticket, planned)
	return err
}

// Holds returns nil when an execution holds a connection, or has ended it itself: its last step may run twice. One that lost it to
// another is a connection.Conflict, and one that was told to give up is connection.Cancelled.
func (s *Store) Holds(ctx context.Context, connectionID, execution string) error {
	now, err := s.hold(ctx, connectionID, execution)
	switch {
	case err != nil || now.Holder == execution || now.Holder == "" && now.finishedBy == execution:
		return err
	case now.Holder != "":
		return s.conflict(connectionID, now.Holder)
	}
	return now.overtook(connectionID)
}

// hold is who has a connection, and who ended it last.
type hold struct {
	Record
	finishedBy string // ARN, "" for none
	finishedAt string // a stamp; "" when no release noted it
}

// overtakes reports whether another execution has ended the connection after one made its plan.
func (h hold) overtakes(execution string, planned time.Time) bool {
	return h.finishedBy != "" && h.finishedBy != execution && !planned.IsZero() && h.finishedAt > stamp(planned)
}

func (h hold) overtook(connectionID string) error {
	if h.finishedBy == "" {
		return connection.Errorf(connection.Conflict, "connection %s is not held by this execution; start a new one", connectionID)
	}
	return connection.Errorf(connection.Conflict, "execution %s has changed connection %s since this one made its plan; start a new one",
		h.finishedBy, connectionID)
}

// hold returns how a connection is held, and connection.Cancelled when the execution holds it and was told to give up.
func (s *Store) hold(ctx context.Context, connectionID, execution string) (hold, error) {
	found, err := s.read(ctx, connectionID, append([]string{"cancelledHolder", "finishedBy", "finishedAt"}, recordAttributes...)...)
	if err != nil {
		return hold{}, fmt.Errorf("reading who holds %s: %w", connectionID, err)
	}
	now := hold{finishedBy: found.text("finishedBy"), finishedAt: found.text("finishedAt")}
	if now.Record, err = recordOf(connectionID, found); err != nil {
		return hold{}, err
	}
	if now.Holder == execution && found.text("cancelledHolder") == execution {
		return now, connection.Errorf(connection.Cancelled, "Somebody cancelled connection %s.", connectionID)
	}
	return now, nil
}

// Cancel tells the execution that holds a connection to give up: from now on it can neither claim, nor wait, nor finish as
// onboarded. It reports false when the execution does not hold the connection.
func (s *Store) Cancel(ctx context.Context, connectionID, holder string) (told bool, err error) {
	told, err = s.update(ctx, connectionID, change{
		set: map[string]string{"cancelledHolder": holder}, condition: "holder = :cancelledHolder",
	})
	if err != nil {
		return false, fmt.Errorf("cancelling %s: %w", connectionID, err)
	}
	return told, nil
}

// notCancelled is the condition under which an execution, named by a placeholder, goes on.
func notCancelled(placeholder string) string {
	return "(attribute_not_exists(cancelledHolder) OR cancelledHolder <> " + placeholder + ")"
}

// refused says why a claim's condition did not hold: Cancelled, a Conflict, or nil when the execution holds the connection after
// all. It returns how the connection is held by now.
func (s *Store) refused(ctx context.Context, connectionID, execution, ticket string, planned time.Time) (hold, error) {
	now, err := s.hold(ctx, connectionID, execution)
	if err != nil || now.Holder == execution {
		return now, err
	}
	return now, s.refusal(connectionID, now, execution, ticket, planned)
}

// refusal says why an execution may not have a connection that another one has, or had.
func (s *Store) refusal(connectionID string, now hold, execution, ticket string, planned time.Time) error {
	switch {
	case !now.Opens(ticket):
		return connection.NotOf(connectionID, ticket)
	case now.overtakes(execution, planned):
		return now.overtook(connectionID)
	case now.Holder == "":
		return connection.Errorf(connection.Unavailable, "connection %s changed hands while it was being claimed; try again", connectionID)
	}
	return s.conflict(connectionID, now.Holder)
}

func (s *Store) conflict(connectionID, holder string) error {
	return connection.Errorf(connection.Conflict,
		"connection %s is held by execution %s; wait until that one has ended, then start this one again", connectionID, holder)
}

// Status is how the last execution of a connection ended.
type Status string

// The statuses.
const (
	StatusOnboarded Status = "onboarded"
	StatusFailed    Status = "failed"
	// StatusOffboarded: the connection is gone; its record stays as history.
	StatusOffboarded Status = "offboarded"
)

// Result is the end of an execution.
type Result struct {
	ConnectionID string
	Execution    string // ARN
	Status       Status
	EndpointID   string                   // "" when the connection has no endpoint any more
	LastSeen     connection.EndpointState // "" likewise
	At           time.Time
	// Ledger is kept with an onboarded connection; nil leaves the one that is there.
	Ledger *connection.Ledger
	// Failure is kept until the next end; nil for one that did not fail.
	Failure *Failure
}

// Failure is why and where the last execution failed, in short: the execution's cause says all of it.
type Failure struct {
	Error   string `json:"error"`           // its name
	Message string `json:"message"`         // the first line of its cause
	Dirty   bool   `json:"dirty,omitempty"` // something was left behind
	// AccountID, Region and VPCID are of the connection's network; "" when the request was refused before it was known.
	AccountID string `json:"accountId,omitempty"`
	Region    string `json:"region,omitempty"`
	VPCID     string `json:"vpcId,omitempty"`
}

// Finish records how an execution ended, ends its wait if there is one, and releases the connection. A failed execution that does
// not hold the connection changes nothing, whoever holds it. One that succeeded and lost it to another is a connection.Conflict.
func (s *Store) Finish(ctx context.Context, result Result) error {
	condition := "holder = :finishedBy"
	switch result.Status {
	case StatusOnboarded:
		condition = "(attribute_not_exists(holder) OR holder = :finishedBy) AND " + notCancelled(":finishedBy")
	case StatusOffboarded:
		condition = "attribute_not_exists(holder) OR holder = :finishedBy"
	}
	set := map[string]string{
		"vendor": vendorOf(result.ConnectionID), "status": string(result.Status), "finishedBy": result.Execution,
		"finishedAt": stamp(result.At), "updatedAt": stamp(result.At), "endpointId": result.EndpointID, "lastSeen": string(result.LastSeen),
		"failure": "",
	}
	if result.Failure != nil {
		failure, err := json.Marshal(result.Failure)
		if err != nil {
			return connection.Errorf(connection.Internal, "writing the failure of %s: %w", result.ConnectionID, err)
		}
		set["failure"] = string(failure)
	}
	if result.Ledger != nil {
		ledger, err := json.Marshal(result.Ledger)
		if err != nil {
			return connection.Errorf(connection.Internal, "writing the ledger of %s: %w", result.ConnectionID, err)
		}
		expects, err := json.Marshal(result.Ledger.Expect())
		if err != nil {
			return connection.Errorf(connection.Internal, "writing what is expected of %s: %w", result.ConnectionID, err)
		}
		set["ledger"], set["linked"], set["unlinked"], set["expects"] = string(ledger), linked, "", string(expects)
		set["ticket"] = result.Ledger.Plan.Ticket.Key()
	}
	if result.Status == StatusOffboarded {
		set["linked"], set["unlinked"], set["expects"], set["drift"] = "", linked, "", ""
	}
	held, err := s.update(ctx, result.ConnectionID, change{
		set: set, remove: append([]string{"holder", "cancelledHolder"}, cleared...), condition: condition,
	})
	if err != nil {
		return fmt.Errorf("recording that %s is %s: %w", result.ConnectionID, result.Status, err)
	}
	if held || result.Status == StatusFailed {
		return nil
	}
	_, err = s.refused(ctx, result.ConnectionID, result.Execution, "", time.Time{})
	return err
}

func vendorOf(connectionID string) string {
	vendor, _, _ := strings.Cut(connectionID, "/")
	return vendor
}
