package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"postern/internal/connection"
)

// Wait is an execution waiting at a gate.
type Wait struct {
	ConnectionID string
	Gate         connection.Gate
	Execution    string    // ARN
	Since        time.Time // when the state was entered
	Attempt      int       // of the tries that one entry of the state has, 0 the first; only Register knows it
	Planned      time.Time // when its execution made its plan, zero for unknown; only Register knows it
	Redrive      int       // how often its execution was redriven before; only Register knows it
	EndpointID   string    // of an approval
	// ServiceName and ServiceRegion are of the vendor's service.
	ServiceName   string
	ServiceRegion string
	// Access is how the account of the connection's network is reached.
	Access   connection.Access
	LastSeen connection.EndpointState // "" when never seen
	// Ticket is the key of the ticket that the execution came from, "" for none.
	Ticket string
	// Heartbeat is how long Step Functions waits for a heartbeat before it ends the wait; 0 for unknown.
	Heartbeat time.Duration
	// Beat is when the wait was seen to go on for which the last heartbeat was sent; zero before the first. Beat writes it.
	Beat time.Time
	// Asked is when the vendor was asked, from where its hours count; a gate that is waited at again keeps it.
	Asked time.Time
	// SLAHours and Calendar are the vendor's own figure; 0 and "" when it gives none.
	SLAHours int
	Calendar string
	// To and Subject are of the text that the vendor was sent.
	To, Subject string
	// Inputs are what is known of the vendor by now; only WaitOf returns them.
	Inputs map[string]string
	// Reminded is the highest percentage of the hours that the operators were reminded at, 0 for none. ClaimReminder writes it.
	Reminded int
	// Registration tells two registrations of one wait apart; Register makes it and Token returns it.
	Registration string
}

func (w Wait) turn() connection.Turn {
	return connection.Turn{Execution: w.Execution, EnteredAt: w.Since, Redrive: w.Redrive, Attempt: w.Attempt}
}

// waitAttributes are a wait without its token and its registration: what the index carries.
var waitAttributes = []string{
	"id", "waitGate", "waitSince", "waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "lastSeen", "ticket",
	"waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "reminderOf", "reminderPercent",
	"waitRole", "waitExternalId", "waitRegion", "waitHeartbeat", "waitBeat",
}

// cleared are the attributes of a wait that has ended.
var cleared = []string{
	"waitGate", "waitSince", "waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration", "waitToken",
	"waitRole", "waitExternalId", "waitRegion",
	"waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "waitInputs", "waitHeartbeat", "waitBeat",
}

// Register claims the connection for the wait's execution and stores the wait, in one write; see Claim. When a later turn of the execution
// has acted, nothing is written and nil is returned: the caller's token is an older one. Another execution's claim is a
// connection.Conflict.
//
// AWS: Step Functions tries again when the answer of a function is lost (Lambda.Unknown), while the function may still run.
func (s *Store) Register(ctx context.Context, wait Wait, token Token) error {
	if wait.Execution == "" || token.Reveal() == "" {
		return fmt.Errorf("registering the %s wait of %s: no execution or no token", wait.Gate, wait.ConnectionID)
	}
	set := map[string]string{
		"vendor": vendorOf(wait.ConnectionID), "holder": wait.Execution, "fence": string(fenceOf(wait.turn())), "updatedAt": stamp(wait.Since),
		"waitGate": string(wait.Gate), "waitSince": stamp(wait.Since), "waitExecution": wait.Execution,
		"waitEndpoint": wait.EndpointID, "waitService": wait.ServiceName, "waitServiceRegion": wait.ServiceRegion,
		"waitRole": wait.Access.RoleARN, "waitExternalId": wait.Access.ExternalID, "waitRegion": wait.Access.Region,
		"waitRegistration": token.fingerprint(), "waitToken": token.Reveal(),
		"waitHeartbeat": "", "waitBeat": "", // a new token has had no heartbeat
		"waitAsked": "", "waitHours": "", "waitCalendar": wait.Calendar, "waitTo": wait.To, "waitSubject": wait.Subject,
	}
	if wait.SLAHours > 0 {
		set["waitHours"] = strconv.Itoa(wait.SLAHours)
	}
	if wait.Heartbeat > 0 {
		set["waitHeartbeat"] = strconv.FormatInt(int64(wait.Heartbeat/time.Second), 10)
	}
	set["waitInputs"] = ""
	if len(wait.Inputs) > 0 {
		inputs, err := json.Marshal(wait.Inputs)
		if err != nil {
			return fmt.Errorf("writing the inputs of %s: %w", wait.ConnectionID, err)
		}
		set["waitInputs"] = string(inputs)
	}
	if !wait.Asked.IsZero() {
		set["waitAsked"] = stamp(wait.Asked)
	}
	if wait.LastSeen != "" {
		set["lastSeen"] = string(wait.LastSeen)
	}
	set["ticket"] = wait.Ticket
	var seen *hold // most often the connection is free or its own, and need not be read
	for range claims {
		held, err := s.register(ctx, wait, set, seen)
		if err != nil || held {
			return token.Scrub(err)
		}
		now, err := s.hold(ctx, wait.ConnectionID, wait.Execution)
		if err != nil {
			return err
		}
		if now.Holder == wait.Execution && now.fence > fenceOf(wait.turn()) {
			return nil
		}
		seen = &now
	}
	return contended(wait.ConnectionID)
}

