package ticket

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/internal/connection"
)

// Event is an EventBridge event, as far as it matters here.
type Event struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

// news is what an event has to tell about a connection.
type news struct {
	connectionID string
	ticket       *connection.Ticket // as the event names it; nil: no ticket is told, but with owner
	owner        bool               // the event does not know: the ticket is told that the connection belongs to now
	scope        []string           // with the connection, the ticket and the comment's state, tells one comment from another
	comment      Comment
}

// tellers turn an event's detail into news, by the event's source and detail type; nil for nothing to tell. A new kind of event is a
// line here and a rule in infra/triggers.go.
var tellers = map[string]func(detail []byte) (*news, error){
	"aws.states Step Functions Execution Status Change":           teller(execution),
	connection.EventSource + " " + connection.EventGateOpened:     teller(gateOpened),
	connection.EventSource + " " + connection.EventGateReminder:   teller(gateReminder),
	connection.EventSource + " " + connection.EventServiceVisible: teller(serviceVisible),
	connection.EventSource + " " + connection.EventEndpointState:  teller(endpointState),
	connection.EventSource + " " + connection.EventDrift:          teller(drift),
}

// tell returns what an event has to tell, nil for nothing.
func tell(e Event) (*news, error) {
	teller := tellers[e.Source+" "+e.DetailType]
	if teller == nil {
		return nil, nil
	}
	n, err := teller(e.Detail)
	if err != nil {
		return nil, connection.Errorf(connection.Internal, "reading the detail of %q: %w", e.DetailType, err)
	}
	if n == nil || n.connectionID == "" {
		return nil, nil
	}
	n.comment.At, n.comment.ConnectionID = e.Time, n.connectionID
	return n, nil
}

// teller decodes a detail. Fields it does not know are let pass: who sends it may be newer than this function.
func teller[Detail any](of func(Detail) (*news, error)) func([]byte) (*news, error) {
	return func(raw []byte) (*news, error) {
		var detail Detail
		if err := json.Unmarshal(raw, &detail); err != nil {
			return nil, err
		}
		return of(detail)
	}
}

// The states that a ticket is told.
const (
	stateAccepted    = "accepted"
	statePlanned     = "planned"
	stateAllowlist   = "awaiting-allowlisting"
	stateReminder    = "reminder"
	stateVisible     = "allow-listed"
	stateApproval    = "awaiting-approval"
	stateConnected   = "endpoint-accepted"
	stateEndpoint    = "endpoint-" // and the endpoint's state
	stateOnboarded   = "onboarded"
	stateOffboarded  = "offboarded"
	stateDiagnosed   = "diagnosed"
	stateFinished    = "finished"
	stateFailed      = "failed"
	stateCancelled   = "cancelled"
	statePassedOn    = "passed-on"
	stateNotPassedOn = "not-passed-on"
)

// gateOpened tells what the vendor has to be sent, and what is planned.
func gateOpened(n connection.GateNotice) (*news, error) {
	c := Comment{State: stateAllowlist, Head: "Waiting for the vendor to allow-list the account"}
	next := "Postern goes on by itself when the service becomes visible; it looks every five minutes."
	if n.Gate == connection.GateApproval {
		c = Comment{State: stateApproval, Head: "Waiting for the vendor to accept the endpoint"}
		next = "Postern goes on by itself when the endpoint is accepted: DNS, verification, configuration."
	}
	facts := facts{}
	facts.add("Connection", n.ConnectionID)
	facts.add("Endpoint", n.EndpointID)
	facts.add("Endpoint state", string(n.EndpointState))
	if n.SLAHours > 0 {
		facts.add("The vendor says", fmt.Sprintf("up to %d business hours (%s)", n.SLAHours, n.Calendar))
	}
	c.Blocks = append(c.Blocks, Block{Items: facts})
	if n.Plan != nil {
		c.Blocks = append(c.Blocks, planned(n.Plan.Creates, n.Plan.Findings, n.Plan.Cost)...)
	}
	message := n.Body
	if n.Subject != "" {
		message = "Subject: " + n.Subject + "\n\n" + message
	}
	to := n.To
	if to == "" {
		to = "the vendor's support"
	}
	c.Blocks = append(c.Blocks, Block{Title: "Send this to " + to + ", unless the operators, who have it by e-mail, did", Quote: message},
		Block{Text: next})
	return &news{connectionID: n.ConnectionID, ticket: n.Ticket, scope: []string{n.Execution}, comment: c}, nil
}

