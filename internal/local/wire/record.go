package wire

import "time"

// CodeNotImplemented is the error code of a call that the simulation does not know. No test may tolerate it.
const CodeNotImplemented = "NotImplemented"

// Recorded is one call that reached the server.
type Recorded struct {
	Service, Operation string
	Function           string // name of the calling function
	Principal          string // ARN of its role
	Origin             string // what the invocation belongs to: an execution's ARN, or "schedule"
	Write              bool   // it changes something; never set together with Message
	Message            bool   // it sends something: SNS Publish, PutEvents, SendTask*
	Code, Error        string // error code and message, "" when it was answered
	Fault              FaultKind
	At                 time.Time // simulated
}

// isMessage reports whether an operation sends something on rather than changes something: these are counted apart.
func isMessage(service, operation string) bool {
	switch service + "." + operation {
	case "sns.Publish", "sns.PublishBatch", "events.PutEvents",
		"states.SendTaskSuccess", "states.SendTaskFailure", "states.SendTaskHeartbeat":
		return true
	}
	return false
}
