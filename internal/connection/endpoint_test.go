package connection

import "testing"

// The wire says pendingAcceptance, the SDK's enum PendingAcceptance, and both have been seen.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		wire, enum                    string
		want                          EndpointState
		waiting, accepted, live, gone bool
		failure                       string
	}{
		{wire: "pendingAcceptance", enum: "PendingAcceptance", want: StatePendingAcceptance, waiting: true, live: true},
		{wire: "pending", enum: "Pending", want: StatePending, accepted: true, live: true},
		{wire: "available", enum: "Available", want: StateAvailable, accepted: true, live: true},
		{wire: "partial", enum: "Partial", want: StatePartial, accepted: true, live: true},
		{wire: "rejected", enum: "Rejected", want: StateRejected, failure: EndpointRejected},
		{wire: "expired", enum: "Expired", want: StateExpired, failure: EndpointExpired},
		{wire: "failed", enum: "Failed", want: StateFailed, failure: EndpointFailed},
		{wire: "deleting", enum: "Deleting", want: StateDeleting, gone: true, failure: EndpointDeleted},
		{wire: "deleted", enum: "Deleted", want: StateDeleted, gone: true, failure: EndpointDeleted},
		{wire: "verifying", enum: "Verifying", want: StateUnknown, waiting: true, live: true},
		{wire: "", enum: "  ", want: StateUnknown, waiting: true, live: true},
	}
	covered := map[EndpointState]bool{}
	for _, tt := range tests {
		for _, raw := range []string{tt.wire, tt.enum, " " + tt.wire + "\n"} {
			state := ParseEndpointState(raw)
			covered[state] = true
			if state != tt.want {
				t.Errorf("ParseEndpointState(%q): got %s, want %s", raw, state, tt.want)
			}
			if got := state.Waiting(); got != tt.waiting {
				t.Errorf("%s: Waiting is %v, want %v", raw, got, tt.waiting)
			}
			if got := state.Accepted(); got != tt.accepted {
				t.Errorf("%s: Accepted is %v, want %v", raw, got, tt.accepted)
			}
			if got := state.Live(); got != tt.live {
				t.Errorf("%s: Live is %v, want %v", raw, got, tt.live)
			}
			if got := state.Gone(); got != tt.gone {
				t.Errorf("%s: Gone is %v, want %v", raw, got, tt.gone)
			}
			if got := state.Failure(); got != tt.failure {
				t.Errorf("%s: Failure is %q, want %q", raw, got, tt.failure)
			}
		}
	}
	for _, state := range EndpointStates {
		if !covered[state] {
			t.Errorf("%s has no case", state)
		}
		if state.Waiting() == (state.Accepted() || state.Failure() != "") {
			t.Errorf("%s must be exactly one of waiting, accepted and failed", state)
		}
	}
}