// gateReminder tells how much of the vendor's time has passed. Sweeps say it until the operators know: an execution's gate is told each
// percentage once.
func gateReminder(r connection.GateReminder) (*news, error) {
	waits := "to allow-list the account"
	if r.Gate == connection.GateApproval {
		waits = "to accept the endpoint"
	}
	c := Comment{State: stateReminder, Head: fmt.Sprintf("Still waiting for the vendor %s: %d percent of its time has passed", waits, r.Percent)}
	facts := facts{}
	facts.add("Connection", r.ConnectionID)
	facts.add("Service", r.ServiceName)
	facts.add("Endpoint", r.EndpointID)
	facts.add("Passed", fmt.Sprintf("%d of %d business hours (%s)", r.PassedHours, r.SLAHours, r.Calendar))
	to := r.To
	if to == "" {
		to = "the vendor's support"
	}
	c.Blocks = []Block{{Items: facts}, {Title: "Send this to " + to + ", unless the operators, who have it by e-mail, did",
		Quote: "Subject: " + r.Subject + "\n\n" + r.Body}}
	return &news{connectionID: r.ConnectionID, ticket: ticketOf(r.Ticket),
		scope: []string{r.Execution, string(r.Gate), strconv.Itoa(r.Percent)}, comment: c}, nil
}

func serviceVisible(o connection.Observation) (*news, error) {
	c := Comment{State: stateVisible, Head: "The vendor allow-listed the account", Blocks: []Block{
		{Items: facts{"Connection: " + o.ConnectionID, "Service: " + o.ServiceName}},
		{Text: "Next: the endpoint is made."},
	}}
	return &news{connectionID: o.ConnectionID, ticket: ticketOf(o.Ticket), scope: []string{o.ServiceName}, comment: c}, nil
}

// endpointState tells the vendor's answer. Pending and available are one answer: accepted. That an endpoint is deleted is no answer:
// mostly it is our own rollback, and the end of the execution tells the rest.
func endpointState(o connection.Observation) (*news, error) {
	if o.Gate != connection.GateApproval || o.EndpointID == "" || o.State.Waiting() || o.State.Gone() {
		return nil, nil
	}
	c := Comment{State: stateConnected, Head: "The vendor accepted the endpoint"}
	next := "Next: Postern verifies the link from inside the VPC, sets up DNS, and publishes the configuration."
	if !o.State.Accepted() {
		c = Comment{State: stateEndpoint + string(o.State), Head: "The endpoint is " + string(o.State)}
		next = "Next: Postern undoes what it made, and tells here what came of it."
	}
	facts := facts{}
	facts.add("Connection", o.ConnectionID)
	facts.add("Endpoint", o.EndpointID)
	facts.add("Endpoint state", string(o.State))
	facts.add("AWS says", o.Reason)
	c.Blocks = []Block{{Items: facts}, {Text: next}}
	return &news{connectionID: o.ConnectionID, ticket: ticketOf(o.Ticket), owner: o.Execution == "", scope: []string{o.EndpointID},
		comment: c}, nil
}

// ticketOf returns the ticket of a key, nil for none.
func ticketOf(key string) *connection.Ticket {
	system, id, ok := strings.Cut(key, ":")
	if !ok {
		return nil
	}
	return &connection.Ticket{System: system, ID: id}
}

// facts are lines of a list, each with a name.
type facts []string

func (f *facts) add(name, value string) {
	if value != "" {
		*f = append(*f, name+": "+value)
	}
}

// planned are the blocks of a plan.
func planned(creates []string, findings []connection.Finding, cost connection.Cost) []Block {
	blocks := []Block{{Title: "The plan", Items: creates}}
	var found []string
	for _, finding := range findings {
		found = append(found, finding.Severity+": "+finding.Message)
	}
	if len(found) > 0 {
		blocks = append(blocks, Block{Title: "Findings", Items: found})
	}
	return append(blocks, costs(cost)...)
}

func costs(cost connection.Cost) []Block {
	if cost.MonthlyUSD <= 0 {
		return nil
	}
	text := fmt.Sprintf("Cost: $%.2f a month", cost.MonthlyUSD)
	if cost.Basis != "" {
		text += " (" + cost.Basis + ")"
	}
	return []Block{{Text: text}}
}
