package route53

import (
	"maps"
	"slices"

	"postern/internal/local/wire"
)

type tagXML struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

func checkTagged(call *wire.Call) error {
	if kind := call.Path["Type"]; kind != "hostedzone" {
		return invalid("The resource type %s is not known here", kind)
	}
	return nil
}

func (s *Service) changeTags(call *wire.Call) ([]byte, error) {
	var request struct {
		Add    []tagXML  `xml:"AddTags>Tag"`
		Remove []string  `xml:"RemoveTagKeys>Key"`
		Rest   []element `xml:",any"`
	}
	if err := read(call, &request, func() []element { return request.Rest }); err != nil {
		return nil, err
	}
	if err := checkTagged(call); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	maps.Copy(tags, zone.Tags)
	for _, tag := range request.Add {
		tags[tag.Key] = tag.Value
	}
	for _, key := range request.Remove {
		delete(tags, key)
	}
	if len(tags) > 50 {
		return nil, invalid("Number of tags exceeds 50")
	}
	zone.Tags = tags
	return reply(call, struct{}{})
}

func (s *Service) listTags(call *wire.Call) ([]byte, error) {
	if err := checkTagged(call); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Type string   `xml:"ResourceTagSet>ResourceType"`
		ID   string   `xml:"ResourceTagSet>ResourceId"`
		Tags []tagXML `xml:"ResourceTagSet>Tags>Tag"`
	}
	answer.Type, answer.ID = "hostedzone", zone.ID
	for _, key := range slices.Sorted(maps.Keys(zone.Tags)) {
		answer.Tags = append(answer.Tags, tagXML{key, zone.Tags[key]})
	}
	return reply(call, answer)
}
