package privatelink

import (
	"maps"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

func (w *World) tagOperations() map[string]operation {
	parameters := []string{"ResourceId", "Tag.Key", "Tag.Value"}
	return map[string]operation{
		"CreateTags": {write: true, parameters: parameters, permissions: w.permitTags, do: w.createTags},
		"DeleteTags": {write: true, parameters: parameters, permissions: w.permitTags, do: w.deleteTags},
	}
}

// taggable is a thing that can have tags: its kind as ARNs spell it, where its tags are, and the code for one that is not there.
type taggable struct {
	prefix, kind, notFound string
	tags                   func(id string) *tagMap
}

// taggables are the kinds of things with tags, by the prefix of their ids.
func (w *World) taggables() []taggable {
	return []taggable{
		{"vpce-", "vpc-endpoint", "InvalidVpcEndpointId.NotFound", tagsIn(&w.endpoints, func(e *Endpoint) *tagMap { return &e.Tags })},
		{"vpc-", "vpc", "InvalidVpcID.NotFound", tagsIn(&w.vpcs, func(v *VPC) *tagMap { return &v.Tags })},
		{"subnet-", "subnet", "InvalidSubnetID.NotFound", tagsIn(&w.subnets, func(s *Subnet) *tagMap { return &s.Tags })},
		{"sg-", "security-group", "InvalidGroup.NotFound", tagsIn(&w.groups, func(g *SecurityGroup) *tagMap { return &g.Tags })},
	}
}

type tagMap = map[string]string

func tagsIn[T any](rows *table[T], tags func(*T) *tagMap) func(string) *tagMap {
	return func(id string) *tagMap {
		if row := rows.get(id); row != nil {
			return tags(row)
		}
		return nil
	}
}

// tagsOf finds a thing's kind and tags by its id; kind is "" for an id of no known kind.
func (w *World) tagsOf(id string) (kind string, tags *tagMap, err error) {
	for _, t := range w.taggables() {
		if !strings.HasPrefix(id, t.prefix) {
			continue
		}
		if tags := t.tags(id); tags != nil {
			return t.kind, tags, nil
		}
		return t.kind, nil, fault(t.notFound, "The ID '%s' does not exist", id)
	}
	return "", nil, fault("InvalidID", "The ID '%s' is not valid", id)
}

func (w *World) permitTags(call *wire.Call) []wire.Permission {
	var permissions []wire.Permission
	requested := conditions{"aws:tagkeys": slices.Sorted(maps.Keys(readTags(call.Form, "Tag")))}
	if call.Operation == "CreateTags" {
		requested = requestTags(readTags(call.Form, "Tag"))
	}
	for _, id := range list(call.Form, "ResourceId") {
		kind, tags, err := w.tagsOf(id)
		keys := conditions{}
		if err == nil {
			keys = resourceTags(*tags)
		}
		permissions = append(permissions, on(call, arn(call, kind, id), requested, keys))
	}
	return permissions
}

// tagged finds the tags of every thing that a call names; one that is not there fails the call.
func (w *World) tagged(call *wire.Call) ([]*tagMap, error) {
	var all []*tagMap
	for _, id := range list(call.Form, "ResourceId") {
		_, tags, err := w.tagsOf(id)
		if err != nil {
			return nil, err
		}
		all = append(all, tags)
	}
	return all, nil
}

func (w *World) createTags(call *wire.Call) (any, error) {
	all, err := w.tagged(call)
	if err != nil {
		return nil, err
	}
	requested := readTags(call.Form, "Tag")
	for _, tags := range all {
		changed := map[string]string{}
		maps.Copy(changed, *tags)
		maps.Copy(changed, requested)
		if err := checkTags(changed); err != nil {
			return nil, err
		}
		*tags = changed
	}
	w.mutated("CreateTags", endpointsAmong(call), call.Session)
	return returned{true}, nil
}

func (w *World) deleteTags(call *wire.Call) (any, error) {
	all, err := w.tagged(call)
	if err != nil {
		return nil, err
	}
	for _, tags := range all {
		changed := maps.Clone(*tags)
		members(call.Form, "Tag", func(prefix string) {
			key, value := call.Form.Get(prefix+".Key"), call.Form.Get(prefix+".Value")
			if !call.Form.Has(prefix+".Value") || changed[key] == value { // AWS: with a value, only a tag that has it
				delete(changed, key)
			}
		})
		if !call.Form.Has("Tag.1.Key") { // AWS: without tags, all of them
			changed = nil
		}
		*tags = changed
	}
	w.mutated("DeleteTags", endpointsAmong(call), call.Session)
	return returned{true}, nil
}

func endpointsAmong(call *wire.Call) []string {
	return slices.DeleteFunc(list(call.Form, "ResourceId"), func(id string) bool { return !strings.HasPrefix(id, "vpce-") })
}
