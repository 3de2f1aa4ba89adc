package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
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
// not open the connection (Record.Opens) gets a connection.Conflict. The claim of another execution that runs is a
// connection.Conflict, too; see Asking. So is a plan, made at planned, that another execution has overtaken: one that was stopped and
// redriven would act on what has changed since.
//
// Two executions never hold one connection: what the claim was decided on, its write demands. A holder that acts again raises the
// fence first, so either its write fails, or that of the execution which saw it ended.
func (s *Store) Claim(ctx context.Context, connectionID string, turn connection.Turn, ticket string, planned time.Time) error {
	for range claims {
		now, err := s.hold(ctx, connectionID, turn.Execution)
		if err != nil {
			return err
		}
		if now.Holder == turn.Execution && now.fence.redrive() == turn.Redrive && now.fence <= fenceOf(turn) {
			return nil
		}
		condition, values, err := s.claimable(ctx, connectionID, &now, turn, ticket, planned)
		if err != nil {
			return err
		}
		held, err := s.update(ctx, connectionID, change{
			set: map[string]string{
				"vendor": vendorOf(connectionID), "holder": turn.Execution, "ticket": ticket, "fence": string(fenceOf(turn)),
				"updatedAt": stamp(turn.EnteredAt),
			},
			condition: condition, values: values,
		})
		if err != nil {
			return fmt.Errorf("claiming %s: %w", connectionID, err)
		}
		if held {
			return nil
		}
	}
	return contended(connectionID)
}

// claims is how often a claim is decided anew, when what it was decided on has changed before it was written.
const claims = 3

func contended(connectionID string) error {
	return connection.Errorf(connection.Unavailable, "connection %s changed hands while it was being claimed; try again", connectionID)
}

// Keep raises the fence of a connection for its holder, and reports whether the execution is that: it holds the connection, or it has
// ended it itself and takes it again. From then on no other execution can take the connection on the strength of an earlier read, and no
// earlier turn of this one can act. An execution that was redriven does so before it changes anything, and one that rolls back.
func (s *Store) Keep(ctx context.Context, connectionID string, turn connection.Turn) (kept bool, err error) {
	kept, err = s.update(ctx, connectionID, change{
		set:       map[string]string{"holder": turn.Execution, "fence": string(fenceOf(turn)), "updatedAt": stamp(turn.EnteredAt)},
		condition: "(holder = :holder OR attribute_not_exists(holder) AND finishedBy = :holder) AND " + notBehind,
	})
	if err != nil {
		return false, fmt.Errorf("keeping %s: %w", connectionID, err)
	}
	return kept, nil
}

// Holds is Keep for a step that goes on only as the holder: nil when the execution holds the connection. One that lost it to another is
// a connection.Conflict, and one that was cancelled is connection.Cancelled.
func (s *Store) Holds(ctx context.Context, connectionID string, turn connection.Turn) error {
	kept, err := s.Keep(ctx, connectionID, turn)
	if err != nil {
		return err
	}
	now, err := s.hold(ctx, connectionID, turn.Execution)
	if err != nil || kept {
		return err
	}
	return s.lost(connectionID, now, turn.Execution)
}

// fence is a connection's fencing token: the turn in which the connection was last claimed, kept, waited for or ended. It only rises, so
// an earlier one that still runs writes nothing. It compares as a string: the time at which the state was entered, then the count of
// redrives, for which AWS documents no new time, then that of attempts.
type fence string

func fenceOf(turn connection.Turn) fence {
	return fence(fmt.Sprintf("%s %06d %06d", stamp(turn.EnteredAt), turn.Redrive, turn.Attempt))
}

// since is the stamp of the turn.
func (f fence) since() string {
	since, _, _ := strings.Cut(string(f), " ")
	return since
}

// redrive is the count of redrives of the turn; 0 of no fence.
func (f fence) redrive() int {
	_, counts, _ := strings.Cut(string(f), " ")
	count, _, _ := strings.Cut(counts, " ")
	redrive, _ := strconv.Atoi(count)
	return redrive
}

// notBehind is the condition that no later turn has acted: the fence never falls.
const notBehind = "(attribute_not_exists(fence) OR fence <= :fence)"

