package privatelink

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

// everything is the permission of an action without resource-level permissions, such as every Describe.
func everything(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "ec2:" + call.Operation, Resource: "*"}}
}

// conditions are the condition keys of a permission.
type conditions map[string][]string

// on is a permission of the call's action on one resource.
func on(call *wire.Call, resource string, keys ...conditions) wire.Permission {
	return wire.Permission{Action: "ec2:" + call.Operation, Resource: resource, Context: merged(append(keys, region(call))...)}
}

func merged(keys ...conditions) map[string][]string {
	all := map[string][]string{}
	for _, some := range keys {
		maps.Copy(all, some)
	}
	return all
}

func region(call *wire.Call) conditions { return conditions{"ec2:region": {call.Region}} }

// resourceTags are the keys that a resource's tags give: both spellings that EC2 has.
func resourceTags(tags map[string]string) conditions {
	keys := conditions{}
	for key, value := range tags {
		keys["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
		keys["ec2:resourcetag/"+strings.ToLower(key)] = []string{value}
	}
	return keys
}

// requestTags are the keys that the tags of a request give.
func requestTags(tags map[string]string) conditions {
	keys := conditions{}
	for key, value := range tags {
		keys["aws:requesttag/"+strings.ToLower(key)] = []string{value}
	}
	if len(tags) > 0 {
		keys["aws:tagkeys"] = slices.Sorted(maps.Keys(tags))
	}
	return keys
}

// tagOnCreate is the permission that an action which makes a resource with tags needs besides its own.
func tagOnCreate(call *wire.Call, resource string, tags map[string]string) []wire.Permission {
	if len(tags) == 0 {
		return nil
	}
	return []wire.Permission{{
		Action: "ec2:CreateTags", Resource: resource,
		Context: merged(requestTags(tags), region(call), conditions{"ec2:createaction": {call.Operation}}),
	}}
}

// endpointKeys are the keys that a VPC endpoint gives by its tags and its service.
func (w *World) endpointKeys(e *Endpoint) conditions {
	if e == nil {
		return nil
	}
	return merged(resourceTags(e.Tags), w.serviceKeys(e.ServiceName, e.ServiceRegion))
}

func (w *World) serviceKeys(name, serviceRegion string) conditions {
	keys := conditions{"ec2:vpceservicename": {name}, "ec2:vpceserviceregion": {serviceRegion}}
	if service := w.services.get(name); service != nil {
		keys["ec2:vpceserviceowner"] = []string{service.Owner}
		if service.PrivateDNSName != "" {
			keys["ec2:vpceserviceprivatednsname"] = []string{service.PrivateDNSName}
		}
	}
	return keys
}

// onEndpoint is a permission of the call's action on an endpoint. An endpoint that does not exist has no tags, so a policy that
// asks for some refuses the call before EC2 could say that it is not there.
func (w *World) onEndpoint(call *wire.Call, id string) wire.Permission {
	return on(call, arn(call, "vpc-endpoint", id), w.endpointKeys(w.endpoints.get(id)))
}

func (w *World) onSubnet(call *wire.Call, id string) wire.Permission {
	keys := conditions{"ec2:subnetid": {id}}
	if subnet := w.subnets.get(id); subnet != nil {
		keys = merged(keys, resourceTags(subnet.Tags), w.vpcKeys(call, subnet.VPCID), conditions{"ec2:availabilityzone": {subnet.AZ}})
	}
	return on(call, arn(call, "subnet", id), keys)
}

func (w *World) onGroup(call *wire.Call, id string) wire.Permission {
	keys := conditions{"ec2:securitygroupid": {id}}
	if group := w.groups.get(id); group != nil {
		keys = merged(keys, resourceTags(group.Tags), w.vpcKeys(call, group.VPCID))
	}
	return on(call, arn(call, "security-group", id), keys)
}

func (w *World) onVPC(call *wire.Call, id string) wire.Permission {
	keys := conditions{"ec2:vpcid": {id}}
	if vpc := w.vpcs.get(id); vpc != nil {
		keys = merged(keys, resourceTags(vpc.Tags))
	}
	return on(call, arn(call, "vpc", id), keys)
}

func (w *World) vpcKeys(call *wire.Call, vpcID string) conditions {
	return conditions{"ec2:vpc": {arn(call, "vpc", vpcID)}}
}

// privateDNS is what switching private DNS on needs besides: the caller, not only AWS, must be allowed to associate the zone.
func (w *World) privateDNS(call *wire.Call, vpcID string) []wire.Permission {
	if call.Form.Get("PrivateDnsEnabled") != "true" {
		return nil
	}
	return []wire.Permission{{
		Action: "route53:AssociateVPCWithHostedZone", Resource: "arn:aws:route53:::hostedzone/*",
		Context: conditions{"route53:vpcs": {"VPCId=" + vpcID + ",VPCRegion=" + call.Region}},
	}}
}

// specifiedTags reads the tags that a creating call gives to a resource type.
func specifiedTags(form url.Values, resourceType string) (map[string]string, error) {
	tags := map[string]string{}
	var err error
	members(form, "TagSpecification", func(prefix string) {
		if kind := form.Get(prefix + ".ResourceType"); kind != resourceType {
			err = fault("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", kind)
		}
		maps.Copy(tags, readTags(form, prefix+".Tag"))
	})
	if err == nil {
		err = checkTags(tags)
	}
	return tags, err
}

func readTags(form url.Values, prefix string) map[string]string {
	tags := map[string]string{}
	members(form, prefix, func(member string) { tags[form.Get(member+".Key")] = form.Get(member + ".Value") })
	return tags
}

// checkTags are AWS's limits for tags.
func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return fault("TagLimitExceeded", "The maximum number of tags for a resource is 50")
	}
	for key, value := range tags {
		switch {
		case key == "" || len(key) > 128:
			return fault("InvalidParameterValue", "Tag key '%s' must have 1 to 128 characters", key)
		case len(value) > 256:
			return fault("InvalidParameterValue", "Tag value of '%s' exceeds the maximum length of 256 characters", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return fault("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	return nil
}
