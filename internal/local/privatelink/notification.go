package privatelink

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Notification is a connection notification: an SNS topic that hears of an endpoint's events.
type Notification struct {
	ID, Region, EndpointID, TopicARN string
	Events                           []string // Accept, Connect, Delete, Reject
}

// Notifications returns all connection notifications.
func (w *World) Notifications() []Notification {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Notification
	for _, n := range w.notifications.all() {
		all = append(all, *n)
	}
	return all
}

// Notify sends the notification of an event again, or of one that never happened: late, repeated and false messages occur.
func (w *World) Notify(endpointID, event string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.endpoints.get(endpointID)
	if e == nil {
		return fmt.Errorf("notifying of %s: endpoint %s does not exist", event, endpointID)
	}
	w.notify(e, event)
	return nil
}

func (w *World) notify(e *Endpoint, event string) { w.notifyBecause(e, event, "") }

// notifyBecause tells the topics of an endpoint of an event.
func (w *World) notifyBecause(e *Endpoint, event, reason string) {
	if w.options.LoseNotifications || w.onNotice == nil {
		return
	}
	message := syntheticMessage(e, event, reason)
	times := 1
	if w.options.RepeatNotifications {
		times = 2
	}
	send := w.onNotice
	for _, n := range w.notifications.all() {
		if n.EndpointID != e.ID || !slices.Contains(n.Events, event) {
			continue
		}
		topic := n.TopicARN
		for range times {
			w.clock.After(w.options.NotificationDelay, fmt.Sprintf("notification: %s %s", event, e.ID), func() { send(topic, message) })
		}
	}
}

// syntheticMessage is what the topic gets. AWS does not document the real message, so nothing may depend on more than that it
// holds the endpoint's id somewhere.
func syntheticMessage(e *Endpoint, event, reason string) []byte {
	message, _ := json.Marshal(struct { // strings always encode
		Note       string `json:"note"`
		Event      string `json:"event"`
		EndpointID string `json:"vpcEndpointId"`
		Service    string `json:"serviceName"`
		Reason     string `json:"reason,omitempty"`
	}{"synthetic: made by the embedded cloud; AWS does not document this message", event, e.ID, e.ServiceName, reason})
	return message
}

func (w *World) removeNotifications(endpointID string) {
	for _, n := range w.notifications.all() {
		if n.EndpointID == endpointID {
			w.notifications.remove(n.ID)
		}
	}
}
