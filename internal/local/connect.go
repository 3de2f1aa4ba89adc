package local

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/internal/local/events"
	"postern/internal/local/network"
	"postern/internal/local/sns"
	"postern/internal/local/ssm"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// connect joins the services as AWS does: each hand-over is checked against the receiver's policy.
func (c *Cloud) connect() {
	c.World.OnNotification(c.notifyEndpoint)
	c.World.OnMutation(c.recordTrail)
	c.World.OnCall(c.recordCall)
	c.Zones.OnCall(c.recordCall)
	c.Events.OnDeliver(c.deliverEvent)
	c.Events.OnDeadLetter(func(d events.Delivery, body []byte, attributes map[string]string) error {
		return c.sendAs("events.amazonaws.com", d.Rule, d.Target.DeadLetterARN, body, attributes)
	})
	c.Topics.OnDeliver(c.deliverMessage)
	c.Topics.OnDeadLetter(func(s sns.Subscription, body []byte, attributes map[string]string) error {
		return c.sendAs("sns.amazonaws.com", s.TopicARN, s.DeadLetterARN, body, attributes)
	})
	c.States.OnStatusChange(c.reportExecution)
	c.Parameters.OnChange(func(change ssm.Change) {
		c.emit("aws.ssm", "Parameter Store Change", []string{change.ARN}, map[string]any{
			"name": change.Name, "type": change.Type, "operation": change.Operation,
		})
	})
}

// endpointID is an endpoint's id in a connection notification.
var endpointID = regexp.MustCompile(`vpce-[0-9a-f]{8,17}`)

// notifyEndpoint publishes an endpoint's connection notification. PrivateLink does so as vpce.amazonaws.com, and needs the
// topic's key when the topic has one. A notification without permission is lost without a word.
func (c *Cloud) notifyEndpoint(topicARN string, message []byte) {
	source := "arn:aws:ec2:" + c.Stack.Region + ":" + c.Stack.AccountID + ":vpc-endpoint/" + string(endpointID.Find(message))
	err := c.asService(privatelinkService, "sns:Publish", topicARN, source)
	if key := c.topicKey(topicARN); err == nil && key != "" {
		err = errors.Join(c.asService(privatelinkService, "kms:GenerateDataKey", key, source),
			c.asService(privatelinkService, "kms:Decrypt", key, source))
	}
	if err == nil {
		_, err = c.Topics.Publish(topicARN, "", string(message))
	}
	if err != nil {
		c.drop("connection notification to "+topicARN, err)
	}
}

const privatelinkService = "vpce.amazonaws.com"

// topicKey is the ARN of the customer's key that encrypts a topic, or "".
func (c *Cloud) topicKey(topicARN string) string {
	for _, topic := range template.All[template.Topic](c.Stack) {
		if topic.ARN == topicARN {
			key, err := c.keyARN(topic.Properties.KmsMasterKeyId)
			if err != nil {
				c.fault(err)
			}
			return key
		}
	}
	return ""
}

// keyARN finds a key of the stack by id, ARN or alias; "" stays "".
func (c *Cloud) keyARN(id string) (string, error) {
	for _, alias := range template.All[template.KeyAlias](c.Stack) {
		if alias.Properties.AliasName == id {
			id = alias.Properties.TargetKeyId
		}
	}
	for _, key := range template.All[template.Key](c.Stack) {
		if id == key.Ref || id == key.ARN {
			return key.ARN, nil
		}
	}
	if id == "" {
		return "", nil
	}
	return "", fmt.Errorf("key %s is not one of the stack", id)
}

