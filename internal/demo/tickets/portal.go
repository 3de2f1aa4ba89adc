package tickets

import (
	"encoding/json"
	"net/http"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// SetKey gives the portal the key by which it knows Postern's messages.
func (s *Systems) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// portal takes messages as https://www.standardwebhooks.com says. The time of a message is not compared: functions have the real
// one, and here it is simulated.
func (s *Systems) portal(r *http.Request, body []byte) (int, any) {
	hook, err := standardwebhooks.NewWebhook(s.key)
	if err != nil || s.key == "" || hook.VerifyIgnoringTimestamp(body, r.Header) != nil {
		return http.StatusUnauthorized, nil
	}
	var in struct {
		Type string `json:"type"`
		Data struct{ Ticket, ConnectionID, State, Text string }
	}
	if json.Unmarshal(body, &in) != nil || in.Type != "connection.told" {
		return http.StatusBadRequest, nil
	}
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)
	if s.messages[id] {
		return http.StatusOK, nil // it came before
	}
	s.messages[id] = true
	s.take(r, Comment{System: "standard", Ticket: in.Data.Ticket, Body: string(body), Text: in.Data.Text, Public: true})
	return http.StatusNoContent, nil
}
