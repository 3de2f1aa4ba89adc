package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Rule is a rule: a pattern of events or a schedule, and what gets them.
type Rule struct {
	Name        string
	Bus         string // name or ARN; "" is the default bus
	Description string
	Pattern     json.RawMessage // nil for none
	Schedule    string          // rate(…); "" for none
	State       string          // "" is ENABLED
	Targets     []Target
}

// Target is one target of a rule. It gets the whole event.
type Target struct {
	ID            string
	ARN           string
	RoleARN       string
	Retry         *RetryPolicy
	DeadLetterARN string // a queue, or ""
}

// RetryPolicy is how long and how often delivery is tried. Nil members are AWS's defaults: 86,400 seconds and 185 retries.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
}

// rule is a rule that was added.
type rule struct {
	Rule
	arn     string
	bus     string
	enabled bool
	pattern node          // nil for a scheduled rule
	every   time.Duration // 0 without a schedule
}

// AddRule makes a rule and starts its schedule. The first run of a rate is one period from now.
func (s *Service) AddRule(definition Rule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.load(definition)
	if err != nil {
		return fmt.Errorf("rule %s: %w", definition.Name, err)
	}
	s.rules = append(s.rules, r)
	if r.every > 0 {
		s.scheduleNext(r, s.clock.Now())
	}
	return nil
}

func (s *Service) load(definition Rule) (*rule, error) {
	r := &rule{Rule: definition, bus: busName(definition.Bus)}
	r.arn = s.ruleARN(r.bus, r.Name)
	switch {
	case r.Name == "":
		return nil, fmt.Errorf("it has no name")
	case !s.buses[r.bus]:
		return nil, fmt.Errorf("event bus %s does not exist", r.bus)
	case r.Schedule != "" && r.bus != DefaultBus:
		return nil, fmt.Errorf("scheduled rules are on the default bus only")
	case s.find(r.arn) != nil:
		return nil, fmt.Errorf("it exists already")
	case len(r.Pattern) == 0 && r.Schedule == "":
		return nil, fmt.Errorf("it has neither a pattern nor a schedule")
	}
	switch r.State {
	case "", "ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
		r.enabled = true
	case "DISABLED":
	default:
		return nil, fmt.Errorf("unknown state %q", r.State)
	}
	return r, r.parse()
}

// parse reads the languages inside a rule.
func (r *rule) parse() error {
	var err error
	if len(r.Pattern) > 0 {
		if r.pattern, err = parsePattern(r.Pattern); err != nil {
			return err
		}
	}
	if r.Schedule != "" {
		if r.every, err = parseRate(r.Schedule); err != nil {
			return err
		}
	}
	// AWS: five targets a rule.
	if len(r.Targets) > 5 {
		return fmt.Errorf("%d targets, at most 5 are allowed", len(r.Targets))
	}
	seen := map[string]bool{}
	r.Targets = append([]Target(nil), r.Targets...)
	for i := range r.Targets {
		t := &r.Targets[i]
		if seen[t.ID] {
			return fmt.Errorf("target %q is there twice", t.ID)
		}
		seen[t.ID] = true
		if err := t.load(); err != nil {
			return fmt.Errorf("target %q: %w", t.ID, err)
		}
	}
	return nil
}

func (t *Target) load() error {
	if t.ID == "" || !strings.HasPrefix(t.ARN, "arn:") {
		return fmt.Errorf("it needs an id and an ARN, has %q", t.ARN)
	}
	if t.DeadLetterARN != "" && !strings.Contains(t.DeadLetterARN, ":sqs:") {
		return fmt.Errorf("the dead-letter queue %s is not an SQS queue", t.DeadLetterARN)
	}
	if p := t.Retry; p != nil {
		if n := p.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 185) {
			return fmt.Errorf("MaximumRetryAttempts is %d, must be 0 to 185", *n)
		}
		if n := p.MaximumEventAgeInSeconds; n != nil && (*n < 60 || *n > 86_400) {
			return fmt.Errorf("MaximumEventAgeInSeconds is %d, must be 60 to 86400", *n)
		}
	}
	return nil
}

// SetEnabled switches a rule on or off.
func (s *Service) SetEnabled(ruleARN string, enabled bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(ruleARN)
	if r == nil {
		return fmt.Errorf("rule %s does not exist", ruleARN)
	}
	r.enabled = enabled
	return nil
}

func (s *Service) find(arn string) *rule {
	for _, r := range s.rules {
		if r.arn == arn {
			return r
		}
	}
	return nil
}

// ruleARN leaves the default bus out, as AWS does.
func (s *Service) ruleARN(bus, name string) string {
	if bus != DefaultBus {
		name = bus + "/" + name
	}
	return fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", s.region, s.account, name)
}

// scheduleNext runs a rule one period after a time, and so on. The service is locked.
func (s *Service) scheduleNext(r *rule, after time.Time) {
	next := after.Add(r.every)
	s.clock.After(next.Sub(s.clock.Now()), "schedule "+r.Name, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.enabled {
			s.dispatch(r, s.scheduled(r, next))
		}
		s.scheduleNext(r, next)
	})
}

// scheduled is the event that a schedule makes.
func (s *Service) scheduled(r *rule, at time.Time) Event {
	return Event{
		ID: s.newID(), DetailType: "Scheduled Event", Source: "aws.events", Account: s.account, Time: at, Region: s.region,
		Resources: []string{r.arn}, Detail: json.RawMessage("{}"),
	}
}
