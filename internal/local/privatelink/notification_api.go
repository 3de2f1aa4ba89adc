package privatelink

import (
	"slices"
	"strings"

	"postern/internal/local/wire"
)

func (w *World) notificationOperations() map[string]operation {
	return map[string]operation{
		"CreateVpcEndpointConnectionNotification": {
			write:      true,
			parameters: []string{"ClientToken", "VpcEndpointId", "ConnectionNotificationArn", "ConnectionEvents"},
			permissions: func(call *wire.Call) []wire.Permission {
				return []wire.Permission{w.onEndpoint(call, call.Form.Get("VpcEndpointId"))}
			},
			do: w.createNotification,
		},
		"DescribeVpcEndpointConnectionNotifications": {
			parameters: describes("ConnectionNotificationId"), permissions: everything, do: w.describeNotifications,
		},
		"DeleteVpcEndpointConnectionNotifications": {
			write: true, parameters: []string{"ConnectionNotificationId"}, permissions: everything, do: w.deleteNotifications,
		},
	}
}

type notificationXML struct {
	ID            string   `xml:"connectionNotificationId"`
	EndpointID    string   `xml:"vpcEndpointId"`
	Type          string   `xml:"connectionNotificationType"`
	TopicARN      string   `xml:"connectionNotificationArn"`
	Events        []string `xml:"connectionEvents>item"`
	State         string   `xml:"connectionNotificationState"`
	ServiceRegion string   `xml:"serviceRegion,omitempty"`
}

func (w *World) notificationXML(n *Notification) notificationXML {
	item := notificationXML{
		ID: n.ID, EndpointID: n.EndpointID, Type: "Topic", TopicARN: n.TopicARN, Events: n.Events, State: "Enabled",
	}
	if e := w.endpoints.get(n.EndpointID); e != nil {
		item.ServiceRegion = e.ServiceRegion
	}
	return item
}

func (w *World) createNotification(call *wire.Call) (any, error) {
	key, token, err := w.recall(call)
	if err != nil {
		return nil, err
	}
	n := w.notifications.get(token.id)
	if n == nil {
		if n, err = w.newNotification(call); err != nil {
			return nil, err
		}
		token.id = n.ID
		if key != "" {
			w.tokens[key] = token
		}
	}
	return struct {
		ClientToken  string          `xml:"clientToken,omitempty"`
		Notification notificationXML `xml:"connectionNotification"`
	}{call.Form.Get("ClientToken"), w.notificationXML(n)}, nil
}

func (w *World) newNotification(call *wire.Call) (*Notification, error) {
	id, topic := call.Form.Get("VpcEndpointId"), call.Form.Get("ConnectionNotificationArn")
	e := w.visible(call, id)
	if e == nil || !e.live() {
		return nil, noEndpoint(id)
	}
	if parts := strings.Split(topic, ":"); len(parts) != 6 || parts[2] != "sns" || parts[3] != call.Region {
		return nil, fault("InvalidParameter", "The ARN '%s' is not that of an SNS topic in %s", topic, call.Region)
	}
	events := list(call.Form, "ConnectionEvents")
	if len(events) == 0 {
		return nil, fault("MissingParameter", "The request must contain the parameter ConnectionEvents")
	}
	for _, event := range events {
		if !slices.Contains([]string{"Accept", "Connect", "Delete", "Reject"}, event) {
			return nil, fault("InvalidParameterValue", "Value (%s) for parameter ConnectionEvents is invalid.", event)
		}
	}
	n := &Notification{ID: w.newID("vpce-nfn"), Region: call.Region, EndpointID: id, TopicARN: topic, Events: events}
	w.notifications.put(n.ID, n)
	return n, nil
}

func noNotification(id string) error {
	return fault("InvalidConnectionNotification", "The ConnectionNotification %s does not exist", id)
}

func (w *World) describeNotifications(call *wire.Call) (any, error) {
	mine := seen(w, call, w.notifications.all(), func(n *Notification) string {
		if e := w.endpoints.get(n.EndpointID); e != nil {
			return e.VPCID
		}
		return ""
	})
	found, err := selected(call.Form, mine, one(call.Form.Get("ConnectionNotificationId")), noNotification,
		func(n *Notification) (string, map[string]string, attributes) {
			return n.ID, nil, attributes{
				"connection-notification-id": {n.ID}, "connection-notification-arn": {n.TopicARN}, "vpc-endpoint-id": {n.EndpointID},
				"connection-notification-state": {"Enabled"}, "connection-notification-type": {"Topic"}, "service-id": nil,
			}
		})
	if err != nil {
		return nil, err
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 1)
	var answer struct {
		Notifications []notificationXML `xml:"connectionNotificationSet>item"`
		NextToken     string            `xml:"nextToken,omitempty"`
	}
	for _, n := range items {
		answer.Notifications = append(answer.Notifications, w.notificationXML(n))
	}
	answer.NextToken = next
	return answer, err
}

func (w *World) deleteNotifications(call *wire.Call) (any, error) {
	var answer batchAnswer
	for _, id := range list(call.Form, "ConnectionNotificationId") {
		if w.notifications.get(id) == nil {
			answer.Unsuccessful = append(answer.Unsuccessful,
				unsuccessfulXML{id, "InvalidConnectionNotification", "The ConnectionNotification " + id + " does not exist"})
			continue
		}
		w.notifications.remove(id)
	}
	return answer, nil
}
