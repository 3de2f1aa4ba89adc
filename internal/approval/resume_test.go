package approval

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/store"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func approvalWait() store.Wait {
	return store.Wait{
		ConnectionID: "monte-carlo/agents-prod", Gate: connection.GateApproval, Execution: "arn:exec", Since: noon,
		EndpointID: sampleEndpoint, ServiceName: "svc", ServiceRegion: "us-east-1", LastSeen: connection.StatePendingAcceptance,
	}
}

func allowlistWait() store.Wait {
	return store.Wait{ConnectionID: "monte-carlo/agents-prod", Gate: connection.GateAllowlist, Execution: "arn:exec", Since: noon,
		ServiceName: "svc", ServiceRegion: "us-east-1"}
}

func seen(state connection.EndpointState) connection.Observation {
	return connection.Observation{ConnectionID: "monte-carlo/agents-prod", Gate: connection.GateApproval, EndpointID: sampleEndpoint,
		State: state, ObservedAt: noon.Add(time.Hour), ObservedBy: connection.ObservedByNotification}
}

func changed(o connection.Observation, change func(*connection.Observation)) connection.Observation {
	change(&o)
	return o
}

func TestDecide(t *testing.T) {
	t.Parallel()
	visible := connection.Observation{Gate: connection.GateAllowlist, ServiceName: "svc", ObservedAt: noon}
	type row struct {
		detailType string
		o          connection.Observation
		wait       store.Wait
		want       Action
	}
	rows := map[string]row{
		"visible": {connection.EventServiceVisible, visible, allowlistWait(), ActionSucceed},
		"another service visible": {connection.EventServiceVisible, changed(visible,
			func(o *connection.Observation) { o.ServiceName = "x" }), allowlistWait(), ActionNone},
		"visible, but approval waits":   {connection.EventServiceVisible, visible, approvalWait(), ActionNone},
		"visible claims to be approval": {connection.EventServiceVisible, seen(connection.StateAvailable), approvalWait(), ActionNone},
		"still closed": {connection.EventGateStillClosed, seen(connection.StatePendingAcceptance), approvalWait(),
			ActionHeartbeat},
		"still not visible": {connection.EventGateStillClosed, connection.Observation{Gate: connection.GateAllowlist}, allowlistWait(),
			ActionHeartbeat},
		"still closed, other gate": {connection.EventGateStillClosed, connection.Observation{Gate: connection.GateAllowlist},
			approvalWait(), ActionNone},
		"another endpoint": {connection.EventEndpointState, changed(seen(connection.StateAvailable), func(o *connection.Observation) {
			o.EndpointID = "vpce-00000000"
		}), approvalWait(), ActionNone},
		"an endpoint, but allow-listing waits": {connection.EventEndpointState, seen(connection.StateAvailable), allowlistWait(),
			ActionNone},
		"a state event about the allowlist gate": {connection.EventEndpointState, changed(seen(connection.StateAvailable),
			func(o *connection.Observation) {
				o.Gate, o.EndpointID = connection.GateAllowlist, ""
			}), allowlistWait(), ActionNone},
		"a rejection of before this wait": {connection.EventEndpointState, changed(seen(connection.StateRejected),
			func(o *connection.Observation) {
				o.ObservedAt = noon.Add(-time.Nanosecond)
			}), approvalWait(), ActionNone},
		"a rejection at its very beginning": {connection.EventEndpointState, changed(seen(connection.StateRejected),
			func(o *connection.Observation) {
				o.ObservedAt = noon
			}), approvalWait(), ActionFail},
		"a rejection without a time": {connection.EventEndpointState, changed(seen(connection.StateRejected),
			func(o *connection.Observation) {
				o.ObservedAt = time.Time{}
			}), approvalWait(), ActionFail},
		"an acceptance of before this wait": {connection.EventEndpointState, changed(seen(connection.StatePending),
			func(o *connection.Observation) {
				o.ObservedAt = noon.Add(-time.Hour)
			}), approvalWait(), ActionSucceed},
		"an unknown event": {"Something Else", seen(connection.StateAvailable), approvalWait(), ActionNone},
		"an unnamed state": {connection.EventEndpointState, seen(""), approvalWait(), ActionNone},
	}
	word := connection.Observation{Gate: connection.GateAllowlist, ServiceName: "svc", Execution: "arn:exec", ObservedAt: noon,
		ObservedBy: connection.ObservedByOperator}
	atApproval := func(o *connection.Observation) { o.Gate, o.EndpointID = connection.GateApproval, sampleEndpoint }
	toAnother := func(o *connection.Observation) { o.Execution = "arn:other" }
	before := func(o *connection.Observation) { o.ObservedAt = noon.Add(-time.Nanosecond) }
	for name, test := range map[string]row{
		"acknowledged": {connection.EventAcknowledged, word, allowlistWait(), ActionSucceed},
		"acknowledged, another service meanwhile": {connection.EventAcknowledged, changed(word, func(o *connection.Observation) { o.ServiceName = "x" }), allowlistWait(), ActionSucceed},
		"acknowledged, another execution":         {connection.EventAcknowledged, changed(word, toAnother), allowlistWait(), ActionNone},
		"acknowledged, an earlier wait":           {connection.EventAcknowledged, changed(word, before), allowlistWait(), ActionNone},
		"acknowledged, but approval waits":        {connection.EventAcknowledged, word, approvalWait(), ActionNone},
		"acknowledged claims to be approval":      {connection.EventAcknowledged, changed(word, atApproval), approvalWait(), ActionNone},
		"cancelled":                               {connection.EventCancelled, word, allowlistWait(), ActionCancel},
		"cancelled, at the approval":              {connection.EventCancelled, changed(word, atApproval), approvalWait(), ActionCancel},
		"cancelled, but approval waits":           {connection.EventCancelled, word, approvalWait(), ActionNone},
		"cancelled, another execution":            {connection.EventCancelled, changed(word, toAnother), allowlistWait(), ActionNone},
		"cancelled, an earlier wait":              {connection.EventCancelled, changed(word, before), allowlistWait(), ActionNone},
		"cancelled, another endpoint": {connection.EventCancelled, changed(changed(word, atApproval),
			func(o *connection.Observation) { o.EndpointID = "vpce-00000000" }), approvalWait(), ActionNone},
	} {
		rows[name] = test
	}
	byState := map[connection.EndpointState]Action{
		connection.StatePendingAcceptance: ActionHeartbeat, connection.StateUnknown: ActionHeartbeat,
		connection.StatePending: ActionSucceed, connection.StateAvailable: ActionSucceed, connection.StatePartial: ActionSucceed,
		connection.StateRejected: ActionFail, connection.StateExpired: ActionFail, connection.StateFailed: ActionFail,
		connection.StateDeleting: ActionFail, connection.StateDeleted: ActionFail,
	}
	for _, state := range append(connection.EndpointStates, connection.StateUnknown) {
		rows["state "+string(state)] = row{connection.EventEndpointState, seen(state), approvalWait(), byState[state]}
	}
	for name, test := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := decide(test.detailType, test.o, test.wait); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDecodeObservation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event     observed
		wantState connection.EndpointState
		ours      bool
		wantError string
	}{
		"any letter case": {observed{"postern", connection.EventEndpointState,
			[]byte(`{"connectionId":"v/n","state":"PendingAcceptance"}`)}, connection.StatePendingAcceptance, true, ""},
		"a word of the future": {observed{"postern", connection.EventEndpointState, []byte(`{"connectionId":"v/n","state":"paused"}`)},
			connection.StateUnknown, true, ""},
		"a field of the future": {observed{"postern", connection.EventServiceVisible, []byte(`{"connectionId":"v/n","weather":1}`)},
			"", true, ""},
		"an operator's word": {observed{"postern", connection.EventAcknowledged, []byte(`{"connectionId":"v/n"}`)}, "", true, ""},
		"a cancellation":     {observed{"postern", connection.EventCancelled, []byte(`{"connectionId":"v/n"}`)}, "", true, ""},
		"a gate that opened": {observed{"postern", connection.EventGateOpened, []byte(`{"connectionId":"v/n"}`)}, "", false, ""},
		"of another source":  {observed{"aws.ec2", connection.EventEndpointState, []byte(`{"connectionId":"v/n"}`)}, "", false, ""},
		"nothing":            {observed{}, "", false, ""},
		"no detail":          {observed{"postern", connection.EventEndpointState, nil}, "", false, "reading the detail"},
		"an odd detail":      {observed{"postern", connection.EventEndpointState, []byte(`"x"`)}, "", false, "reading the detail"},
		"no connection":      {observed{"postern", connection.EventEndpointState, []byte(`{}`)}, "", false, "no connection id"},
		"a time that is none": {observed{"postern", connection.EventEndpointState,
			[]byte(`{"connectionId":"v/n","observedAt":"noon"}`)}, "", false, "reading the detail"},
		"a number for a state": {observed{"postern", connection.EventEndpointState, []byte(`{"connectionId":"v/n","state":1}`)}, "",
			false, "reading the detail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := decodeObservation(test.event)
			if test.wantError != "" {
				if connection.NameOf(err) != connection.Internal || !strings.Contains(err.Error(), test.wantError) {
					t.Errorf("%v, want %q", err, test.wantError)
				}
				return
			}
			if err != nil || (o.ConnectionID != "") != test.ours || o.State != test.wantState {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestCause(t *testing.T) {
	t.Parallel()
	for state, want := range map[connection.EndpointState][]string{
		connection.StateRejected: {"The vendor rejected the endpoint connection: endpoint " + sampleEndpoint +
			" of connection monte-carlo/agents-prod.", "ask the vendor why"},
		connection.StateExpired:  {"before AWS expired it", "agree with the vendor"},
		connection.StateFailed:   {"AWS reports the endpoint as failed", "mend what AWS names"},
		connection.StateDeleting: {"was deleted while we waited", "CloudTrail"},
		connection.StateDeleted:  {"was deleted while we waited", "CloudTrail"},
	} {
		o := seen(state)
		o.Reason = "because: " + strings.Repeat("é", 5000)
		got := cause(o, approvalWait())
		for _, part := range append(want, "- service: svc", "- AWS says: because: é",
			"2026-11-23T13:00:00Z after the endpoint's notification, state "+string(state),
			"- waited since: 2026-11-23T12:00:00Z", "\nWhat to do: ") {
			if !strings.Contains(got, part) {
				t.Errorf("%s: the cause lacks %q:\n%s", state, part, got)
			}
		}
		if len(got) > 4096 || strings.ContainsRune(got, '\ufffd') {
			t.Errorf("%s: %d bytes, or a broken character", state, len(got))
		}
	}
	bare := cause(connection.Observation{EndpointID: "vpce-1", State: connection.StateRejected}, store.Wait{})
	if strings.Contains(bare, "AWS says") || strings.Contains(bare, "service:") || !strings.Contains(bare,
		"seen: at an unknown time, state rejected") {
		t.Errorf("with little known:\n%s", bare)
	}
}

// TestEventSamples: the samples that users write rules from are what this code writes and reads.
func TestEventSamples(t *testing.T) {
	t.Parallel()
	for name, detailType := range map[string]string{
		"postern.endpoint-state-change.json": connection.EventEndpointState,
		"postern.service-visible.json":       connection.EventServiceVisible,
		"postern.gate-still-closed.json":     connection.EventGateStillClosed,
	} {
		var e observed
		if err := json.Unmarshal(events.Read(name), &e); err != nil {
			t.Fatal(err)
		}
		o, err := decodeObservation(e)
		if err != nil || o.ConnectionID == "" || e.DetailType != detailType {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		sameJSON(t, name, e.Detail, o)
	}
	var opened struct{ Detail json.RawMessage }
	if err := json.Unmarshal(events.Read("postern.gate-opened.json"), &opened); err != nil {
		t.Fatal(err)
	}
	var notice connection.GateNotice
	if err := json.Unmarshal(opened.Detail, &notice); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "postern.gate-opened.json", opened.Detail, notice)
}

// sameJSON fails unless value, written as JSON, has exactly the members of raw.
func sameJSON(t *testing.T, name string, raw []byte, value any) {
	t.Helper()
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(raw, &a) != nil || json.Unmarshal(written, &b) != nil {
		t.Fatalf("%s: not JSON", name)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		t.Errorf("%s:\nsample %s\nwritten %s", name, x, y)
	}
}
