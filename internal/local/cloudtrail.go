package local

import (
	"encoding/json"
	"fmt"
	"strings"

	"postern/internal/local/events"
)

// recordTrail puts what CloudTrail tells of a change of endpoints in this account on the default bus. Postern's own changes are
// among them, as they are on AWS; what the vendor does happens in another account and is not.
func (c *Cloud) recordTrail(eventName string, endpointIDs []string, principal string) {
	if e, known := c.World.Endpoint(endpointIDs[0]); known && (e.AccountID != c.Stack.AccountID || e.Region != c.Stack.Region) {
		return // another account's trail, and bus
	}
	detail := map[string]any{
		"eventVersion": "1.11", "eventSource": "ec2.amazonaws.com", "eventName": eventName, "eventType": "AwsApiCall",
		"eventCategory": "Management", "managementEvent": true, "readOnly": false,
		"eventTime": c.Clock.Now().UTC().Format("2006-01-02T15:04:05Z"), "awsRegion": c.Stack.Region,
		"recipientAccountId": c.Stack.AccountID, "userIdentity": c.identity(principal),
	}
	switch eventName {
	case "CreateVpcEndpoint":
		detail["responseElements"] = map[string]any{
			"CreateVpcEndpointResponse": map[string]any{"vpcEndpoint": map[string]any{"vpcEndpointId": endpointIDs[0]}},
		}
	case "DeleteVpcEndpoints":
		detail["requestParameters"] = map[string]any{"DeleteVpcEndpointsRequest": map[string]any{"VpcEndpointId": tagged(endpointIDs)}}
	default:
		detail["requestParameters"] = map[string]any{eventName + "Request": map[string]any{"VpcEndpointId": endpointIDs[0]}}
	}
	c.emit("aws.ec2", "AWS API Call via CloudTrail", nil, detail)
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

func (c *Cloud) identity(principal string) map[string]any {
	if strings.Contains(principal, ":user/") {
		return map[string]any{"type": "IAMUser", "arn": principal, "accountId": c.Stack.AccountID}
	}
	issuer := map[string]any{"type": "Role", "arn": principal, "accountId": c.Stack.AccountID}
	return map[string]any{
		"type": "AssumedRole", "arn": principal, "accountId": c.Stack.AccountID,
		"sessionContext": map[string]any{"sessionIssuer": issuer},
	}
}

// emit puts an event of an AWS service on the default bus.
func (c *Cloud) emit(source, detailType string, resources []string, detail any) {
	encoded, err := json.Marshal(detail)
	if err == nil {
		err = c.Events.Emit(events.Event{Source: source, DetailType: detailType, Resources: resources, Detail: encoded})
	}
	if err != nil {
		c.fault(fmt.Errorf("emitting %s: %w", detailType, err))
	}
}
