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

// Record is what is known of a connection: enough to decide who may act on it.
type Record struct {
	Holder     string // ARN of the execution that holds it, "" when it is free
	Ticket     string // key of the ticket that opened it, "" for none
	EndpointID string // "" when it has no endpoint
	Status     Status // how its last execution ended, "" when none has
}

// Record returns what is known of a connection; nothing of one that was never made.
func (s *Store) Record(ctx context.Context, connectionID string) (Record, error) {
	found, err := s.read(ctx, connectionID, "holder", "ticket", "endpointId", "status")
	if err != nil {
		return Record{}, fmt.Errorf("reading the record of %s: %w", connectionID, err)
	}
	return Record{
		Holder: found.text("holder"), Ticket: found.text("ticket"), EndpointID: found.text("endpointId"), Status: Status(found.text("status")),
	}, nil
}

// Claim makes an execution the holder of a connection, and writes nothing when it is already. The claim of another execution that
// runs is a connection.Conflict; see Asking. So is a plan, made at planned, that another execution's end has overtaken: whoever was
// stopped and is redriven would act upon what is not there any more. The zero time is a plan of a release that did not note it.
func (s *Store) Claim(ctx context.Context, connectionID, execution string, planned, at time.Time) error {
	now, err := s.hold(ctx, connectionID, execution)
	if err != nil || now.holder == execution {
		return err
	}
	condition, values, err := s.claimable(ctx, now.holder, execution, planned)
	if err != nil {
		return err
	}
	if condition == "" {
		return s.conflict(connectionID, now.holder)
	}
	held, err := s.update(ctx, connectionID, change{
		set:       map[string]string{"vendor": vendorOf(connectionID), "holder": execution, "updatedAt": stamp(at)},
		condition: condition, values: values,
	})
	if err != nil {
		return fmt.Errorf("claiming %s: %w", connectionID, err)
	}
	if held {
		return nil
	}
	return s.refused(ctx, connectionID, execution, planned)
}

// Holds returns nil when an execution holds a connection, or has ended it itself: its last step may run twice. One that lost it to
// another is a connection.Conflict, and one that was told to give up is connection.Cancelled.
func (s *Store) Holds(ctx context.Context, connectionID, execution string) error {
	now, err := s.hold(ctx, connectionID, execution)
	switch {
	case err != nil || now.holder == execution || now.holder == "" && now.finishedBy == execution:
		return err
	case now.holder != "":
		return s.conflict(connectionID, now.holder)
	}
	return now.overtook(connectionID)
}

// hold is who holds a connection, and who ended it last.
type hold struct {
	holder, finishedBy string // ARNs, "" for none
	finishedAt         string // a stamp; "" when no release noted it
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
	found, err := s.read(ctx, connectionID, "holder", "cancelledHolder", "finishedBy", "finishedAt")
	if err != nil {
		return hold{}, fmt.Errorf("reading who holds %s: %w", connectionID, err)
	}
	now := hold{holder: found.text("holder"), finishedBy: found.text("finishedBy"), finishedAt: found.text("finishedAt")}
	if now.holder == execution && found.text("cancelledHolder") == execution {
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
// all.
func (s *Store) refused(ctx context.Context, connectionID, execution string, planned time.Time) error {
	now, err := s.hold(ctx, connectionID, execution)
	switch {
	case err != nil || now.holder == execution:
		return err
	case now.overtakes(execution, planned):
		return now.overtook(connectionID)
	case now.holder == "":
		return connection.Errorf(connection.Unavailable, "connection %s changed hands while it was being claimed; try again",
			connectionID)
	}
	return s.conflict(connectionID, now.holder)
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
	return s.refused(ctx, result.ConnectionID, result.Execution, time.Time{})
}

func vendorOf(connectionID string) string {
	vendor, _, _ := strings.Cut(connectionID, "/")
	return vendor
}
