package sns

import (
	"encoding/json"
	"time"
)

// Notification is a message on its way.
type Notification struct {
	ID       string
	TopicARN string
	Subject  string // "" for none
	Message  string
	Time     time.Time

	region string
}

// stamp is how SNS writes a time.
const stamp = "2006-01-02T15:04:05.000Z"

// The signature is not a real one, and nothing checks it.
const (
	signatureVersion = "1"
	signature        = "EMBEDDED"
)

func (n Notification) certificate() string {
	return "https://sns." + n.region + ".amazonaws.com/SimpleNotificationService-embedded.pem"
}

func (n Notification) unsubscribe(s Subscription) string {
	return "https://sns." + n.region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + s.ARN
}

// optional is nil for "", which JSON writes as null.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// record is a message in a function's event.
type record struct {
	EventSource          string
	EventVersion         string
	EventSubscriptionArn string
	Sns                  struct {
		Type              string
		MessageID         string `json:"MessageId"`
		TopicArn          string
		Subject           *string
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes map[string]any
	}
}

// LambdaEvent is the message as a function receives it.
func (n Notification) LambdaEvent(s Subscription) []byte {
	r := record{EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: s.ARN}
	r.Sns.Type, r.Sns.MessageID, r.Sns.TopicArn = "Notification", n.ID, n.TopicARN
	r.Sns.Subject, r.Sns.Message = optional(n.Subject), n.Message
	r.Sns.Timestamp = n.Time.UTC().Format(stamp)
	r.Sns.SignatureVersion, r.Sns.Signature = signatureVersion, signature
	r.Sns.SigningCertURL, r.Sns.UnsubscribeURL = n.certificate(), n.unsubscribe(s)
	r.Sns.MessageAttributes = map[string]any{} // attributes are not simulated
	return encode(struct{ Records []record }{[]record{r}})
}

// document is a message in a queue. AWS spells some members otherwise than for functions.
type document struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          *string `json:",omitempty"`
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string
}

// JSON is the message as a queue receives it.
func (n Notification) JSON(s Subscription) []byte {
	return encode(document{
		Type: "Notification", MessageID: n.ID, TopicArn: n.TopicARN, Subject: optional(n.Subject), Message: n.Message,
		Timestamp: n.Time.UTC().Format(stamp), SignatureVersion: signatureVersion, Signature: signature,
		SigningCertURL: n.certificate(), UnsubscribeURL: n.unsubscribe(s),
	})
}

func encode(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic("sns: " + err.Error()) // strings always encode
	}
	return raw
}