func (c *Cloud) deployTopic(resource template.Resource, p *template.Topic) error {
	key, err := c.keyARN(p.KmsMasterKeyId)
	if err != nil {
		return err
	}
	if err := c.Topics.AddTopic(sns.Topic{ARN: resource.ARN, DisplayName: p.DisplayName, KeyARN: key}); err != nil {
		return err
	}
	for _, s := range p.Subscription {
		if err := c.subscribe(resource.ARN, &template.Subscription{Endpoint: s.Endpoint, Protocol: s.Protocol}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) subscribe(topicARN string, p *template.Subscription) error {
	s := sns.Subscription{TopicARN: topicARN, Protocol: p.Protocol, Endpoint: p.Endpoint}
	if p.RedrivePolicy != nil {
		s.DeadLetterARN = p.RedrivePolicy.DeadLetterTargetArn
	}
	if p.Protocol == "lambda" {
		if _, err := c.function(p.Endpoint); err != nil {
			return err
		}
	}
	return c.Topics.Subscribe(s)
}

// deliverMessage hands a topic's message to a function.
func (c *Cloud) deliverMessage(s sns.Subscription, n sns.Notification) error {
	f, err := c.function(s.Endpoint)
	if err == nil {
		err = c.asService("sns.amazonaws.com", "lambda:InvokeFunction", s.Endpoint, s.TopicARN)
	}
	if err != nil {
		c.drop("message to "+s.Endpoint, err)
		return err
	}
	c.runAsync(f, n.LambdaEvent(s), 0)
	return nil
}

// service is the service that an ARN belongs to.
func service(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// checkTarget refuses a rule's target that the simulation does not support.
func (c *Cloud) checkTarget(t events.Target) error {
	switch service(t.ARN) {
	case "lambda":
		_, err := c.function(t.ARN)
		return err
	case "states":
		return c.mayAssume("events.amazonaws.com", t.RoleARN, t.ARN)
	case "sqs", "sns":
		return nil
	}
	return fmt.Errorf("targets such as %s are not simulated", t.ARN)
}

// deliverEvent delivers an event to a target of a rule. The work of a scheduled rule and of a shared function belongs to the schedule.
func (c *Cloud) deliverEvent(d events.Delivery) error {
	shared := func(name string) bool { return strings.HasSuffix(d.Target.ARN, ":function:"+name) }
	if d.Event.Source == "aws.events" && d.Event.DetailType == "Scheduled Event" || slices.ContainsFunc(c.config.Shared, shared) {
		c.setOrigin(OriginSchedule)
	}
	const caller = "events.amazonaws.com"
	var err error
	switch service(d.Target.ARN) {
	case "lambda":
		f, unknown := c.function(d.Target.ARN)
		if unknown != nil {
			return events.Refused("RESOURCE_NOT_FOUND", unknown.Error())
		}
		if err = c.asService(caller, "lambda:InvokeFunction", d.Target.ARN, d.Rule); err == nil {
			c.runAsync(f, d.Payload, 0)
		}
	case "states":
		if err = c.asRole(d.Target.RoleARN, "events", "states:StartExecution", d.Target.ARN); err == nil {
			_, failed := c.States.Start(d.Target.ARN, d.Event.ID, d.Payload, d.Rule)
			return failed
		}
	case "sqs":
		err = c.sendAs(caller, d.Rule, d.Target.ARN, d.Payload, nil)
	case "sns":
		if err = c.asService(caller, "sns:Publish", d.Target.ARN, d.Rule); err == nil {
			_, failed := c.Topics.Publish(d.Target.ARN, "", string(d.Payload))
			return failed
		}
	}
	if err != nil {
		c.drop("event of "+d.RuleName+" to "+d.Target.ARN, err)
		return events.Refused("NO_PERMISSIONS", err.Error())
	}
	return nil
}

// sendAs puts a message on a queue in the name of an AWS service, which only the queue's policy can allow.
func (c *Cloud) sendAs(caller, sourceARN, queueARN string, body []byte, attributes map[string]string) error {
	err := c.asService(caller, "sqs:SendMessage", queueARN, sourceARN)
	if err == nil {
		err = c.Queues.Send(queueARN, body, attributes)
	}
	if err != nil {
		c.drop("message to "+queueARN, err)
	}
	return err
}

// reportExecution puts an execution's change of status on the default bus.
func (c *Cloud) reportExecution(e states.Execution) {
	c.setOrigin(e.ARN)
	detail := map[string]any{
		"executionArn": e.ARN, "stateMachineArn": e.MachineARN, "name": e.Name, "status": string(e.Status),
		"startDate": e.StartedAt.UnixMilli(), "stopDate": nil, "input": string(e.Input), "output": nil, "error": nil, "cause": nil,
		"stateMachineVersionArn": nil, "stateMachineAliasArn": nil,
	}
	if e.Status != states.Running {
		detail["stopDate"] = e.StoppedAt.UnixMilli()
	}
	for name, value := range map[string]string{
		"output": string(e.Output), "error": e.Error, "cause": e.Cause,
		"stateMachineVersionArn": e.VersionARN, "stateMachineAliasArn": e.AliasARN,
	} {
		if value != "" {
			detail[name] = value
		}
	}
	c.emit("aws.states", "Step Functions Execution Status Change", []string{e.ARN}, detail)
}

// invoker is how the state machine calls functions: as its role, and for the execution's account.
type invoker struct{ cloud *Cloud }

// Invoke runs a function. Names of errors are those that Step Functions gives to Lambda's.
func (i invoker) Invoke(call states.Invocation) ([]byte, *states.Failure, time.Duration) {
	i.cloud.setOrigin(call.Execution)
	if around := i.cloud.config.Around; around != nil {
		return around(call, i.invoke)
	}
	return i.invoke(call)
}

func (i invoker) invoke(call states.Invocation) ([]byte, *states.Failure, time.Duration) {
	f, err := i.cloud.function(call.Function)
	if err == nil && f.stack.Region != i.cloud.Stack.Region {
		err = fmt.Errorf("function %s is in another Region, where Step Functions reaches none", call.Function)
	}
	if err != nil {
		return nil, &states.Failure{Error: "Lambda.ResourceNotFoundException", Cause: err.Error()}, 0
	}
	if err := i.cloud.asRole(call.Principal, "embedded", "lambda:InvokeFunction", f.arn); err != nil {
		return nil, &states.Failure{Error: "Lambda.AWSLambdaException", Cause: err.Error()}, 0
	}
	result := i.cloud.run(f, call.Payload)
	if result.ErrorType != "" {
		return nil, &states.Failure{Error: result.ErrorType, Cause: string(result.Payload)}, result.Waited
	}
	return result.Payload, nil, result.Waited
}

// Authorize decides what a state machine's role may do besides calling functions.
func (i invoker) Authorize(roleARN, action, resource string) error {
	return i.cloud.asRole(roleARN, "embedded", action, resource)
}

// vpcEnvironment is what a function inside a VPC sees instead of that VPC: its resolver, its way to the network, and whom its
// clients trust.
func (c *Cloud) vpcEnvironment(subnetIDs, groupIDs []string) (map[string]string, error) {
	if len(subnetIDs) == 0 {
		return nil, errors.New("a function in a VPC needs a subnet")
	}
	subnet, known := c.World.Subnet(subnetIDs[0])
	if !known {
		return nil, fmt.Errorf("subnet %s does not exist", subnetIDs[0])
	}
	resolver, err := c.Network.Resolver(subnet.VPCID)
	if err != nil {
		return nil, err
	}
	gateway, err := c.Network.Gateway(network.Source{VPCID: subnet.VPCID, SubnetID: subnet.ID, SecurityGroupIDs: groupIDs})
	if err != nil {
		return nil, err
	}
	inside := map[string]string{c.config.ResolverVariable: resolver, c.config.GatewayVariable: gateway, "SSL_CERT_FILE": c.Network.CABundle()}
	delete(inside, "") // a variable that has no name
	return inside, nil
}
