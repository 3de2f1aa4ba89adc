package ssm

import (
	"maps"
	"strings"

	"postern/internal/local/wire"
)

type tag struct{ Key, Value string }

func tagMap(tags []tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// checkTags applies the limits of tags to those that a parameter has and those that are added.
func checkTags(have map[string]string, add []tag) error {
	all := maps.Clone(have)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tagMap(add))
	// AWS: 50 tags a parameter.
	if len(all) > 50 {
		return wire.Errorf("TooManyTagsError", "A parameter can have at most 50 tags.")
	}
	for _, t := range add {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalid("The tag key " + t.Key + " or its value is not valid.")
		}
	}
	return nil
}

type addTagsInput struct {
	ResourceType, ResourceID string
	Tags                     []tag
}

func (s *Service) addTags(_ *wire.Call, in addTagsInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.tagged(in)
	if err != nil {
		return empty{}, err
	}
	if err := checkTags(p.tags, in.Tags); err != nil {
		return empty{}, err
	}
	maps.Copy(p.tags, tagMap(in.Tags))
	return empty{}, nil
}

// tagged finds the parameter that a tagging operation names.
func (s *Service) tagged(r addTagsInput) (*parameter, error) {
	if r.ResourceType != "Parameter" {
		return nil, wire.Errorf("InvalidResourceType", "The resource type %s is not simulated.", r.ResourceType)
	}
	if p := s.parameters[r.ResourceID]; p != nil {
		return p, nil
	}
	return nil, wire.Errorf("InvalidResourceId",
		"The resource ID is not valid. Verify that you entered the correct ID and try again.")
}