// register stores a wait when its execution may take the connection as it was seen, and reports whether it did.
func (s *Store) register(ctx context.Context, wait Wait, set map[string]string, seen *hold) (held bool, err error) {
	condition, values, err := s.claimable(ctx, wait.ConnectionID, seen, wait.turn(), wait.Ticket, wait.Planned)
	if err != nil {
		return false, err
	}
	held, err = s.update(ctx, wait.ConnectionID, change{
		set: set, values: values,
		condition: condition + " AND " + notCancelled(":holder"),
	})
	if err != nil {
		err = fmt.Errorf("registering the %s wait of %s: %w", wait.Gate, wait.ConnectionID, err)
	}
	return held, err
}

// Waiting returns every wait, the oldest first. It costs one call for each MB of waits, and one when nothing waits. It may miss a
// wait of the last second, or show one that has just ended (AWS: an index is eventually consistent).
func (s *Store) Waiting(ctx context.Context) ([]Wait, error) {
	var waits []Wait
	// The index is sparse: it holds the waits and nothing else, so that a Scan of it reads what a Query for each gate would.
	pages := dynamodb.NewScanPaginator(s.api, &dynamodb.ScanInput{
		TableName:            aws.String(s.table),
		IndexName:            aws.String(WaitingIndex),
		ProjectionExpression: aws.String(strings.Join(waitAttributes, ", ")),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the waits: %w", err)
		}
		for _, found := range page.Items {
			wait, err := waitOf(found)
			if err != nil {
				return nil, err
			}
			waits = append(waits, wait)
		}
	}
	slices.SortStableFunc(waits, func(a, b Wait) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.ConnectionID, b.ConnectionID))
	})
	return waits, nil
}

// Token returns what a connection waits for and the token that ends the wait; false when nothing waits. It is the only reader of
// tokens.
func (s *Store) Token(ctx context.Context, connectionID string) (Wait, Token, bool, error) {
	found, err := s.read(ctx, connectionID, append(slices.Clone(waitAttributes), "waitRegistration", "waitToken")...)
	if err != nil {
		return Wait{}, Token{}, false, fmt.Errorf("reading the wait of %s: %w", connectionID, err)
	}
	token := NewToken(found.text("waitToken"))
	if token.Reveal() == "" {
		return Wait{}, Token{}, false, nil
	}
	wait, err := waitOf(found)
	return wait, token, err == nil, err
}

