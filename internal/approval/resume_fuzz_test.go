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

// Whatever observation comes, no word of AWS's that is unknown passes a gate or ends a wait.
func FuzzObservation(f *testing.F) {
	for _, name := range events.Names() {
		if strings.HasPrefix(name, "postern.") {
			f.Add(events.Read(name), "vpce-0f1e2d3c4b5a69788")
		}
	}
	for _, state := range []string{"Available", "pendingAcceptance", "REJECTED", "partial", "frobnicated", ""} {
		f.Add([]byte(`{"source":"postern","detail-type":"VPC Endpoint State Change","detail":{"connectionId":"v/n","gate":"approval","endpointId":"vpce-1","state":"`+
			state+`","observedAt":"2026-11-02T14:00:00Z"}}`), "vpce-1")
	}
	f.Add([]byte(`{"source":"postern","detail-type":"Gate Cancelled","detail":{"connectionId":"v/n","gate":"approval"}}`), "")
	f.Add([]byte(`{"source":"postern","detail-type":"Gate Cancelled","detail":[]}`), "")
	f.Fuzz(func(t *testing.T, raw []byte, endpointID string) {
		var e observed
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		o, err := decodeObservation(e)
		if err != nil {
			if connection.NameOf(err) != connection.Internal {
				t.Errorf("the error is %v", err)
			}
			return
		}
		if o.ConnectionID == "" {
			return
		}
		wait := store.Wait{Gate: o.Gate, EndpointID: endpointID, Execution: "arn:1", Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
		switch action := decide(e.DetailType, o, wait); {
		case action != ActionNone && (e.Source != connection.EventSource || o.EndpointID != endpointID):
			t.Errorf("%s by %s of %s", action, e.Source, o.EndpointID)
		case action == ActionSucceed && e.DetailType == connection.EventEndpointState && !o.State.Accepted():
			t.Errorf("state %s passes the gate", o.State)
		case action == ActionFail && o.State.Failure() == "":
			t.Errorf("state %s ends the wait", o.State)
		}
	})
}
