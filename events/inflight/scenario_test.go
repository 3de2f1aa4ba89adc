package inflight

import (
	"encoding/json"
	"time"

	"postern/events"
	"postern/internal/demo/people"
	"postern/internal/local/wire"
)

// scenario is a story to record: requests, one after the other.
type scenario struct {
	name     string
	vendor   people.Behaviour
	requests []request
	fault    func(*wire.Call, wire.Recorded) *wire.Fault
	// byHand says that the endpoint was created manually before the first request.
	byHand bool
}

// request starts an execution.
type request struct {
	name  string // of the execution
	input []byte
	end   string // the last state
	// alone is how long it runs before the next request comes; 0 is to its end.
	alone time.Duration
	// damage is the manual change made before the requests.
	damage string
}

// one is the request of a sample that runs to its end.
func one(sample, end string) request {
	return request{name: sample, input: events.Read(sample + ".json"), end: end}
}

func (r request) runs(alone time.Duration) request {
	r.alone = alone
	return r
}

func (r request) after(damage string) request {
	r.damage = damage
	return r
}

func scenarios() []scenario {
	monteCarlo := one("onboard.monte-carlo", "Onboarded")
	return []scenario{
		{name: "both gates", vendor: people.Slow, requests: []request{
			monteCarlo, one("diagnose.monte-carlo", "Diagnosed"), one("offboard.monte-carlo", "Offboarded"),
		}},
		{name: "onboarded again", vendor: people.Approve, requests: []request{
			monteCarlo, {name: "again", input: monteCarlo.input, end: "Onboarded"},
		}},
		{name: "live cut-over", vendor: people.Approve, requests: []request{
			one("onboard.engflow", "Onboarded"), one("diagnose.engflow", "Diagnosed"), one("offboard.engflow", "Offboarded"),
		}},
		{name: "several records", vendor: people.Approve, requests: []request{
			one("onboard.confluent-cloud", "Onboarded"), one("offboard.confluent-cloud", "Offboarded"),
		}},
		{name: "a security group of ours", vendor: people.Approve, requests: []request{
			ticketed(monteCarlo), one("offboard.monte-carlo", "Offboarded"),
		}},
		{name: "another account and Region", vendor: people.Approve, requests: []request{
			one("onboard.monte-carlo.other-account-and-region", "Onboarded"),
		}},
		{name: "what the vendor gave with the allow-listing", vendor: people.Approve, requests: []request{
			one("onboard.monte-carlo.before-allow-listing", "Onboarded").runs(2 * time.Hour),
			one("approve.monte-carlo.inputs", "Acknowledged"),
		}},
		{name: "cancelled", vendor: people.Ignore, requests: []request{
			one("onboard.monte-carlo", "FailedClean").runs(40 * time.Hour), one("cancel.monte-carlo", "Acknowledged"),
		}},
		{name: "planned only", vendor: people.Approve, requests: []request{one("plan.monte-carlo", "Planned")}},
		{name: "refused", vendor: people.Approve, requests: []request{
			{name: "no-request", input: []byte(`{"vendor": 7}`), end: "FailedClean"},
		}},
		{name: "rejected", vendor: people.Reject, requests: []request{one("onboard.monte-carlo", "FailedClean")}},
		{name: "rolled back from the last step", vendor: people.Approve, requests: []request{one("onboard.confluent-cloud", "FailedClean")},
			fault: refused("PutParameter")},
		{name: "a live cut-over rolled back", vendor: people.Approve, requests: []request{one("onboard.engflow", "FailedClean")},
			fault: refused("PutParameter")},
		{name: "repair", vendor: people.Approve, requests: []request{
			monteCarlo.runs(100 * time.Hour),
			one("repair.monte-carlo", "Onboarded").after("record-deleted"), one("offboard.monte-carlo", "Offboarded"),
		}},
		{name: "adopt", vendor: people.Approve, byHand: true, requests: []request{
			one("onboard.monte-carlo.adopt", "Onboarded"), one("offboard.monte-carlo", "Offboarded"),
		}},
		{name: "fleet", vendor: people.Approve, requests: []request{one("onboard.fleet", "FleetOnboarded")}},
	}
}

// refused refuses every call of an operation.
func refused(operation string) func(*wire.Call, wire.Recorded) *wire.Fault {
	return func(call *wire.Call, _ wire.Recorded) *wire.Fault {
		if call.Operation == operation {
			return &wire.Fault{Kind: wire.Deny}
		}
		return nil
	}
}

// ticketed is a request that came from a ticket, without security groups.
func ticketed(r request) request {
	var document map[string]any
	if err := json.Unmarshal(r.input, &document); err != nil {
		panic(err) // a sample of ours
	}
	delete(document["target"].(map[string]any), "securityGroupIds")
	document["ticket"] = map[string]any{"system": "github", "id": "example/network#42"}
	raw, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	r.input = raw
	return r
}
