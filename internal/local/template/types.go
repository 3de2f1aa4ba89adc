package template

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// types are the resource types that are known. It is filled by init because naming a resource looks types up again.
var types map[string]resourceType

func init() {
	types = map[string]resourceType{
		"AWS::Lambda::Function":                   {of[Function], named("FunctionName", 64, "lambda", "function:")},
		"AWS::Lambda::Permission":                 {of[FunctionPermission], unnamed},
		"AWS::Lambda::EventInvokeConfig":          {of[EventInvokeConfig], unnamed},
		"AWS::IAM::Role":                          {of[Role], role},
		"AWS::IAM::Policy":                        {of[Policy], unnamed},
		"AWS::StepFunctions::StateMachine":        {of[StateMachine], stateMachine},
		"AWS::StepFunctions::StateMachineVersion": {of[StateMachineVersion], stateMachineVersion},
		"AWS::StepFunctions::StateMachineAlias":   {of[StateMachineAlias], stateMachineAlias},
		"AWS::Events::Rule":                       {of[Rule], eventRule},
		"AWS::Events::EventBus":                   {of[EventBus], eventBus},
		"AWS::Events::EventBusPolicy":             {of[EventBusPolicy], unnamed},
		"AWS::SNS::Topic":                         {of[Topic], topic},
		"AWS::SNS::Subscription":                  {of[Subscription], subscription},
		"AWS::SNS::TopicPolicy":                   {of[TopicPolicy], unnamed},
		"AWS::SQS::Queue":                         {of[Queue], queue},
		"AWS::SQS::QueuePolicy":                   {of[QueuePolicy], unnamed},
		"AWS::KMS::Key":                           {of[Key], key},
		"AWS::KMS::Alias":                         {of[KeyAlias], named("AliasName", 256, "kms", "")},
		"AWS::DynamoDB::Table":                    {of[Table], table},
		"AWS::SecretsManager::Secret":             {of[Secret], secret},
		"AWS::Logs::LogGroup":                     {of[LogGroup], logGroup},
		"AWS::Logs::MetricFilter":                 {of[MetricFilter], unnamed},
		"AWS::CloudWatch::Alarm":                  {of[Alarm], named("AlarmName", 255, "cloudwatch", "alarm:")},
		"AWS::CloudWatch::Dashboard":              {of[Dashboard], named("DashboardName", 255, "cloudwatch", "dashboard/")},
		"AWS::ApiGatewayV2::Api":                  {of[API], api},
		"AWS::ApiGatewayV2::Stage":                {of[APIStage], unnamed},
		"AWS::ApiGatewayV2::Integration":          {of[APIIntegration], unnamed},
		"AWS::ApiGatewayV2::Route":                {of[APIRoute], unnamed},
	}
}

func of[P any]() any { return new(P) }

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

func role(n naming) (identity, error) {
	name, err := n.name("RoleName", 64)
	if err != nil {
		return identity{}, err
	}
	path, err := n.property("Path")
	arn := "arn:aws:iam::" + n.options.AccountID + ":role" + cmp.Or(path, "/") + name
	return identity{ref: name, arn: arn, attributes: map[string]string{"RoleId": "AROA" + n.suffix()}}, err
}

// stateMachine is named by its logical id alone when it has no name.
func stateMachine(n naming) (identity, error) {
	name, err := n.property("StateMachineName")
	name = cmp.Or(name, n.id+"-"+n.suffix())
	arn := n.arn("states", "stateMachine:"+name)
	return identity{ref: arn, arn: arn, attributes: map[string]string{"Name": name, "StateMachineRevisionId": n.uuid()}}, err
}

// stateMachineVersion is the first version of its machine.
func stateMachineVersion(n naming) (identity, error) {
	arn, err := n.property("StateMachineArn")
	arn += ":1"
	return identity{ref: arn, arn: arn}, err
}

// stateMachineAlias belongs to the machine whose version it routes to.
func stateMachineAlias(n naming) (identity, error) {
	name, err := n.property("Name")
	if err != nil {
		return identity{}, err
	}
	routes, err := n.list(n.document.Resources[n.id].Properties["RoutingConfiguration"])
	if err != nil || len(routes) == 0 {
		return identity{}, errors.Join(err, errors.New("an alias needs a RoutingConfiguration"))
	}
	route, _ := routes[0].(map[string]any)
	version, err := scalar(route["StateMachineVersionArn"])
	if err != nil {
		return identity{}, fmt.Errorf("StateMachineVersionArn: %w", err)
	}
	arn := version[:strings.LastIndex(version, ":")+1] + name
	return identity{ref: arn, arn: arn}, nil
}

// eventRule is named Bus|Rule by Ref when its bus is not the default one.
func eventRule(n naming) (identity, error) {
	name, err := n.name("Name", 64)
	if err != nil {
		return identity{}, err
	}
	bus, err := n.property("EventBusName")
	bus = bus[strings.LastIndex(bus, "/")+1:]
	if bus == "" || bus == "default" {
		return identity{ref: name, arn: n.arn("events", "rule/"+name)}, err
	}
	return identity{ref: bus + "|" + name, arn: n.arn("events", "rule/"+bus+"/"+name)}, err
}

func eventBus(n naming) (identity, error) {
	found, err := named("Name", 256, "events", "event-bus/")(n)
	found.attributes = map[string]string{"Name": found.ref}
	return found, err
}

func topic(n naming) (identity, error) {
	name, err := n.name("TopicName", 256)
	arn := n.arn("sns", name)
	return identity{ref: arn, arn: arn, attributes: map[string]string{"TopicName": name, "TopicArn": arn}}, err
}

func subscription(n naming) (identity, error) {
	topic, err := n.property("TopicArn")
	arn := topic + ":" + n.uuid()
	return identity{ref: arn, arn: arn}, err
}

func queue(n naming) (identity, error) {
	name, err := n.name("QueueName", 80)
	url := "https://sqs." + n.options.Region + ".amazonaws.com/" + n.options.AccountID + "/" + name
	return identity{ref: url, arn: n.arn("sqs", name), attributes: map[string]string{"QueueName": name, "QueueUrl": url}}, err
}

func key(n naming) (identity, error) {
	id := n.uuid()
	return identity{ref: id, arn: n.arn("kms", "key/"+id), attributes: map[string]string{"KeyId": id}}, nil
}

func table(n naming) (identity, error) {
	found, err := named("TableName", 255, "dynamodb", "table/")(n)
	found.attributes = map[string]string{"StreamArn": found.arn + "/stream/2026-01-01T00:00:00.000", "TableId": n.uuid()}
	return found, err
}

func secret(n naming) (identity, error) {
	name, err := n.name("Name", 512)
	arn := n.arn("secretsmanager", "secret:"+name+"-"+n.suffix()[:6])
	return identity{ref: arn, arn: arn, attributes: map[string]string{"Id": arn}}, err
}

func logGroup(n naming) (identity, error) {
	found, err := named("LogGroupName", 512, "logs", "log-group:")(n)
	found.arn += ":*"
	return found, err
}

func api(n naming) (identity, error) {
	id := strings.ToLower(n.suffix())[:10]
	endpoint := "https://" + id + ".execute-api." + n.options.Region + ".amazonaws.com"
	arn := "arn:aws:apigateway:" + n.options.Region + "::/apis/" + id
	return identity{ref: id, arn: arn, attributes: map[string]string{"ApiId": id, "ApiEndpoint": endpoint}}, nil
}
