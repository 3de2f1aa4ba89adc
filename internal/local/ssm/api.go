package ssm

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/internal/local/wire"
)

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"GetParameters":      {Permissions: s.onParameters, Do: wire.JSON(s.getParameters)},
		"DescribeParameters": {Permissions: s.onAll, Do: wire.JSON(s.describeParameters)},
		"PutParameter":       {Write: true, Permissions: s.mayPut, Do: wire.JSON(s.putParameter)},
		"DeleteParameter":    {Write: true, Permissions: s.onParameters, Do: wire.JSON(s.deleteParameter)},
		"AddTagsToResource":  {Write: true, Permissions: s.mayTag, Do: wire.JSON(s.addTags)},
	}
}

// onParameters needs the call's action on every parameter that it names.
func (s *Service) onParameters(call *wire.Call) []wire.Permission {
	var in struct {
		Name, ResourceID string
		Names            []string
	}
	_ = json.Unmarshal(call.Body, &in) // what cannot be read is refused by Do
	all := in.Names
	if len(all) == 0 {
		all = []string{in.Name + in.ResourceID}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var needed []wire.Permission
	for _, name := range all {
		p, _, selector, _ := s.selected(name)
		bare := strings.TrimSuffix(name, selector)
		needed = append(needed, wire.Permission{Action: "ssm:" + call.Operation, Resource: s.resource(bare), Context: tagKeys(p)})
	}
	return needed
}

// resource is the ARN that a name or ARN stands for.
func (s *Service) resource(nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	return s.arn(nameOrARN)
}

// tagKeys are the condition keys that the tags of a parameter give.
func tagKeys(p *parameter) map[string][]string {
	keys := map[string][]string{}
	if p == nil {
		return keys
	}
	for key, value := range p.tags {
		keys["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
		keys["ssm:resourcetag/"+strings.ToLower(key)] = []string{value}
	}
	return keys
}

func (s *Service) onAll(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "ssm:" + call.Operation, Resource: "arn:aws:ssm:" + s.region + ":" + s.account + ":*"}}
}

// mayPut needs AddTagsToResource too when the parameter is made with tags.
func (s *Service) mayPut(call *wire.Call) []wire.Permission {
	var in struct {
		Name      string
		Overwrite bool
		Tags      []tag
	}
	_ = json.Unmarshal(call.Body, &in)
	s.mu.Lock()
	defer s.mu.Unlock()
	arn, keys := s.resource(in.Name), tagKeys(s.parameters[in.Name])
	keys["ssm:overwrite"] = []string{strconv.FormatBool(in.Overwrite)}
	maps.Copy(keys, requestTags(in.Tags))
	needed := []wire.Permission{{Action: "ssm:PutParameter", Resource: arn, Context: keys}}
	if len(in.Tags) > 0 {
		needed = append(needed, wire.Permission{Action: "ssm:AddTagsToResource", Resource: arn, Context: requestTags(in.Tags)})
	}
	return needed
}

func (s *Service) mayTag(call *wire.Call) []wire.Permission {
	var in struct{ Tags []tag }
	_ = json.Unmarshal(call.Body, &in)
	needed := s.onParameters(call)
	maps.Copy(needed[0].Context, requestTags(in.Tags))
	return needed
}

// requestTags are the condition keys that the tags of a request give.
func requestTags(tags []tag) map[string][]string {
	keys := map[string][]string{}
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
	}
	if len(tags) > 0 {
		keys["aws:tagkeys"] = slices.Sorted(maps.Keys(tagMap(tags)))
	}
	return keys
}
