// Package sqs simulates dead-letter queues: standard queues with a retention period, to which AWS services send messages. It has no
// API for functions.
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

// Queue is a standard queue.
type Queue struct {
	ARN       string
	Retention time.Duration // 0 is AWS's default, 4 days
}

// Message is a message on a queue.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string
	Sent       time.Time
}

// Service is the SQS of one account and Region. It is safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu     sync.Mutex
	queues map[string]*queue // by name
	ids    int
}

type queue struct {
	Queue
	messages []Message
}

// New returns an SQS without queues.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, queues: map[string]*queue{}}
}

// AddQueue makes a queue.
func (s *Service) AddQueue(q Queue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := nameOf(q.ARN)
	switch {
	case name == "" || q.ARN != "arn:aws:sqs:"+s.region+":"+s.account+":"+name:
		return fmt.Errorf("queue %q: its ARN is not one of this account and Region", q.ARN)
	case strings.HasSuffix(name, ".fifo"):
		return fmt.Errorf("queue %s: FIFO queues are not simulated", name)
	case s.queues[name] != nil:
		return fmt.Errorf("queue %s exists already", name)
	}
	if q.Retention == 0 {
		q.Retention = 4 * 24 * time.Hour
	}
	s.queues[name] = &queue{Queue: q}
	return nil
}

// Send puts a message on a queue for an AWS service. It is an error when the queue does not exist.
func (s *Service) Send(queueARN string, body []byte, attributes map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(queueARN)]
	if q == nil {
		return fmt.Errorf("sending to %s: the queue does not exist", queueARN)
	}
	s.ids++
	q.messages = append(q.messages, Message{
		ID: wire.UUID(fmt.Sprintf("sqs/%d", s.ids)), Body: string(body), Attributes: maps.Clone(attributes), Sent: s.clock.Now(),
	})
	return nil
}

// Messages returns the messages of a queue that are not older than its retention period, oldest first. A queue that does not exist
// has none.
func (s *Service) Messages(queueARN string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(queueARN)]
	if q == nil {
		return nil
	}
	now := s.clock.Now()
	q.messages = slices.DeleteFunc(q.messages, func(m Message) bool { return !now.Before(m.Sent.Add(q.Retention)) })
	return slices.Clone(q.messages)
}

// nameOf is the name in a queue's ARN.
func nameOf(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
