// Package sqs is the embedded cloud's SQS, as far as dead-letter queues need it: standard queues with visibility timeouts and
// retention in virtual time.
package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// Queue is a standard queue. Durations that are 0 are AWS's defaults.
type Queue struct {
	ARN               string
	VisibilityTimeout time.Duration // 30 seconds
	Retention         time.Duration // 4 days
	Delay             time.Duration
}

// Message is a message that is on a queue.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string
	Sent       time.Time
	Received   int // how often
}

// Service is the SQS of one account and Region. It is a wire.Service, and safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu     sync.Mutex
	queues map[string]*queue // by name
	ids    int
}

type queue struct {
	Queue
	name     string
	messages []*message
}

type message struct {
	Message
	visible time.Time // from then on
	receipt string
}

// New returns an SQS without queues.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, queues: map[string]*queue{}}
}

// Name is the signing name.
func (s *Service) Name() string { return "sqs" }

// Protocol is awsJson 1.0.
func (s *Service) Protocol() wire.Protocol { return wire.JSON10 }

// AddQueue makes a queue.
func (s *Service) AddQueue(q Queue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(q.ARN)
	switch {
	case !strings.HasPrefix(q.ARN, "arn:") || name == "" || q.ARN != s.arn(name):
		return fmt.Errorf("queue %q: its ARN is not one of this account and Region", q.ARN)
	case strings.HasSuffix(name, ".fifo"):
		return fmt.Errorf("queue %s: FIFO queues are not known here", name)
	case s.queues[name] != nil:
		return fmt.Errorf("queue %s exists already", name)
	}
	if q.VisibilityTimeout == 0 {
		q.VisibilityTimeout = 30 * time.Second
	}
	if q.Retention == 0 {
		q.Retention = 4 * 24 * time.Hour
	}
	s.queues[name] = &queue{Queue: q, name: name}
	return nil
}

// Send puts a message on a queue on behalf of an AWS service. It is an error when the queue does not exist.
func (s *Service) Send(queueARN string, body []byte, attributes map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(queueARN)]
	if q == nil {
		return fmt.Errorf("sending to %s: the queue does not exist", queueARN)
	}
	s.put(q, string(body), attributes, q.Delay)
	return nil
}

// Messages returns what is on a queue, the oldest first; nothing when there is no such queue.
func (s *Service) Messages(queueARN string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(queueARN)]
	if q == nil {
		return nil
	}
	var all []Message
	for _, m := range s.kept(q) {
		all = append(all, m.Message)
	}
	return all
}

// put adds a message. The service is locked.
func (s *Service) put(q *queue, body string, attributes map[string]string, delay time.Duration) *message {
	s.ids++
	now := s.clock.Now()
	m := &message{
		Message: Message{ID: wire.UUID(fmt.Sprintf("sqs/%d", s.ids)), Body: body, Attributes: maps.Clone(attributes), Sent: now},
		visible: now.Add(delay),
	}
	q.messages = append(q.messages, m)
	return m
}

// kept drops what is older than the retention period, and returns the rest.
func (s *Service) kept(q *queue) []*message {
	now := s.clock.Now()
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return !now.Before(m.Sent.Add(q.Retention)) })
	return q.messages
}

// nameOf is the name in a queue's ARN or URL.
func nameOf(queue string) string { return queue[strings.LastIndexAny(queue, ":/")+1:] }

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.region + ":" + s.account + ":" + name
}

func (s *Service) url(name string) string {
	return "https://sqs." + s.region + ".amazonaws.com/" + s.account + "/" + name
}
