package ssm

import (
	"slices"
	"strings"

	"postern/internal/local/wire"
)

type describeParametersInput struct {
	MaxResults       *int
	NextToken        string
	ParameterFilters []filter
}

type filter struct {
	Key, Option string
	Values      []string
}

type metadata struct {
	ARN, Name, Type, Tier, DataType, LastModifiedUser string
	Description, AllowedPattern                       string `json:",omitempty"`
	KeyID                                             string `json:"KeyId,omitempty"`
	Version                                           int64
	LastModifiedDate                                  float64
}

type describeParametersOutput struct {
	Parameters []metadata
	NextToken  string `json:",omitempty"`
}

func (s *Service) describeParameters(_ *wire.Call, in describeParametersInput) (describeParametersOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range in.ParameterFilters {
		if err := f.check(); err != nil {
			return describeParametersOutput{}, err
		}
	}
	var found []metadata
	for _, name := range s.names() {
		p := s.parameters[name]
		if slices.ContainsFunc(in.ParameterFilters, func(f filter) bool { return !f.match(p) }) {
			continue
		}
		v := p.latest()
		found = append(found, metadata{
			ARN: s.arn(name), Name: name, Type: v.Type, Tier: v.Tier, DataType: v.DataType, LastModifiedUser: v.ModifiedBy,
			Description: v.Description, AllowedPattern: v.AllowedPattern, KeyID: v.KeyID, Version: v.Number,
			LastModifiedDate: v.modified(),
		})
	}
	page, next, err := pageOf(found, in.MaxResults, 50, in.NextToken)
	return describeParametersOutput{Parameters: page, NextToken: next}, err
}

// options are the options of each filter that is known here, the default first.
func (f filter) options() []string {
	switch {
	case f.Key == "Name":
		return []string{"Equals", "BeginsWith", "Contains"}
	case f.Key == "Path":
		return []string{"OneLevel", "Recursive"}
	case f.Key == "Type", f.Key == "Tier", strings.HasPrefix(f.Key, "tag:"):
		return []string{"Equals", "BeginsWith"}
	}
	return nil
}

func (f filter) check() error {
	options := f.options()
	switch {
	case options == nil:
		return wire.Errorf("InvalidFilterKey", "The filter key %s is not known here.", f.Key)
	case f.Option != "" && !slices.Contains(options, f.Option):
		return wire.Errorf("InvalidFilterOption", "The filter option %s is not valid for %s.", f.Option, f.Key)
	case len(f.Values) == 0 && !strings.HasPrefix(f.Key, "tag:"):
		return wire.Errorf("InvalidFilterValue", "The filter %s has no value.", f.Key)
	}
	return nil
}

func (f filter) match(p *parameter) bool {
	option := f.Option
	if option == "" {
		option = f.options()[0]
	}
	candidate, has := f.field(p)
	if len(f.Values) == 0 {
		return has
	}
	return has && slices.ContainsFunc(f.Values, func(value string) bool {
		switch option {
		case "BeginsWith":
			return strings.HasPrefix(candidate, value)
		case "Contains":
			return strings.Contains(candidate, value)
		case "OneLevel", "Recursive":
			return below(candidate, value, option == "Recursive")
		default:
			return candidate == value
		}
	})
}

func (f filter) field(p *parameter) (string, bool) {
	switch f.Key {
	case "Name", "Path":
		return p.name, true
	case "Type":
		return p.latest().Type, true
	case "Tier":
		return p.latest().Tier, true
	default:
		value, has := p.tags[strings.TrimPrefix(f.Key, "tag:")]
		return value, has
	}
}
