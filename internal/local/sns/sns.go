// Package sns simulates SNS: standard topics whose messages reach functions and mailboxes in virtual time.
package sns

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// latency is from a message's acceptance to its delivery. AWS gives no bound; this was the median seen by others.
const latency = 73 * time.Millisecond

// Topic is a standard topic.
type Topic struct {
	ARN         string
	DisplayName string
	// KeyARN is the customer's key that encrypts the topic: publishers need permissions on it. "" is no key, or AWS's own.
	KeyARN string
}

// Subscription is a confirmed subscription to a topic.
type Subscription struct {
	ARN           string // made when it is ""
	TopicARN      string
	Protocol      string // lambda or email
	Endpoint      string // ARN of a function, or an address
	DeadLetterARN string // a queue, or ""
}

// Mail is a mail that a subscriber got.
type Mail struct {
	TopicARN, From, To, Subject, Body string
	At                                time.Time
}

// Service is the SNS of one account and Region. It is a wire.Service, and safe for concurrent use. Deliveries run on the clock,
// never during a call.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu            sync.Mutex
	topics        []Topic
	subscriptions []Subscription
	ids           int
	deliver       func(Subscription, Notification) error
	deadLetter    func(s Subscription, body []byte, attributes map[string]string) error
	disturb       func(Subscription, Notification) []time.Duration
	mails         []Mail
	onMail        []func(Mail)
	failures      []Failure
}

// Failure is a message that a subscription did not get.
type Failure struct {
	Subscription Subscription
	Notification Notification
	Message      string
	DeadLettered bool // a queue has it
}

// New returns an SNS without topics.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region}
}

// Name is the signing name.
func (s *Service) Name() string { return "sns" }

// Protocol is the query protocol.
func (s *Service) Protocol() wire.Protocol { return wire.Query }

// OnDeliver sets what functions get their messages by; see Notification.LambdaEvent. An error is final: Lambda takes every
// invocation that it allows, and for one that it does not, SNS makes no retries.
func (s *Service) OnDeliver(f func(Subscription, Notification) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliver = f
}

// OnDeadLetter sets what puts an undeliverable message on the queue of a subscription's DeadLetterARN.
func (s *Service) OnDeadLetter(f func(sub Subscription, body []byte, attributes map[string]string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadLetter = f
}

// Disturb sets what becomes of deliveries: one copy arrives for each duration it returns, that much later than usual. No duration
// is a lost delivery, two are a repeated one, and a long one lets others overtake it. Nil delivers each once. F must not call the
// Service.
//
// AWS: a standard topic delivers at least once, in best-effort order.
func (s *Service) Disturb(f func(Subscription, Notification) []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = f
}

// AddTopic makes a topic.
func (s *Service) AddTopic(t Topic) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := t.name()
	switch {
	case t.ARN != "arn:aws:sns:"+s.region+":"+s.account+":"+name:
		return fmt.Errorf("topic %q: its ARN is not one of this account and Region", t.ARN)
	case strings.HasSuffix(name, ".fifo"):
		return fmt.Errorf("topic %s: FIFO topics are not simulated", name)
	case t.KeyARN != "" && !strings.HasPrefix(t.KeyARN, "arn:"):
		return fmt.Errorf("topic %s: the key %q is not an ARN", name, t.KeyARN)
	case s.topic(t.ARN) != nil:
		return fmt.Errorf("topic %s exists already", name)
	}
	s.topics = append(s.topics, t)
	return nil
}

// Subscribe adds a subscription that is confirmed already.
func (s *Service) Subscribe(sub Subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	isFunction := sub.Protocol == "lambda" && strings.HasPrefix(sub.Endpoint, "arn:aws:lambda:")
	isMail := sub.Protocol == "email" && strings.Contains(sub.Endpoint, "@")
	switch {
	case s.topic(sub.TopicARN) == nil:
		return fmt.Errorf("subscribing %s: topic %s does not exist", sub.Endpoint, sub.TopicARN)
	case !isFunction && !isMail:
		return fmt.Errorf("subscribing %q: protocol %q to such an endpoint is not simulated", sub.Endpoint, sub.Protocol)
	}
	if sub.ARN == "" {
		sub.ARN = sub.TopicARN + ":" + wire.UUID(fmt.Sprintf("subscription/%s/%s", sub.TopicARN, sub.Endpoint))
	}
	s.subscriptions = append(s.subscriptions, sub)
	return nil
}

// Publish sends a message on behalf of an AWS service and returns its id.
func (s *Service) Publish(topicARN, subject, message string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topic(topicARN) == nil {
		return "", fmt.Errorf("publishing to %s: the topic does not exist", topicARN)
	}
	return s.publish(Notification{TopicARN: topicARN, Subject: subject, Message: message}), nil
}

// OnMail calls f for every mail, on the clock.
func (s *Service) OnMail(f func(Mail)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onMail = append(s.onMail, f)
}

// Mails returns every mail so far, in order.
func (s *Service) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Failures returns every message that a subscription did not get.
func (s *Service) Failures() []Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.failures)
}

func (s *Service) topic(arn string) *Topic {
	for i := range s.topics {
		if s.topics[i].ARN == arn {
			return &s.topics[i]
		}
	}
	return nil
}

func (t Topic) name() string { return t.ARN[strings.LastIndex(t.ARN, ":")+1:] }

// publish sends a message to the topic's subscribers. The service is locked.
func (s *Service) publish(n Notification) string {
	s.ids++
	n.ID, n.Time, n.region = wire.UUID(fmt.Sprintf("sns/%d", s.ids)), s.clock.Now(), s.region
	for _, sub := range s.subscriptions {
		if sub.TopicARN != n.TopicARN {
			continue
		}
		delays := []time.Duration{0}
		if s.disturb != nil {
			delays = s.disturb(sub, n)
		}
		for _, delay := range delays {
			s.clock.After(latency+delay, "message to "+sub.Endpoint, func() { s.arrive(sub, n) })
		}
	}
	return n.ID
}

// arrive delivers a message to one subscription.
func (s *Service) arrive(sub Subscription, n Notification) {
	s.mu.Lock()
	deliver, deadLetter, onMail := s.deliver, s.deadLetter, s.onMail
	if sub.Protocol == "email" {
		mail := s.mail(sub, n)
		s.mails = append(s.mails, mail)
		s.mu.Unlock()
		for _, f := range onMail {
			f(mail)
		}
		return
	}
	s.mu.Unlock()
	if deliver == nil {
		return
	}
	err := deliver(sub, n)
	if err == nil {
		return
	}
	failure := Failure{Subscription: sub, Notification: n, Message: err.Error()}
	if sub.DeadLetterARN != "" && deadLetter != nil {
		attributes := map[string]string{"ERROR_CODE": "403", "ERROR_MESSAGE": err.Error()}
		failure.DeadLettered = deadLetter(sub, n.JSON(sub), attributes) == nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure)
}

// mail is a message as a mailbox shows it.
func (s *Service) mail(sub Subscription, n Notification) Mail {
	m := Mail{
		TopicARN: n.TopicARN, From: "no-reply@sns.amazonaws.com", To: sub.Endpoint, Subject: n.Subject, Body: n.Message,
		At: s.clock.Now(),
	}
	if m.Subject == "" {
		m.Subject = "AWS Notification Message"
	}
	if t := s.topic(n.TopicARN); t != nil && t.DisplayName != "" {
		m.From = t.DisplayName + " <" + m.From + ">"
	}
	return m
}
