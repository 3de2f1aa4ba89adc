package approval

import (
	"time"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// sight is one look: when it was, by the clock of whatever woke us, and what that was.
type sight struct {
	by string
	at time.Time
}

// endpoint says the state of an endpoint that a wait, or a wait made of its tags, belongs to.
func (s sight) endpoint(wait store.Wait, found endpoint.Endpoint) bus.Event {
	return s.saying(connection.EventEndpointState, wait, connection.Observation{
		EndpointID: found.ID, ServiceName: found.ServiceName, State: found.State, Reason: clip(found.Reason, maxReason),
	})
}

// service says that a wait's service is visible.
func (s sight) service(wait store.Wait) bus.Event {
	return s.saying(connection.EventServiceVisible, wait, connection.Observation{ServiceName: wait.ServiceName})
}

// stillClosed says that the wait goes on. State is "" for a service.
func (s sight) stillClosed(wait store.Wait, state connection.EndpointState) bus.Event {
	return s.saying(connection.EventGateStillClosed, wait, connection.Observation{
		EndpointID: wait.EndpointID, ServiceName: wait.ServiceName, State: state,
	})
}

func (s sight) saying(detailType string, wait store.Wait, o connection.Observation) bus.Event {
	o.SchemaVersion, o.ConnectionID, o.Gate = connection.SchemaVersion, wait.ConnectionID, wait.Gate
	o.PreviousState, o.ObservedAt, o.ObservedBy = wait.LastSeen, s.at, s.by
	o.Execution, o.Ticket = wait.Execution, wait.Ticket
	return bus.Event{Type: detailType, At: s.at, Detail: o}
}

// settling is how long a new endpoint may be missing from AWS's answers.
//
// AWS: EC2 is eventually consistent, and advises to look again for up to five minutes.
const settling = 5 * time.Minute

// unsettled reports whether an endpoint is missing so soon after the wait began that it may only not be shown yet. One that AWS
// shows as deleted is deleted; one that it does not show at all is believed deleted later, by the sweep.
func (s sight) unsettled(wait store.Wait, e endpoint.Endpoint) bool {
	return e.State == connection.StateDeleted && e.VPCID == "" && s.at.Sub(wait.Since) < settling
}

// maxReason is how much of AWS's reason is repeated, in bytes.
const maxReason = 1024

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xc0 == 0x80 { // not inside a character
		most--
	}
	return text[:most] + "…"
}
