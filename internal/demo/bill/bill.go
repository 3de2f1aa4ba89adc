// Package bill counts the AWS calls of one onboarding, and estimates their cost.
package bill

import (
	"postern/internal/local"
	"postern/internal/local/wire"
)

// Commenter is the function that comments on the ticket, in parallel with an onboarding: docs/adr/0008.
const Commenter = "postern-ticket"

// Counts is what one onboarding took. The sweep's calls are counted apart: one sweep serves every connection that waits.
type Counts struct {
	Transitions int            `json:"transitions"` // state entries and retries, as AWS bills them
	Calls       int            `json:"awsCalls"`
	Writes      int            `json:"awsWrites"`   // calls that change something durable
	Messages    int            `json:"awsMessages"` // SNS Publish, PutEvents, SendTask*
	Sweep       int            `json:"sweepCalls"`
	Ticket      int            `json:"ticketCalls"` // to tell the ticket, docs/adr/0008
	Invocations int            `json:"invocations"`
	USD         float64        `json:"estimatedUsd"` // orchestration of this onboarding, see price.go
	ByCall      map[string]int `json:"byCall"`       // service:Operation to number, the sweep's left out
}

// Of sorts the recorded calls; those of local.OriginSchedule are the sweep's.
func Of(transitions, invocations int, calls []wire.Recorded) Counts {
	c := Counts{Transitions: transitions, Invocations: invocations, ByCall: map[string]int{}}
	for _, call := range calls {
		if call.Origin == local.OriginSchedule {
			c.Sweep++
			continue
		}
		if call.Function == Commenter {
			c.Ticket++
			continue
		}
		c.Calls++
		c.ByCall[call.Service+":"+call.Operation]++
		switch {
		case call.Write:
			c.Writes++
		case call.Message:
			c.Messages++
		}
	}
	c.USD = c.cost()
	return c
}

// InvocationsOf is how many of the runs belong to one of the origins.
func InvocationsOf(all []local.Invocation, origins map[string]bool) int {
	n := 0
	for _, invocation := range all {
		if origins[invocation.Origin] {
			n++
		}
	}
	return n
}
