package events

import (
	"errors"
	"slices"
	"strconv"
	"time"
)

// latency is from an event's acceptance to its delivery. AWS gives no bound; this was the median seen by others.
const latency = 148 * time.Millisecond

// The first wait before a retry, and the longest one.
//
// AWS: 24 hours and 185 retries with exponential backoff. It does not say which; this one spends the 185 in about a day.
const (
	firstBackoff   = time.Second
	longestBackoff = 8 * time.Minute
)

// Delivery is one event on its way to one target.
type Delivery struct {
	Rule     string // ARN
	RuleName string
	Target   Target
	Event    Event
	Payload  []byte // what the target receives
	Attempt  int    // 0 for the first try

	accepted time.Time
}

// refusal is a delivery that will never succeed.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.message }

// Refused returns an error for a delivery that no retry can make succeed. Code is EventBridge's, such as NO_PERMISSIONS or
// RESOURCE_NOT_FOUND.
//
// AWS: missing permissions and missing targets go to the dead-letter queue without a retry.
func Refused(code, message string) error { return &refusal{code, message} }

// Failure is an event that a target did not get.
type Failure struct {
	Delivery      Delivery
	Code, Message string
	DeadLettered  bool // a queue has it
}

// Failures returns every event that a target did not get.
func (s *Service) Failures() []Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.failures)
}

// dispatch sends an event to the targets of a rule. The service is locked.
func (s *Service) dispatch(r *rule, e Event) {
	now := s.clock.Now()
	for _, t := range r.Targets {
		d := Delivery{Rule: r.arn, RuleName: r.Name, Target: t, Event: e, Payload: e.JSON(), accepted: now}
		delays := []time.Duration{0}
		if s.disturb != nil {
			delays = s.disturb(d)
		}
		for _, delay := range delays {
			s.clock.After(latency+delay, "event "+r.Name, func() { s.attempt(d) })
		}
	}
}

// attempt delivers once, and schedules the retry.
func (s *Service) attempt(d Delivery) {
	s.mu.Lock()
	deliver := s.deliver
	s.mu.Unlock()
	if deliver == nil {
		return
	}
	err := deliver(d)
	if err == nil {
		return
	}
	var final *refusal
	if errors.As(err, &final) {
		s.giveUp(d, final.code, final.message, "")
		return
	}
	attempts, age := d.Target.Retry.limits()
	if d.Attempt >= attempts {
		s.giveUp(d, "ERROR_FROM_TARGET", err.Error(), "MaximumRetryAttempts")
		return
	}
	wait := backoff(d.Attempt)
	if left := d.accepted.Add(age).Sub(s.clock.Now()); wait > left {
		s.clock.After(left, "event "+d.RuleName+" grew too old", func() {
			s.giveUp(d, "ERROR_FROM_TARGET", err.Error(), "MaximumEventAgeInSeconds")
		})
		return
	}
	d.Attempt++
	s.clock.After(wait, "event "+d.RuleName+" again", func() { s.attempt(d) })
}

func backoff(attempt int) time.Duration {
	if attempt > 16 {
		return longestBackoff
	}
	return min(firstBackoff<<attempt, longestBackoff)
}

// limits are how many retries and how much time a policy allows.
func (p *RetryPolicy) limits() (attempts int, age time.Duration) {
	attempts, age = 185, 24*time.Hour
	if p != nil && p.MaximumRetryAttempts != nil {
		attempts = *p.MaximumRetryAttempts
	}
	if p != nil && p.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
	}
	return attempts, age
}

// giveUp hands an event to the target's dead-letter queue, or drops it. Exhausted names the limit that was reached, if one was.
func (s *Service) giveUp(d Delivery, code, message, exhausted string) {
	failure := Failure{Delivery: d, Code: code, Message: message}
	s.mu.Lock()
	deadLetter := s.deadLetter
	s.mu.Unlock()
	if d.Target.DeadLetterARN != "" && deadLetter != nil {
		attributes := map[string]string{
			"RULE_ARN": d.Rule, "TARGET_ARN": d.Target.ARN, "ERROR_CODE": code, "ERROR_MESSAGE": message,
			"RETRY_ATTEMPTS": strconv.Itoa(d.Attempt),
		}
		if exhausted != "" {
			attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
		}
		failure.DeadLettered = deadLetter(d, d.Event.JSON(), attributes) == nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure)
}
