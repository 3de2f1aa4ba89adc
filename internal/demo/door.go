package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"postern/internal/connection"
	"postern/internal/demo/tickets"
	"postern/internal/demo/world"
	"postern/internal/local"
)

// The doors by which an onboarding can be started here.
const (
	doorConsole = "console" // an operator starts an execution
	doorWebhook = "webhook" // a ticket system sends a signed delivery
)

// start starts the onboarding through a door and returns the execution's ARN, with a word on how it went.
func start(cloud *local.Cloud, door string, body []byte) (execution, how string, err error) {
	if door == doorConsole {
		execution, err = cloud.StartExecution(executionName(body), body)
		return execution, "an operator starts the execution", err
	}
	header, err := sign(cloud, body)
	if err != nil {
		return "", "", err
	}
	answer := cloud.Post("/webhook/standard", header, body)
	var accepted struct{ ConnectionID, Execution string }
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.Status != http.StatusAccepted {
		return "", "", fmt.Errorf("the webhook answers %d: %s", answer.Status, answer.Body)
	}
	return accepted.Execution, fmt.Sprintf("a ticket arrives: the webhook answers %d for %s", answer.Status, accepted.ConnectionID), nil
}

// sign signs a delivery as Standard Webhooks prescribes, with the secret that the stack made.
func sign(cloud *local.Cloud, body []byte) (http.Header, error) {
	secret, known := cloud.Secrets.Value("postern/webhook/standard")
	if !known {
		return nil, fmt.Errorf("the stack has no secret for the source standard; see webhooks in cdk.json")
	}
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("the secret of the source standard: %w", err)
	}
	const id = "msg_demo"
	now := cloud.Clock.Now()
	signature, err := hook.Sign(id, now, body)
	if err != nil {
		return nil, fmt.Errorf("signing the delivery: %w", err)
	}
	return http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Signature": {signature},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
	}, nil
}

// listenToTickets gives the portal of the ticket and Postern one key, and shows each comment when it comes.
func listenToTickets(cloud *local.Cloud, t *timeline) error {
	const key = "cG9zdGVybi1kZW1vLXBvc3Rlcm4tZGVtbw=="
	world.Tickets(cloud).SetKey(key)
	world.Tickets(cloud).OnComment(func(c tickets.Comment) {
		head, _, _ := strings.Cut(c.Text, "\n")
		t.line(c.At, markPerson, "", "comment on the ticket: "+head)
	})
	return cloud.Secrets.Put("postern/ticket/standard", key)
}

// executionName is the name under which the same request meets the same execution; "" for a request that names no connection.
func executionName(input []byte) string {
	request, err := connection.DecodeRequest(input)
	if err != nil {
		return ""
	}
	return connection.ExecutionName(request.ConnectionID(), "1")
}
