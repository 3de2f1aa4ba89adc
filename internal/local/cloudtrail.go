package local

import (
	"encoding/json"
	"fmt"

	"postern/internal/local/cloudtrail"
	"postern/internal/local/events"
)

// recordTrail puts what CloudTrail tells of a change of endpoints in this account on the default bus.
func (c *Cloud) recordTrail(eventName string, endpointIDs []string, principal string) {
	if e, known := c.World.Endpoint(endpointIDs[0]); known && (e.AccountID != c.Stack.AccountID || e.Region != c.Stack.Region) {
		return // another account's trail, and bus
	}
	change := cloudtrail.Change{
		Name: eventName, EndpointIDs: endpointIDs, Principal: principal,
		Account: c.Stack.AccountID, Region: c.Stack.Region, At: c.Clock.Now(),
	}
	event, err := change.Event()
	if err == nil {
		err = c.Events.Emit(event)
	}
	if err != nil {
		c.fault(fmt.Errorf("recording %s: %w", eventName, err))
	}
}

// recordCall puts what CloudTrail tells of any other change in this account on the default bus.
//
// AWS: Route 53 is told of in us-east-1 only, wherever its zones answer.
func (c *Cloud) recordCall(call cloudtrail.Call) {
	if call.Service == "route53" {
		call.Region = "us-east-1"
	}
	if call.Account != c.Stack.AccountID || call.Region != c.Stack.Region {
		return // another account's trail, and bus
	}
	event, err := call.Event(c.Clock.Now())
	if err == nil {
		err = c.Events.Emit(event)
	}
	if err != nil {
		c.fault(fmt.Errorf("recording %s: %w", call.Name, err))
	}
}

// emit puts an event of an AWS service on the default bus.
func (c *Cloud) emit(source, detailType string, resources []string, detail any) {
	encoded, err := json.Marshal(detail)
	if err == nil {
		err = c.Events.Emit(events.Event{Source: source, DetailType: detailType, Resources: resources, Detail: encoded})
	}
	if err != nil {
		c.fault(fmt.Errorf("emitting %s: %w", detailType, err))
	}
}
