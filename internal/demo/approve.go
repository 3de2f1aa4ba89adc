package main

import (
	"encoding/json"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/local"
)

// approve has an operator say that the vendor confirmed what an execution waits for.
func approve(cloud *local.Cloud, t *timeline, waiting string) {
	now := cloud.Clock.Now()
	execution, _ := cloud.States.Execution(waiting)
	input, err := approval(execution.Input)
	if err != nil {
		t.line(now, markFail, "", "this execution cannot be approved: "+err.Error())
		return
	}
	t.line(now, markPerson, "", "an operator starts an execution with action approve")
	arn, err := cloud.StartExecution("", input)
	if err != nil {
		t.line(now, markFail, "", err.Error())
		return
	}
	t.names[arn] = "approve"
}

// approval is the request to approve what a request began. It brings what the vendor gave with the allow-listing, as in the sample.
func approval(input []byte) ([]byte, error) {
	request, err := connection.DecodeRequest(input)
	if err != nil {
		return nil, err
	}
	said := connection.Request{
		SchemaVersion: connection.SchemaVersion, Action: connection.ActionApprove, Vendor: request.Vendor, Name: request.Name,
		Ticket: request.Ticket, Requester: request.Requester,
	}
	sample, err := connection.DecodeRequest(events.Read("approve.monte-carlo.inputs.json"))
	if err != nil {
		return nil, err
	}
	if sample.Vendor == request.Vendor {
		said.Inputs = sample.Inputs
	}
	return json.Marshal(said)
}