// WaitOf returns what a connection waits for, without the token; false when nothing waits.
func (s *Store) WaitOf(ctx context.Context, connectionID string) (Wait, bool, error) {
	found, err := s.read(ctx, connectionID, append(slices.Clone(waitAttributes), "waitInputs")...)
	if err != nil {
		return Wait{}, false, fmt.Errorf("reading the wait of %s: %w", connectionID, err)
	}
	if found.text("waitGate") == "" {
		return Wait{}, false, nil
	}
	wait, err := waitOf(found)
	if inputs := found.text("waitInputs"); inputs != "" && err == nil {
		err = json.Unmarshal([]byte(inputs), &wait.Inputs)
	}
	return wait, err == nil, err
}

// Settle ends a wait that Token returned, and records the state last seen. When another registration took its place, it does
// nothing.
func (s *Store) Settle(ctx context.Context, wait Wait, lastSeen connection.EndpointState) error {
	c := change{
		remove:    cleared,
		condition: ofRegistration,
		values:    map[string]string{"execution": wait.Execution, "registration": wait.Registration},
	}
	if lastSeen != "" {
		c.set = map[string]string{"lastSeen": string(lastSeen)}
	}
	if _, err := s.update(ctx, wait.ConnectionID, c); err != nil {
		return fmt.Errorf("settling the %s wait of %s: %w", wait.Gate, wait.ConnectionID, err)
	}
	return nil
}

// Beat records that a heartbeat was sent for a wait that Token returned, since the wait was seen to go on at a time; and the state
// that was seen then, "" for none. When another registration took the wait's place, or a later heartbeat is recorded, it does
// nothing.
func (s *Store) Beat(ctx context.Context, wait Wait, at time.Time, seen connection.EndpointState) error {
	c := change{
		set:       map[string]string{"waitBeat": stamp(at)},
		condition: ofRegistration + " AND (attribute_not_exists(waitBeat) OR waitBeat <= :waitBeat)",
		values:    map[string]string{"execution": wait.Execution, "registration": wait.Registration},
	}
	if seen != "" {
		c.set["lastSeen"] = string(seen)
	}
	if _, err := s.update(ctx, wait.ConnectionID, c); err != nil {
		return fmt.Errorf("recording the heartbeat of the %s wait of %s: %w", wait.Gate, wait.ConnectionID, err)
	}
	return nil
}

// ofRegistration holds for the very wait that Token returned.
const ofRegistration = "waitExecution = :execution AND waitRegistration = :registration"

func waitOf(found item) (Wait, error) {
	since, err := time.Parse(time.RFC3339Nano, found.text("waitSince"))
	if err != nil {
		return Wait{}, fmt.Errorf("the item %q has no time in waitSince: %w", found.text("id"), err)
	}
	wait := Wait{
		ConnectionID: found.text("id"), Gate: connection.Gate(found.text("waitGate")), Execution: found.text("waitExecution"),
		Since: since, EndpointID: found.text("waitEndpoint"), ServiceName: found.text("waitService"),
		ServiceRegion: found.text("waitServiceRegion"), LastSeen: found.state("lastSeen"), Registration: found.text("waitRegistration"),
		Ticket: found.text("ticket"), Asked: since, Calendar: found.text("waitCalendar"), To: found.text("waitTo"),
		Subject: found.text("waitSubject"),
		Access: connection.Access{
			RoleARN: found.text("waitRole"), ExternalID: found.text("waitExternalId"), Region: found.text("waitRegion"),
		},
	}
	if asked, err := time.Parse(time.RFC3339Nano, found.text("waitAsked")); err == nil {
		wait.Asked = asked
	}
	if beat, err := time.Parse(time.RFC3339Nano, found.text("waitBeat")); err == nil {
		wait.Beat = beat
	}
	seconds, _ := strconv.Atoi(found.text("waitHeartbeat")) // 0 when it is absent
	wait.Heartbeat = time.Duration(seconds) * time.Second
	wait.SLAHours, _ = strconv.Atoi(found.text("waitHours")) // 0 when it is absent
	if found.text("reminderOf") == reminderOf(wait.Execution, wait.Gate) {
		wait.Reminded, _ = strconv.Atoi(found.text("reminderPercent"))
	}
	return wait, nil
}
