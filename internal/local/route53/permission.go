package route53

import (
	"encoding/xml"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

type permits func(*wire.Call) []wire.Permission

// everything is the permission of an action that names no zone.
func everything(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "route53:" + call.Operation, Resource: "*"}}
}

func onZone(call *wire.Call) []wire.Permission {
	return []wire.Permission{{Action: "route53:" + call.Operation, Resource: "arn:aws:route53:::hostedzone/" + call.Path["Id"]}}
}

// vpcKey is the condition key route53:VPCs of a call.
func vpcKey(call *wire.Call) map[string][]string {
	var vpc VPC
	if query := call.HTTP.URL.Query(); query.Has("vpcid") {
		vpc = VPC{Region: query.Get("vpcregion"), ID: query.Get("vpcid")}
	} else {
		var request struct {
			VPC VPC `xml:"VPC"`
		}
		_ = xml.Unmarshal(call.Body, &request) // the operation itself refuses what is malformed
		vpc = request.VPC
	}
	if vpc.ID == "" {
		return nil
	}
	return map[string][]string{"route53:vpcs": {"VPCId=" + vpc.ID + ",VPCRegion=" + vpc.Region}}
}

func authorizing(call *wire.Call) []wire.Permission {
	permissions := onZone(call)
	permissions[0].Context = vpcKey(call)
	return permissions
}

// withVPC adds what a call that names a VPC needs besides. AWS: Route 53 looks the VPC up in the caller's name.
func withVPC(permits permits) permits {
	return func(call *wire.Call) []wire.Permission {
		permissions := permits(call)
		permissions[0].Context = vpcKey(call)
		return append(permissions, wire.Permission{Action: "ec2:DescribeVpcs", Resource: "*"})
	}
}

// onRecords has the condition keys by which a policy can limit which records may be changed, to what, and how.
func onRecords(call *wire.Call) []wire.Permission {
	permissions := onZone(call)
	var request changeRequest
	_ = xml.Unmarshal(call.Body, &request) // the operation itself refuses what is malformed
	var names, types, actions []string
	for _, change := range request.Changes {
		names = append(names, strings.TrimSuffix(Canonical(change.Record.Name), "."))
		types = append(types, change.Record.Type)
		actions = append(actions, change.Action)
	}
	permissions[0].Context = map[string][]string{
		"route53:changeresourcerecordsetsnormalizedrecordnames": distinct(names),
		"route53:changeresourcerecordsetsrecordtypes":           distinct(types),
		"route53:changeresourcerecordsetsactions":               distinct(actions),
	}
	return permissions
}

func distinct(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}
