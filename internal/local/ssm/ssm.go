// Package ssm is the embedded cloud's Parameter Store, with AWS's rules for names, values, tiers, versions and labels.
package ssm

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

// Parameter is a parameter as a template makes it.
type Parameter struct {
	Name, Type, Value                           string
	Description, AllowedPattern, Tier, DataType string
	Tags                                        map[string]string
}

// Change is what the event "Parameter Store Change" says.
type Change struct {
	ARN, Name, Type, Description string
	Operation                    string // Create, Update, Delete or LabelParameterVersion
}

// Version is one version of a parameter.
type Version struct {
	Number         int64
	Type           string
	Value          string
	Description    string
	AllowedPattern string
	Tier           string
	DataType       string
	KeyID          string
	Modified       time.Time
	ModifiedBy     string // ARN
	Labels         []string
}

// parameter is a parameter with its versions, the oldest first.
type parameter struct {
	name     string
	versions []*Version
	tags     map[string]string
}

func (p *parameter) latest() *Version { return p.versions[len(p.versions)-1] }

// Service is the Parameter Store of one account and Region. It is a wire.Service, and safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu         sync.Mutex
	parameters map[string]*parameter
	onChange   func(Change)
}

// New returns an empty Parameter Store.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, parameters: map[string]*parameter{}}
}

// Name is the signing name.
func (s *Service) Name() string { return "ssm" }

// Protocol is awsJson 1.1.
func (s *Service) Protocol() wire.Protocol { return wire.JSON11 }

// OnChange sets who hears of changes. It is called on the clock, never during a call.
//
// AWS: these events are best effort, so nothing may depend on them.
func (s *Service) OnChange(f func(Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = f
}

// Create makes a parameter as CloudFormation does. It is an error when there is one already.
func (s *Service) Create(p Parameter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := putParameterInput{
		Name: p.Name, Type: p.Type, Value: p.Value, Description: &p.Description, Tier: p.Tier, DataType: p.DataType,
		Tags: tagList(p.Tags),
	}
	if p.AllowedPattern != "" {
		in.AllowedPattern = &p.AllowedPattern
	}
	// AWS: CloudFormation cannot make SecureString parameters.
	if p.Type == "SecureString" {
		return fmt.Errorf("parameter %s: CloudFormation makes no SecureString", p.Name)
	}
	if _, err := s.put(in, "arn:aws:iam::"+s.account+":role/cloudformation"); err != nil {
		return fmt.Errorf("parameter %s: %w", p.Name, err)
	}
	return nil
}

// PutByHand writes a parameter as a person with a console would.
func (s *Service) PutByHand(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.put(putParameterInput{Name: name, Value: value, Type: "String", Overwrite: true}, "arn:aws:iam::"+s.account+":user/somebody")
	if err != nil {
		return fmt.Errorf("parameter %s: %w", name, err)
	}
	return nil
}

// DeleteByHand deletes a parameter as a person with a console would.
func (s *Service) DeleteByHand(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.delete(name) {
		return fmt.Errorf("deleting parameter %s by hand: it does not exist", name)
	}
	return nil
}

// Get returns the latest version of a parameter, or false when there is none.
func (s *Service) Get(name string) (Version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[name]
	if p == nil {
		return Version{}, false
	}
	return *p.latest(), true
}

// Names returns the names of all parameters, sorted.
func (s *Service) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names()
}

func (s *Service) names() []string { return slices.Sorted(maps.Keys(s.parameters)) }

// changed reports a change. The service is locked.
func (s *Service) changed(p *parameter, operation string) {
	f := s.onChange
	if f == nil {
		return
	}
	latest := p.latest()
	change := Change{
		ARN: s.arn(p.name), Name: p.name, Type: latest.Type, Description: latest.Description, Operation: operation,
	}
	s.clock.After(0, "ssm "+operation+" "+p.name, func() { f(change) })
}

// arn is the ARN of a name; the slash of a path is not doubled.
func (s *Service) arn(name string) string {
	return "arn:aws:ssm:" + s.region + ":" + s.account + ":parameter/" + strings.TrimPrefix(name, "/")
}

// named finds a parameter by name or ARN. The service is locked.
func (s *Service) named(nameOrARN string) *parameter {
	path, isARN := strings.CutPrefix(nameOrARN, "arn:aws:ssm:"+s.region+":"+s.account+":parameter/")
	if !isARN {
		return s.parameters[nameOrARN]
	}
	if p := s.parameters["/"+path]; p != nil {
		return p
	}
	return s.parameters[path]
}

// selected finds the version that a name, name:version or name:label asks for. A missing parameter is a nil version without an
// error; a missing version is an error.
func (s *Service) selected(reference string) (p *parameter, v *Version, selector string, err error) {
	if p = s.named(reference); p != nil {
		return p, p.latest(), "", nil
	}
	at := strings.LastIndex(reference, ":")
	if at < 0 {
		return nil, nil, "", nil
	}
	if p = s.named(reference[:at]); p == nil {
		return nil, nil, "", nil
	}
	selector = reference[at:]
	for _, v := range p.versions {
		if fmt.Sprint(v.Number) == selector[1:] || slices.Contains(v.Labels, selector[1:]) {
			return p, v, selector, nil
		}
	}
	return p, nil, selector, wire.Errorf("ParameterVersionNotFound",
		"Systems Manager could not find version %s of %s. Verify the version and try again.", selector[1:], p.name)
}
