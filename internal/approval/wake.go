package approval

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"postern/internal/connection"
)

// wake is why observe was called, and which endpoints it names. by is "" for what observe does not know: a no-op, not a fault,
// since a retry would not make it known.
type wake struct {
	by   string
	at   time.Time // zero when the event has no time
	ids  []string
	note string // why there is nothing to do, or ""
}

// maxIDs bounds the endpoints looked at for one wake; a message that names more is not one of AWS's. The sweep looks at the rest.
const maxIDs = 100

// event is the envelope of SNS and of EventBridge, as far as it matters here. Members are raw where a stranger chooses the shape.
type event struct {
	Records    []record        `json:"Records"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       string          `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

type record struct {
	EventSource string `json:"EventSource"`
	SNS         struct {
		Subject   json.RawMessage `json:"Subject"`
		Message   json.RawMessage `json:"Message"`
		Timestamp string          `json:"Timestamp"`
	} `json:"Sns"`
}

// decodeWake reads observe's input. Every input has an answer.
func decodeWake(raw []byte) wake {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return wake{note: "not an event"}
	}
	switch {
	case len(e.Records) > 0:
		return notification(e.Records)
	case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
		return wake{by: connection.ObservedBySweep, at: parseTime(e.Time)}
	case e.Source == "aws.ec2" && e.DetailType == "AWS API Call via CloudTrail":
		return cloudTrail(e)
	default:
		return wake{note: "an event that Postern does not subscribe to"}
	}
}

// notification finds the endpoints that SNS records name.
//
// AWS documents no payload for connection notifications, so nothing but the id is read, wherever it stands in the text.
func notification(records []record) wake {
	w := wake{by: connection.ObservedByNotification}
	for _, r := range records {
		if r.EventSource != "aws:sns" {
			continue
		}
		w.ids = endpointIDs(w.ids, r.SNS.Subject, r.SNS.Message)
		if at := parseTime(r.SNS.Timestamp); at.After(w.at) {
			w.at = at
		}
	}
	if len(w.ids) == 0 {
		return wake{note: "a notification that names no endpoint"}
	}
	return w
}

// changes are the calls by which a person can change an endpoint.
var changes = []string{"CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"}

// cloudTrail finds the endpoints that an EC2 call names.
//
// CloudTrail writes EC2's parameters in two shapes, {"DeleteVpcEndpointsRequest":{"VpcEndpointId":{"content":"vpce-…"}}} and
// {"vpcEndpointIds":["vpce-…"]}, and a call's answer in others: the ids are found wherever they stand.
func cloudTrail(e event) wake {
	var call struct {
		EventName         string          `json:"eventName"`
		ErrorCode         json.RawMessage `json:"errorCode"`
		RequestParameters json.RawMessage `json:"requestParameters"`
		ResponseElements  json.RawMessage `json:"responseElements"`
	}
	if err := json.Unmarshal(e.Detail, &call); err != nil {
		return wake{note: "a CloudTrail event of an odd shape"}
	}
	if !slices.Contains(changes, call.EventName) {
		return wake{note: "a call that changes no endpoint"}
	}
	if len(call.ErrorCode) > 0 && string(call.ErrorCode) != "null" {
		return wake{note: "a call that failed"}
	}
	ids := endpointIDs(nil, call.RequestParameters, call.ResponseElements)
	if len(ids) == 0 {
		return wake{note: "a call that names no endpoint"}
	}
	return wake{by: connection.ObservedByCloudTrail, at: parseTime(e.Time), ids: ids}
}

var endpointPattern = regexp.MustCompile(`vpce-[0-9a-f]+`)

// endpointIDs adds the endpoint ids in texts to ids, each once, at most maxIDs in all. AWS's ids have 8 or 17 digits; what is
// longer than 17 is something else.
func endpointIDs(ids []string, texts ...json.RawMessage) []string {
	for _, text := range texts {
		for _, found := range endpointPattern.FindAll(text, -1) {
			id := string(found)
			digits := len(id) - len("vpce-")
			if digits < 8 || digits > 17 || len(ids) == maxIDs || slices.Contains(ids, id) {
				continue
			}
			ids = append(ids, id)
		}
	}
	return ids
}

// parseTime reads a time as AWS writes it, and returns the zero time for anything else.
func parseTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
