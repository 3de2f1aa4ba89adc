package moto

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"postern/internal/local/template"
)

// Created are the resource types that must exist in moto after the deployment, each resource with a name of its own.
var Created = []string{
	"AWS::DynamoDB::Table", "AWS::Events::EventBus", "AWS::Events::Rule", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Alias", "AWS::KMS::Key",
	"AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::SQS::Queue",
	"AWS::StepFunctions::StateMachine",
}

// Ignored are the resource types that moto's CloudFormation skips, with a line in its log and the stack still complete, and what
// that means here.
var Ignored = map[string]string{
	"AWS::ApiGatewayV2::Api":         "the webhook's door is not run here",
	"AWS::ApiGatewayV2::Integration": "the webhook's door is not run here",
	"AWS::ApiGatewayV2::Route":       "the webhook's door is not run here",
	"AWS::ApiGatewayV2::Stage":       "the webhook's door is not run here",
	"AWS::CloudWatch::Alarm":         "no alarm exists here",
	"AWS::CloudWatch::Dashboard":     "it names alarms, and no alarm exists here",
	"AWS::Events::EventBusPolicy":    "moto checks no policy",
	"AWS::Lambda::EventInvokeConfig": "a delivery is tried once; one that fails, fails the run",
	"AWS::Logs::MetricFilter":        "no metric exists here",
	"AWS::SNS::Subscription":         "the gateway reads them from the template and delivers to them",
	"AWS::SNS::TopicPolicy":          "moto checks no policy",
	"AWS::SQS::QueuePolicy":          "moto checks no policy",
	"AWS::SecretsManager::Secret":    "the webhook's door is not run here",

	"AWS::StepFunctions::StateMachineAlias":   "executions are started on the state machine itself",
	"AWS::StepFunctions::StateMachineVersion": "executions are started on the state machine itself",
}

// Resource is a resource of the deployed stack.
type Resource struct {
	LogicalID  string `xml:"LogicalResourceId"`
	PhysicalID string `xml:"PhysicalResourceId"`
	Type       string `xml:"ResourceType"`
	Status     string `xml:"ResourceStatus"`
}

// Function is a function as moto has it.
type Function struct {
	Name        string `json:"FunctionName"`
	ARN         string `json:"FunctionArn"`
	Role        string
	Handler     string
	Timeout     int // seconds
	MemorySize  int // MB
	Environment struct{ Variables map[string]string }
	VpcConfig   struct{ SubnetIds, SecurityGroupIds []string }
}

// Stack is a stack as moto deployed it, with its template.
type Stack struct {
	Resources map[string]Resource // by logical id; those that moto made
	Functions []Function
	Template  Template
}

// Template is what is read from the synthesized template itself: what moto does not keep.
type Template struct {
	Resources map[string]struct {
		Type       string
		Properties json.RawMessage
	}
}

// ReadTemplate reads a synthesized template.
func ReadTemplate(path string) (Template, error) {
	var t Template
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	return t, err
}

