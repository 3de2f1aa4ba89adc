package ticket

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// portal is a receiver of messages as https://www.standardwebhooks.com prescribes. The credential is the key that messages are
// signed with.
type portal struct {
	rest
	hook *standardwebhooks.Webhook
}

func openPortal(s Settings, client *http.Client, credential string) (system, error) {
	// The library takes "whsec_" for a key of no bytes, which anybody has.
	if strings.Trim(strings.TrimPrefix(credential, "whsec_"), "=") == "" {
		return nil, fmt.Errorf("the secret %sstandard holds no key", SecretPrefix)
	}
	hook, err := standardwebhooks.NewWebhook(credential)
	if err != nil {
		return nil, fmt.Errorf("the secret %sstandard holds no key: write whsec_ and base64", SecretPrefix)
	}
	return portal{rest: rest{client: client, base: s.BaseURL}, hook: hook}, nil
}

// find has nowhere to look. A message that comes again has the same webhook-id, by which the receiver knows it: so the standard says.
func (p portal) find(context.Context, string, string) (bool, error) { return false, nil }

// message is what a portal gets.
type message struct {
	Type      string      `json:"type"` // connection.told
	Timestamp time.Time   `json:"timestamp"`
	Data      messageData `json:"data"`
}

type messageData struct {
	Ticket       string `json:"ticket"`
	ConnectionID string `json:"connectionId"`
	State        string `json:"state"` // accepted, planned, awaiting-allowlisting, …
	Text         string `json:"text"`
}

func (p portal) post(ctx context.Context, ticket string, c Comment) error {
	body, err := json.Marshal(message{Type: "connection.told", Timestamp: c.At.UTC(),
		Data: messageData{Ticket: ticket, ConnectionID: c.ConnectionID, State: c.State, Text: c.Text()}})
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	// When it is sent, not when it happened: the receiver refuses what is older than minutes.
	id, now := strings.ReplaceAll(c.Ref, ":", "_"), time.Now()
	signature, err := p.hook.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("signing the message: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return p.send(request, nil)
}
