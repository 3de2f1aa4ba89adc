// Package cloudtrail is what AWS CloudTrail tells EventBridge of changes of endpoints, and of what people change around them.
package cloudtrail

import (
	"encoding/json"
	"strings"
	"time"

	"postern/internal/local/events"
)

// Call is one call that changed something.
type Call struct {
	Service    string // ec2 or route53
	Name       string // of the operation, such as ModifyVpcAttribute
	Principal  string // ARN of a user, or of a role's session
	Account    string // the caller's
	Region     string
	Parameters map[string]any // AWS: requestParameters
	Response   map[string]any // AWS: responseElements
}

// Event is the event of a call. Postern's own calls have one, as they have on AWS; what the vendor does happens in another account
// and has none.
func (c Call) Event(at time.Time) (events.Event, error) {
	encoded, err := json.Marshal(map[string]any{
		"eventVersion": "1.11", "eventSource": c.Service + ".amazonaws.com", "eventName": c.Name, "eventType": "AwsApiCall",
		"eventCategory": "Management", "managementEvent": true, "readOnly": false,
		"eventTime": at.UTC().Format("2006-01-02T15:04:05Z"), "awsRegion": c.Region,
		"recipientAccountId": c.Account, "userIdentity": c.identity(),
		"requestParameters": c.Parameters, "responseElements": c.Response,
	})
	return events.Event{Source: "aws." + c.Service, DetailType: "AWS API Call via CloudTrail", Detail: encoded}, err
}

func (c Call) identity() map[string]any {
	if strings.Contains(c.Principal, ":user/") {
		return map[string]any{"type": "IAMUser", "arn": c.Principal, "accountId": c.Account}
	}
	account, session, _ := strings.Cut(strings.Replace(c.Principal, ":sts:", ":iam:", 1), ":assumed-role/")
	role, _, _ := strings.Cut(session, "/")
	issuer := map[string]any{"type": "Role", "arn": account + ":role/" + role, "accountId": c.Account}
	return map[string]any{
		"type": "AssumedRole", "arn": c.Principal, "accountId": c.Account,
		"sessionContext": map[string]any{"sessionIssuer": issuer},
	}
}

// Change is a change of endpoints in this account: one call of EC2.
type Change struct {
	Name        string // of the operation, such as ModifyVpcEndpoint
	EndpointIDs []string
	Principal   string // ARN
	Account     string
	Region      string
	At          time.Time
}

// Event is the event of a change.
func (c Change) Event() (events.Event, error) {
	call := Call{Service: "ec2", Name: c.Name, Principal: c.Principal, Account: c.Account, Region: c.Region}
	switch c.Name {
	case "CreateVpcEndpoint":
		call.Response = map[string]any{
			"CreateVpcEndpointResponse": map[string]any{"vpcEndpoint": map[string]any{"vpcEndpointId": c.EndpointIDs[0]}},
		}
	case "DeleteVpcEndpoints":
		call.Parameters = map[string]any{"DeleteVpcEndpointsRequest": map[string]any{"VpcEndpointId": tagged(c.EndpointIDs)}}
	default:
		call.Parameters = map[string]any{c.Name + "Request": map[string]any{"VpcEndpointId": c.EndpointIDs[0]}}
	}
	return call.Event(c.At)
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