// hold is who holds a connection, and who ended it last.
type hold struct {
	Record
	finishedBy string // ARN, "" when no execution has ended
	finishedAt string // a stamp, "" likewise
	fence      fence  // "" before the first claim
}

// overtakes reports whether a later turn has acted on the connection, or another execution after the plan was made.
func (h hold) overtakes(turn connection.Turn, planned time.Time) bool {
	after := func(who, at string) bool {
		return who != "" && who != turn.Execution && !planned.IsZero() && at > stamp(planned)
	}
	return h.fence > fenceOf(turn) || after(h.finishedBy, h.finishedAt) || after(h.Holder, h.fence.since())
}

func (h hold) overtook(connectionID, execution string) error {
	who := h.Holder
	if who == "" || who == execution {
		who = h.finishedBy
	}
	switch who {
	case "":
		return connection.Errorf(connection.Conflict, "connection %s is not held by this execution; start a new one", connectionID)
	case execution:
		return connection.Errorf(connection.Conflict, "a later step of this execution has changed connection %s; this attempt is too late",
			connectionID)
	}
	return connection.Errorf(connection.Conflict, "execution %s has changed connection %s since this one made its plan; start a new one",
		who, connectionID)
}

// hold returns how a connection is held, and connection.Cancelled when the execution holds it and was told to give up.
func (s *Store) hold(ctx context.Context, connectionID, execution string) (hold, error) {
	found, err := s.read(ctx, connectionID, append([]string{"cancelledHolder", "finishedBy", "finishedAt", "fence"}, recordAttributes...)...)
	if err != nil {
		return hold{}, fmt.Errorf("reading who holds %s: %w", connectionID, err)
	}
	now := hold{finishedBy: found.text("finishedBy"), finishedAt: found.text("finishedAt"), fence: fence(found.text("fence"))}
	if now.Record, err = recordOf(connectionID, found); err != nil {
		return hold{}, err
	}
	if now.Holder == execution && found.text("cancelledHolder") == execution {
		return now, connection.Errorf(connection.Cancelled, "An operator cancelled connection %s.", connectionID)
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

// lost says why an execution cannot go on as the holder: another one holds the connection, or has acted on it since.
func (s *Store) lost(connectionID string, now hold, execution string) error {
	if now.Holder != "" && now.Holder != execution {
		return s.conflict(connectionID, now.Holder)
	}
	return now.overtook(connectionID, execution)
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
	Turn         connection.Turn // in which the execution ends
	Status       Status
	EndpointID   string                   // "" when the connection has no endpoint any more
	LastSeen     connection.EndpointState // "" likewise
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

// Finish records how an execution ended, ends its wait if there is one, and releases the connection; it may run again. A failed
// execution that does not hold the connection changes nothing. One that succeeded and lost it to another is a
// connection.Conflict, and so is an attempt that comes after a later turn of its own execution.
func (s *Store) Finish(ctx context.Context, result Result) error {
	turn := result.Turn
	condition := "holder = :finishedBy AND " + notBehind
	if result.Status != StatusFailed {
		again := "attribute_not_exists(holder) AND finishedBy = :finishedBy AND " + alias("status") + " = :status"
		condition = "(holder = :finishedBy OR " + again + ") AND " + notBehind
	}
	if result.Status == StatusOnboarded {
		condition += " AND " + notCancelled(":finishedBy")
	}
	set := map[string]string{
		"vendor": vendorOf(result.ConnectionID), "status": string(result.Status), "finishedBy": turn.Execution,
		"finishedAt": stamp(turn.EnteredAt), "updatedAt": stamp(turn.EnteredAt), "fence": string(fenceOf(turn)), "endpointId": result.EndpointID,
		"lastSeen": string(result.LastSeen), "failure": "",
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
	now, err := s.hold(ctx, result.ConnectionID, turn.Execution)
	if err != nil {
		return err
	}
	return s.lost(result.ConnectionID, now, turn.Execution)
}

func vendorOf(connectionID string) string {
	vendor, _, _ := strings.Cut(connectionID, "/")
	return vendor
}
