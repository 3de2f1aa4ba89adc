package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"postern/internal/local/wire"
)

// Operations are the operations known here.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"GetQueueUrl":        {Permissions: s.onQueue, Do: wire.JSON(s.getQueueURL)},
		"GetQueueAttributes": {Permissions: s.onQueue, Do: wire.JSON(s.getQueueAttributes)},
		"SendMessage":        {Write: true, Permissions: s.onQueue, Do: wire.JSON(s.sendMessage)},
		"ReceiveMessage":     {Write: true, Permissions: s.onQueue, Do: wire.JSON(s.receiveMessage)},
		"DeleteMessage":      {Write: true, Permissions: s.onQueue, Do: wire.JSON(s.deleteMessage)},
		"PurgeQueue":         {Write: true, Permissions: s.onQueue, Do: wire.JSON(s.purgeQueue)},
	}
}

func (s *Service) onQueue(call *wire.Call) []wire.Permission {
	var in struct{ QueueURL, QueueName string }
	_ = json.Unmarshal(call.Body, &in) // what cannot be read is refused by Do
	return []wire.Permission{{Action: "sqs:" + call.Operation, Resource: s.arn(nameOf(in.QueueURL) + in.QueueName)}}
}

// named returns a queue by name or URL. The service is locked.
func (s *Service) named(nameOrURL string) (*queue, error) {
	if q := s.queues[nameOf(nameOrURL)]; q != nil {
		return q, nil
	}
	return nil, wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
}

type empty struct{}

type getQueueURLInput struct{ QueueName string }

type getQueueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) getQueueURL(_ *wire.Call, in getQueueURLInput) (getQueueURLOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.named(in.QueueName)
	if err != nil {
		return getQueueURLOutput{}, err
	}
	return getQueueURLOutput{s.url(q.name)}, nil
}

type getQueueAttributesInput struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) getQueueAttributes(_ *wire.Call, in getQueueAttributesInput) (getQueueAttributesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.named(in.QueueURL)
	if err != nil {
		return getQueueAttributesOutput{}, err
	}
	inFlight := 0
	for _, m := range s.kept(q) {
		if m.visible.After(s.clock.Now()) {
			inFlight++
		}
	}
	all := map[string]string{
		"QueueArn":                              q.ARN,
		"ApproximateNumberOfMessages":           strconv.Itoa(len(q.messages) - inFlight),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"VisibilityTimeout":                     seconds(q.VisibilityTimeout),
		"MessageRetentionPeriod":                seconds(q.Retention),
		"DelaySeconds":                          seconds(q.Delay),
	}
	out := getQueueAttributesOutput{Attributes: map[string]string{}}
	for _, name := range in.AttributeNames {
		if name == "All" {
			return getQueueAttributesOutput{all}, nil
		}
		value, known := all[name]
		if !known {
			return getQueueAttributesOutput{}, wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		out.Attributes[name] = value
	}
	return out, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

type attribute struct{ DataType, StringValue string }

type sendMessageInput struct {
	QueueURL          string `json:"QueueUrl"`
	MessageBody       string
	DelaySeconds      *int
	MessageAttributes map[string]attribute
}

type sendMessageOutput struct {
	MD5OfMessageBody string
	MessageID        string `json:"MessageId"`
}

func (s *Service) sendMessage(_ *wire.Call, in sendMessageInput) (sendMessageOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.named(in.QueueURL)
	if err != nil {
		return sendMessageOutput{}, err
	}
	if in.MessageBody == "" {
		return sendMessageOutput{}, wire.Errorf("MissingParameter", "The request must contain the parameter MessageBody.")
	}
	attributes := map[string]string{}
	for name, a := range in.MessageAttributes {
		if a.DataType != "String" {
			return sendMessageOutput{}, wire.Errorf("InvalidParameterValue", "Only String attributes are known here, not %s", a.DataType)
		}
		attributes[name] = a.StringValue
	}
	delay := q.Delay
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	m := s.put(q, in.MessageBody, attributes, delay)
	return sendMessageOutput{digest(m.Body), m.ID}, nil
}

func digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

type receiveMessageInput struct {
	QueueURL                                                           string `json:"QueueUrl"`
	MaxNumberOfMessages, VisibilityTimeout, WaitTimeSeconds            *int   // waiting would stop virtual time: it is not done
	AttributeNames, MessageSystemAttributeNames, MessageAttributeNames []string
}

type receiveMessageOutput struct {
	Messages []received `json:",omitempty"`
}

type received struct {
	MessageID         string `json:"MessageId"`
	ReceiptHandle     string
	Body              string
	MD5OfBody         string
	Attributes        map[string]string    `json:",omitempty"`
	MessageAttributes map[string]attribute `json:",omitempty"`
}

func (s *Service) receiveMessage(_ *wire.Call, in receiveMessageInput) (receiveMessageOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out receiveMessageOutput
	q, err := s.named(in.QueueURL)
	if err != nil {
		return out, err
	}
	most, timeout, now := 1, q.VisibilityTimeout, s.clock.Now()
	if in.MaxNumberOfMessages != nil {
		most = *in.MaxNumberOfMessages
	}
	if most < 1 || most > 10 {
		return out, wire.Errorf("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. "+
			"Reason: Must be between 1 and 10, if provided.", most)
	}
	if in.VisibilityTimeout != nil {
		timeout = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	for _, m := range s.kept(q) {
		if len(out.Messages) == most || m.visible.After(now) {
			continue
		}
		m.Received++
		m.visible = now.Add(timeout)
		m.receipt = fmt.Sprintf("%s#%d", m.ID, m.Received)
		out.Messages = append(out.Messages, in.received(m))
	}
	return out, nil
}

// received is a message with the attributes that were asked for.
func (in receiveMessageInput) received(m *message) received {
	r := received{MessageID: m.ID, ReceiptHandle: m.receipt, Body: m.Body, MD5OfBody: digest(m.Body)}
	system := map[string]string{
		"ApproximateReceiveCount": strconv.Itoa(m.Received), "SentTimestamp": strconv.FormatInt(m.Sent.UnixMilli(), 10),
	}
	for name, value := range system {
		if asked(slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames), name) {
			if r.Attributes == nil {
				r.Attributes = map[string]string{}
			}
			r.Attributes[name] = value
		}
	}
	for name, value := range m.Attributes {
		if asked(in.MessageAttributeNames, name) {
			if r.MessageAttributes == nil {
				r.MessageAttributes = map[string]attribute{}
			}
			r.MessageAttributes[name] = attribute{"String", value}
		}
	}
	return r
}

func asked(names []string, name string) bool {
	return slices.Contains(names, "All") || slices.Contains(names, ".*") || slices.Contains(names, name)
}

type deleteMessageInput struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

// deleteMessage succeeds for a message that is gone, as on AWS.
func (s *Service) deleteMessage(_ *wire.Call, in deleteMessageInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.named(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt != "" && m.receipt == in.ReceiptHandle })
	return empty{}, nil
}

type purgeQueueInput struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) purgeQueue(_ *wire.Call, in purgeQueueInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.named(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	q.messages = nil
	return empty{}, nil
}
