package sns

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"postern/internal/local/wire"
)

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"Publish": {Write: true, Permissions: s.mayPublish, Do: s.answerPublish},
	}
}

func onTopic(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "sns:" + call.Operation, Resource: call.Form.Get("TopicArn")}}
}

// mayPublish needs the topic's key too: SNS encrypts in the publisher's name.
func (s *Service) mayPublish(call *wire.Call) []wire.Permission {
	s.mu.Lock()
	defer s.mu.Unlock()
	needed := onTopic(call)
	arn := call.Form.Get("TopicArn")
	if t := s.topic(arn); t != nil && t.KeyARN != "" {
		keys := map[string][]string{
			"kms:viaservice": {"sns." + s.region + ".amazonaws.com"}, "kms:calleraccount": {s.account},
			"kms:encryptioncontext:aws:sns:topicarn": {arn},
		}
		needed = append(needed,
			wire.Permission{Action: "kms:GenerateDataKey", Resource: t.KeyARN, Context: keys},
			wire.Permission{Action: "kms:Decrypt", Resource: t.KeyARN, Context: keys})
	}
	return needed
}

// maxMessage is the largest message, in bytes. AWS: 256 KB.
const maxMessage = 256 * 1024

func (s *Service) answerPublish(call *wire.Call) ([]byte, error) {
	if err := known(call, "TopicArn", "Message", "Subject"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := Notification{
		TopicARN: call.Form.Get("TopicArn"), Subject: call.Form.Get("Subject"), Message: call.Form.Get("Message"),
	}
	if err := s.exists(n.TopicARN); err != nil {
		return nil, err
	}
	if err := n.check(call.Form.Has("Subject")); err != nil {
		return nil, err
	}
	type result struct {
		MessageID string `xml:"MessageId"`
	}
	return answer(call, result{s.publish(n)})
}

// check applies the limits of a message.
//
// AWS: a subject is ASCII text that begins with a letter, number or punctuation mark, has no line breaks or control characters,
// and fewer than 100 characters.
func (n Notification) check(hasSubject bool) error {
	switch {
	case n.Message == "":
		return invalid("Empty message")
	case !utf8.ValidString(n.Message):
		return invalid("Message is not UTF-8")
	case len(n.Message) > maxMessage:
		return invalid("Message too long")
	case !hasSubject:
		return nil
	case n.Subject == "" || n.Subject[0] == ' ' || len(n.Subject) >= 100:
		return invalid("Subject")
	case strings.ContainsFunc(n.Subject, func(r rune) bool { return r < ' ' || r > '~' }):
		return invalid("Subject")
	}
	return nil
}

func invalid(what string) error {
	return wire.Errorf("InvalidParameter", "Invalid parameter: %s", what)
}

// exists refuses what is not the ARN of a topic here.
func (s *Service) exists(topicARN string) error {
	if parts := strings.Split(topicARN, ":"); len(parts) < 6 {
		return invalid(fmt.Sprintf("TopicArn Reason: An ARN must have at least 6 elements, not %d", len(parts)))
	}
	if s.topic(topicARN) == nil {
		return &wire.Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Topic does not exist"}
	}
	return nil
}

// known refuses members of a request that would otherwise be silently left out.
func known(call *wire.Call, names ...string) error {
	for key := range call.Form {
		member, _, _ := strings.Cut(key, ".")
		if member == "Action" || member == "Version" {
			continue
		}
		found := false
		for _, name := range names {
			found = found || name == member
		}
		if !found {
			return &wire.Error{
				Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented,
				Message: "the simulation does not know the member " + member + " of sns." + call.Operation,
			}
		}
	}
	return nil
}

// answer writes a result as the query protocol does: <XResponse><XResult>…</XResult></XResponse>.
func answer(call *wire.Call, result any) ([]byte, error) {
	response := xml.Name{Space: "http://sns.amazonaws.com/doc/2010-03-31/", Local: call.Operation + "Response"}
	return xml.Marshal(struct {
		XMLName xml.Name
		Result  any
	}{response, named{call.Operation + "Result", result}})
}

// named writes a value under a name chosen at run time.
type named struct {
	name  string
	value any
}

// MarshalXML writes the value.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, xml.StartElement{Name: xml.Name{Local: n.name}})
}
