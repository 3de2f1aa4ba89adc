// Package events simulates EventBridge: buses, rules with patterns and rates, and delivery to targets with retries and
// dead-letter queues, in virtual time. A pattern operator or a schedule that is not simulated is an error when the rule is added.
package events

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// DefaultBus is the bus that AWS's own events and schedules are on.
const DefaultBus = "default"

// Service is the EventBridge of one account and Region. It is a wire.Service, and safe for concurrent use. What delivers runs on
// the clock, never during a call.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu         sync.Mutex
	buses      map[string]bool
	rules      []*rule
	ids        int
	deliver    func(Delivery) error
	deadLetter func(Delivery, []byte, map[string]string) error
	disturb    func(Delivery) []time.Duration
	refuse     func(e Event) (code, message string)
	log        []Emitted
	failures   []Failure
}

// New returns an EventBridge with the default bus.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, buses: map[string]bool{DefaultBus: true}}
}

// OnDeliver sets what a target gets its events by. An error is a failed delivery: one made by Refused is final, any other is
// tried again as the target's retry policy says. Without it every delivery succeeds.
func (s *Service) OnDeliver(f func(Delivery) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliver = f
}

// OnDeadLetter sets what puts an undeliverable event on the queue d.Target.DeadLetterARN: the message's body is the event, and
// its attributes say why. An error means that the queue did not take it.
func (s *Service) OnDeadLetter(f func(d Delivery, body []byte, attributes map[string]string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadLetter = f
}

// Disturb sets what becomes of deliveries: one copy arrives for each duration it returns, that much later than usual. No duration
// is a lost delivery, two are a repeated one, and a long one lets others overtake it. Nil delivers each once.
// F must not call the Service, and neither must that of Refuse.
//
// AWS: delivery is at least once, in no order; events of AWS's services may be lost.
func (s *Service) Disturb(f func(Delivery) []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = f
}

// Refuse sets which entries of PutEvents are refused, and with what; an empty code accepts. Nil refuses none.
func (s *Service) Refuse(f func(e Event) (code, message string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// AddBus makes a bus.
func (s *Service) AddBus(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buses[name] {
		return fmt.Errorf("event bus %s exists already", name)
	}
	s.buses[name] = true
	return nil
}

// Emit puts an event of an AWS service on the default bus.
func (s *Service) Emit(e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.completed(e)
	if err != nil {
		return err
	}
	s.accept(DefaultBus, e)
	return nil
}

// Emitted is an event that was on a bus.
type Emitted struct {
	At    time.Time // when the bus took it
	Event Event
}

// Events returns every event so far, in order. Those of schedules are not on a bus and not among them.
func (s *Service) Events() []Emitted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// accept takes an event on a bus. The service is locked.
func (s *Service) accept(bus string, e Event) {
	s.log = append(s.log, Emitted{At: s.clock.Now(), Event: e})
	decoded := decodeEvent(e.JSON())
	for _, r := range s.rules {
		if r.bus == bus && r.enabled && r.pattern != nil && r.pattern.match(decoded, true) {
			s.dispatch(r, e)
		}
	}
}

// busName is the name of a bus given by name or ARN; "" is the default bus.
func busName(nameOrARN string) string {
	return cmp.Or(nameOrARN[strings.LastIndex(nameOrARN, "/")+1:], DefaultBus)
}

func (s *Service) busARN(name string) string {
	return fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", s.region, s.account, name)
}

// Name is the signing name.
func (s *Service) Name() string { return "events" }

// Protocol is awsJson 1.1.
func (s *Service) Protocol() wire.Protocol { return wire.JSON11 }
