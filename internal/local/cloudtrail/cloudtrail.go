// Package cloudtrail is what AWS CloudTrail tells EventBridge of changes of endpoints.
package cloudtrail

import (
	"encoding/json"
	"strings"
	"time"

	"postern/internal/local/events"
)

// Change is a change of endpoints in this account: one call of EC2.
type Change struct {
	Name        string // of the operation, such as ModifyVpcEndpoint
	EndpointIDs []string
	Principal   string // ARN
	Account     string
	Region      string
	At          time.Time
}

// Event is the event of a change. Postern's own changes have one, as they have on AWS; what the vendor does happens in another
// account and has none.
func (c Change) Event() (events.Event, error) {
	detail := map[string]any{
		"eventVersion": "1.11", "eventSource": "ec2.amazonaws.com", "eventName": c.Name, "eventType": "AwsApiCall",
		"eventCategory": "Management", "managementEvent": true, "readOnly": false,
		"eventTime": c.At.UTC().Format("2006-01-02T15:04:05Z"), "awsRegion": c.Region,
		"recipientAccountId": c.Account, "userIdentity": c.identity(),
	}
	switch c.Name {
	case "CreateVpcEndpoint":
		detail["responseElements"] = map[string]any{
			"CreateVpcEndpointResponse": map[string]any{"vpcEndpoint": map[string]any{"vpcEndpointId": c.EndpointIDs[0]}},
		}
	case "DeleteVpcEndpoints":
		detail["requestParameters"] = map[string]any{"DeleteVpcEndpointsRequest": map[string]any{"VpcEndpointId": tagged(c.EndpointIDs)}}
	default:
		detail["requestParameters"] = map[string]any{c.Name + "Request": map[string]any{"VpcEndpointId": c.EndpointIDs[0]}}
	}
	encoded, err := json.Marshal(detail)
	return events.Event{Source: "aws.ec2", DetailType: "AWS API Call via CloudTrail", Detail: encoded}, err
}

// tagged is a list as CloudTrail writes EC2's: each member with its place. A single one stands alone.
func tagged(ids []string) any {
	var members []any
	for i, id := range ids {
		members = append(members, map[string]any{"tag": i + 1, "content": id})
	}
	if len(members) == 1 {
		return members[0]
	}
	return members
}

func (c Change) identity() map[string]any {
	if strings.Contains(c.Principal, ":user/") {
		return map[string]any{"type": "IAMUser", "arn": c.Principal, "accountId": c.Account}
	}
	issuer := map[string]any{"type": "Role", "arn": c.Principal, "accountId": c.Account}
	return map[string]any{
		"type": "AssumedRole", "arn": c.Principal, "accountId": c.Account,
		"sessionContext": map[string]any{"sessionIssuer": issuer},
	}
}
