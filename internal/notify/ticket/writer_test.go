package ticket

import (
	"context"
	"encoding/json"
	"testing"

	"postern/internal/connection"
	"postern/internal/store"
)

// owned are records of connections that belong to a ticket.
type owned string

func (o owned) Record(context.Context, string) (store.Record, error) {
	return store.Record{Ticket: string(o)}, nil
}

// An event tells the ticket that it names, however late it comes and whoever has the connection by then. One of an execution without a
// ticket tells none. Only what was seen by an endpoint's tags alone is told to whom the connection belongs now.
func TestWhomAnEventTells(t *testing.T) {
	t.Parallel()
	const now = "github:example/network#7"
	own := &connection.Ticket{System: "github", ID: "example/network#42"}
	for name, test := range map[string]struct {
		kind   string
		detail any
		want   string
	}{
		"a gate":                   {connection.EventGateOpened, connection.GateNotice{ConnectionID: "v/n", Ticket: own}, own.Key()},
		"a gate, no ticket":        {connection.EventGateOpened, connection.GateNotice{ConnectionID: "v/n"}, ""},
		"a reminder":               {connection.EventGateReminder, connection.GateReminder{ConnectionID: "v/n", Ticket: own.Key()}, own.Key()},
		"a reminder, no ticket":    {connection.EventGateReminder, connection.GateReminder{ConnectionID: "v/n"}, ""},
		"a service":                {connection.EventServiceVisible, connection.Observation{ConnectionID: "v/n", Execution: arn, Ticket: own.Key()}, own.Key()},
		"a service, no ticket":     {connection.EventServiceVisible, connection.Observation{ConnectionID: "v/n", Execution: arn}, ""},
		"an endpoint":              {connection.EventEndpointState, rejection(arn, own.Key()), own.Key()},
		"an endpoint, no ticket":   {connection.EventEndpointState, rejection(arn, ""), ""},
		"an endpoint, by its tags": {connection.EventEndpointState, rejection("", ""), now},
		"a ticket's drift":         {connection.EventDrift, drifted(own.Key()), own.Key()},
		"the operators' drift":     {connection.EventDrift, drifted(""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := json.Marshal(test.detail)
			if err != nil {
				t.Fatal(err)
			}
			n, err := tell(Event{Source: connection.EventSource, DetailType: test.kind, Time: noon, Detail: raw})
			if err != nil || n == nil {
				t.Fatalf("%+v, %v", n, err)
			}
			w := &Writer{records: owned(now)}
			got, err := w.ticket(t.Context(), n)
			if err != nil || got.Key() != test.want {
				t.Errorf("told is %q, %v; want %q", got.Key(), err, test.want)
			}
		})
	}
}

func rejection(execution, ticket string) connection.Observation {
	return connection.Observation{ConnectionID: "v/n", Gate: connection.GateApproval, EndpointID: "vpce-1", State: connection.StateRejected,
		Execution: execution, Ticket: ticket}
}

func drifted(ticket string) connection.DriftNotice {
	return connection.DriftNotice{ConnectionID: "v/n", Status: connection.DriftOpened, Policy: connection.PolicyTicket, Ticket: ticket,
		Finding: connection.DriftFinding{DriftAnswer: connection.DriftAnswer{Check: connection.CheckZone, Result: connection.DriftFound}}}
}
