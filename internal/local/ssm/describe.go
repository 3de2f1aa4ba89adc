package ssm

import (
	"net/http"
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
			ARN: s.arn(name), Name: name, Type: v.Type, Tier: "Standard", DataType: "text", LastModifiedUser: v.ModifiedBy,
			Version: v.Number, LastModifiedDate: v.modified(),
		})
	}
	page, next, err := pageOf(found, in.MaxResults, 50, in.NextToken)
	return describeParametersOutput{Parameters: page, NextToken: next}, err
}

// check refuses a filter that is not simulated: only a path with all that is below it, and a tag with a value, are.
func (f filter) check() error {
	isPath, isTag := f.Key == "Path" && f.Option == "Recursive", strings.HasPrefix(f.Key, "tag:") && f.Option == ""
	switch {
	case !isPath && !isTag:
		return &wire.Error{
			Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented,
			Message: "the filter " + f.Key + " with the option " + f.Option + " is not simulated",
		}
	case len(f.Values) == 0:
		return wire.Errorf("InvalidFilterValue", "The filter %s has no value.", f.Key)
	}
	return nil
}

func (f filter) match(p *parameter) bool {
	return slices.ContainsFunc(f.Values, func(value string) bool {
		if f.Key == "Path" {
			return strings.HasPrefix(p.name, strings.TrimSuffix(value, "/")+"/")
		}
		tag, has := p.tags[strings.TrimPrefix(f.Key, "tag:")]
		return has && tag == value
	})
}
