package ssm

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/internal/local/wire"
)

// Operations are the operations known here.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"GetParameter":           {Permissions: s.onParameters, Do: wire.JSON(s.getParameter)},
		"GetParameters":          {Permissions: s.onParameters, Do: wire.JSON(s.getParameters)},
		"GetParametersByPath":    {Permissions: s.onPath, Do: wire.JSON(s.getParametersByPath)},
		"GetParameterHistory":    {Permissions: s.onParameters, Do: wire.JSON(s.getParameterHistory)},
		"DescribeParameters":     {Permissions: s.onAll, Do: wire.JSON(s.describeParameters)},
		"PutParameter":           {Write: true, Permissions: s.mayPut, Do: wire.JSON(s.putParameter)},
		"DeleteParameter":        {Write: true, Permissions: s.onParameters, Do: wire.JSON(s.deleteParameter)},
		"DeleteParameters":       {Write: true, Permissions: s.onParameters, Do: wire.JSON(s.deleteParameters)},
		"LabelParameterVersion":  {Write: true, Permissions: s.onParameters, Do: wire.JSON(s.label)},
		"AddTagsToResource":      {Write: true, Permissions: s.mayTag, Do: wire.JSON(s.addTags)},
		"RemoveTagsFromResource": {Write: true, Permissions: s.mayTag, Do: wire.JSON(s.removeTags)},
		"ListTagsForResource":    {Permissions: s.onParameters, Do: wire.JSON(s.listTags)},
	}
}

// names are the members of requests that name parameters. What cannot be read is refused by Do.
type names struct {
	Name, ResourceID string
	Names            []string
	WithDecryption   bool
}

// onParameters needs the call's action on every parameter it names, and the key of those it decrypts.
func (s *Service) onParameters(call *wire.Call) []wire.Permission {
	var in names
	_ = json.Unmarshal(call.Body, &in)
	all := in.Names
	if len(all) == 0 {
		all = []string{in.Name + in.ResourceID}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var needed []wire.Permission
	for _, name := range all {
		p, v, selector, _ := s.selected(name)
		bare := strings.TrimSuffix(name, selector)
		needed = append(needed, wire.Permission{Action: "ssm:" + call.Operation, Resource: s.resource(bare), Context: tagKeys(p)})
		if in.WithDecryption && v != nil {
			needed = append(needed, s.onKey("kms:Decrypt", v.KeyID, s.resource(bare))...)
		}
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

// onKey is the permission on a customer's key.
//
// AWS: its own key aws/ssm lets everyone in the account use it through Parameter Store.
func (s *Service) onKey(action, keyARN, parameterARN string) []wire.Permission {
	if !strings.HasPrefix(keyARN, "arn:") {
		return nil
	}
	return []wire.Permission{{Action: action, Resource: keyARN, Context: map[string][]string{
		"kms:viaservice": {"ssm." + s.region + ".amazonaws.com"}, "kms:calleraccount": {s.account},
		"kms:encryptioncontext:parameter_arn": {parameterARN},
	}}}
}

// onPath needs the call's action on the path, as if it were a parameter.
func (s *Service) onPath(call *wire.Call) []wire.Permission {
	var in struct {
		Path      string
		Recursive bool
	}
	_ = json.Unmarshal(call.Body, &in)
	return []wire.Permission{{
		Action: "ssm:GetParametersByPath", Resource: s.arn(strings.TrimSuffix(in.Path, "/")),
		Context: map[string][]string{"ssm:recursive": {strconv.FormatBool(in.Recursive)}},
	}}
}

func (s *Service) onAll(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "ssm:" + call.Operation, Resource: "arn:aws:ssm:" + s.region + ":" + s.account + ":*"}}
}

// mayPut needs AddTagsToResource too when the parameter is made with tags.
func (s *Service) mayPut(call *wire.Call) []wire.Permission {
	var in struct {
		Name, Type, KeyID string
		Overwrite         bool
		Tags              []tag
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
	if in.Type == "SecureString" {
		needed = append(needed, s.onKey("kms:Encrypt", in.KeyID, arn)...)
	}
	return needed
}

func (s *Service) mayTag(call *wire.Call) []wire.Permission {
	var in struct {
		Tags    []tag
		TagKeys []string
	}
	_ = json.Unmarshal(call.Body, &in)
	needed := s.onParameters(call)
	maps.Copy(needed[0].Context, requestTags(in.Tags))
	if len(in.TagKeys) > 0 {
		needed[0].Context["aws:tagkeys"] = in.TagKeys
	}
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
