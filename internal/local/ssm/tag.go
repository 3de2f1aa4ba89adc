package ssm

import (
	"maps"
	"slices"
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

// tagList is sorted by key.
func tagList(tags map[string]string) []tag {
	var list []tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag{key, tags[key]})
	}
	return list
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

type resource struct{ ResourceType, ResourceID string }

type addTagsInput struct {
	resource
	Tags []tag
}

func (s *Service) addTags(_ *wire.Call, in addTagsInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.tagged(in.resource)
	if err != nil {
		return empty{}, err
	}
	if err := checkTags(p.tags, in.Tags); err != nil {
		return empty{}, err
	}
	maps.Copy(p.tags, tagMap(in.Tags))
	return empty{}, nil
}

type removeTagsInput struct {
	resource
	TagKeys []string
}

func (s *Service) removeTags(_ *wire.Call, in removeTagsInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.tagged(in.resource)
	if err != nil {
		return empty{}, err
	}
	for _, key := range in.TagKeys {
		delete(p.tags, key)
	}
	return empty{}, nil
}

type listTagsInput struct{ resource }

type listTagsOutput struct{ TagList []tag }

func (s *Service) listTags(_ *wire.Call, in listTagsInput) (listTagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.tagged(in.resource)
	if err != nil {
		return listTagsOutput{}, err
	}
	return listTagsOutput{append([]tag{}, tagList(p.tags)...)}, nil
}

// tagged finds the parameter that a tagging operation names.
func (s *Service) tagged(r resource) (*parameter, error) {
	if r.ResourceType != "Parameter" {
		return nil, wire.Errorf("InvalidResourceType", "The resource type %s is not known here.", r.ResourceType)
	}
	if p := s.parameters[r.ResourceID]; p != nil {
		return p, nil
	}
	return nil, wire.Errorf("InvalidResourceId",
		"The resource ID is not valid. Verify that you entered the correct ID and try again.")
}