// ReadStack reads the deployed stack from moto.
func ReadStack(ctx context.Context, endpoint, name, templatePath string) (*Stack, error) {
	stack := &Stack{Resources: map[string]Resource{}}
	var err error
	if stack.Template, err = ReadTemplate(templatePath); err != nil {
		return nil, err
	}
	var described struct {
		Resources []Resource `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	form := url.Values{"Action": {"DescribeStackResources"}, "Version": {"2010-05-15"}, "StackName": {name}}
	answer, err := call(ctx, http.MethodPost, endpoint+"/", "cloudformation", form)
	if err == nil {
		err = xml.Unmarshal(answer, &described)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack: %w", err)
	}
	for _, resource := range described.Resources {
		if resource.LogicalID != "" && resource.LogicalID != "None" {
			stack.Resources[resource.LogicalID] = resource
		}
	}
	var listed struct{ Functions []Function }
	if answer, err = call(ctx, http.MethodGet, endpoint+"/2015-03-31/functions/", "lambda", nil); err == nil {
		err = json.Unmarshal(answer, &listed)
	}
	stack.Functions = listed.Functions
	return stack, err
}

// call calls an operation of a service that the project has no client of.
func call(ctx context.Context, method, address, service string, form url.Values) ([]byte, error) {
	body := []byte(form.Encode())
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	keys, err := credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if err := v4.NewSigner().SignHTTP(ctx, keys, request, "UNSIGNED-PAYLOAD", service, Region, time.Now()); err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", service, answer.Status, text)
	}
	return text, err
}

// Named is the physical id of a resource of the stack.
func (s *Stack) Named(logicalID string) (string, error) {
	if r, known := s.Resources[logicalID]; known {
		return r.PhysicalID, nil
	}
	return "", fmt.Errorf("moto made no %s", logicalID)
}

// Of is the physical id of the one resource of a type that the template calls by a name, which CDK adds a suffix to.
func (s *Stack) Of(kind, name string) (string, error) {
	var found []string
	for id, r := range s.Resources {
		if r.Type == kind && strings.HasPrefix(id, name) {
			found = append(found, r.PhysicalID)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("moto has %d resources of type %s that are called %s", len(found), kind, name)
	}
	return found[0], nil
}

// Machine is the ARN of a state machine by its name.
func (s *Stack) Machine(name string) (string, error) {
	for _, r := range s.Resources {
		if r.Type == "AWS::StepFunctions::StateMachine" && strings.HasSuffix(r.PhysicalID, ":stateMachine:"+name) {
			return r.PhysicalID, nil
		}
	}
	return "", fmt.Errorf("moto has no state machine %s", name)
}

// Code is the directory of a function's code in the cloud assembly.
func (s *Stack) Code(assembly, function string) (string, error) {
	for id, r := range s.Resources {
		if r.Type != "AWS::Lambda::Function" || r.PhysicalID != function {
			continue
		}
		var p struct{ Code struct{ S3Key string } }
		if err := json.Unmarshal(s.Template.Resources[id].Properties, &p); err != nil {
			return "", err
		}
		return template.Asset(assembly, p.Code.S3Key)
	}
	return "", fmt.Errorf("function %s is not in the stack", function)
}

// Subscription is one subscription of the stack, by physical names.
type Subscription struct{ TopicARN, Protocol, Endpoint string }

// Subscriptions are the template's, with its references resolved to what moto made.
func (s *Stack) Subscriptions() ([]Subscription, error) {
	var all []Subscription
	var faults []error
	for id, r := range s.Template.Resources {
		if r.Type != "AWS::SNS::Subscription" {
			continue
		}
		var p struct {
			Endpoint, TopicArn json.RawMessage
			Protocol           string
		}
		if err := json.Unmarshal(r.Properties, &p); err != nil {
			return nil, err
		}
		topic, err := s.resolve(p.TopicArn)
		endpoint, err2 := s.resolve(p.Endpoint)
		if err := errors.Join(err, err2); err != nil {
			faults = append(faults, fmt.Errorf("subscription %s: %w", id, err))
		}
		all = append(all, Subscription{TopicARN: topic, Protocol: p.Protocol, Endpoint: endpoint})
	}
	return all, errors.Join(faults...)
}

// resolve evaluates a literal, a Ref, or the ARN of a function.
func (s *Stack) resolve(raw json.RawMessage) (string, error) {
	var literal string
	if json.Unmarshal(raw, &literal) == nil {
		return literal, nil
	}
	var reference struct {
		Ref    string
		GetAtt []string `json:"Fn::GetAtt"`
	}
	if err := json.Unmarshal(raw, &reference); err != nil {
		return "", err
	}
	if reference.Ref != "" {
		return s.Named(reference.Ref)
	}
	if len(reference.GetAtt) != 2 || reference.GetAtt[1] != "Arn" {
		return "", fmt.Errorf("cannot evaluate %s", raw)
	}
	name, err := s.Named(reference.GetAtt[0])
	for _, f := range s.Functions {
		if f.Name == name {
			return f.ARN, nil
		}
	}
	return "", errors.Join(err, fmt.Errorf("moto made no function %s", strings.Join(reference.GetAtt, ".")))
}
