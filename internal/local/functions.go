package local

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"postern/internal/local/lambda"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// defaultTimeout is Lambda's timeout of a function that sets none.
const defaultTimeout = 3 * time.Second

// function is one deployed function.
type function struct {
	name, arn string
	stack     *template.Stack
	role      string
	runtime   lambda.Function
	timeout   time.Duration

	// How asynchronous invocations are retried, and where what failed goes: a queue's ARN, or "".
	retries    int
	deadLetter string
	onFailure  string
}

// deployFunctions creates every function of a stack. As on AWS, a role that lacks what the function's own configuration needs
// (network interfaces, traces, a dead-letter queue) fails the deployment and not the first invocation.
func (c *Cloud) deployFunctions(stack *template.Stack) error {
	var faults []error
	for _, resource := range template.All[template.Function](stack) {
		f, err := c.deployFunction(stack, resource, fmt.Sprintf("AKIALOCAL%011d", len(c.functions)+1))
		if err != nil {
			faults = append(faults, fmt.Errorf("function %s: %w", resource.LogicalID, err))
			continue
		}
		c.functions[f.arn] = f
	}
	return errors.Join(append(faults, c.configureAsync(stack))...)
}

func (c *Cloud) deployFunction(
	stack *template.Stack, resource template.Typed[template.Function], accessKey string,
) (*function, error) {
	p := resource.Properties
	f := &function{name: resource.Ref, arn: resource.ARN, stack: stack, role: p.Role, timeout: defaultTimeout, retries: 2}
	if p.Timeout > 0 {
		f.timeout = time.Duration(p.Timeout) * time.Second
	}
	if p.DeadLetterConfig != nil {
		f.deadLetter = p.DeadLetterConfig.TargetArn
	}
	if err := c.checkFunctionRole(f, p); err != nil {
		return nil, err
	}
	c.Server.Register(accessKey, wire.Principal{RoleARN: f.role, Function: f.name})
	environment, err := c.environment(stack, resource, accessKey)
	if err != nil {
		return nil, err
	}
	f.runtime, err = c.runtime(lambda.Spec{
		Name: f.name, ARN: f.arn, Handler: p.Handler, Directory: resource.Code, Timeout: f.timeout, Environment: environment,
		Clock: c.Clock.Now,
	}, accessKey)
	return f, err
}

// runtime makes what runs a function: a process, or the same constructor in this process.
func (c *Cloud) runtime(spec lambda.Spec, accessKey string) (lambda.Function, error) {
	if c.config.Mode == Process {
		return lambda.NewProcess(spec)
	}
	build, known := c.config.Functions[spec.Handler]
	if !known {
		return nil, fmt.Errorf("no function is registered for handler %q", spec.Handler)
	}
	over := func(network http.RoundTripper) aws.Config {
		cfg := c.Server.AWSOver(accessKey, network)
		cfg.Region = spec.Environment["AWS_REGION"]
		return cfg
	}
	return lambda.NewInProcess(spec, build, c.Server.Transport(), over), nil
}

// environment is all that a function sees: what the template sets, what Lambda sets, and for a function inside a VPC the
// stand-ins for that VPC's resolver and network.
func (c *Cloud) environment(
	stack *template.Stack, resource template.Typed[template.Function], accessKey string,
) (map[string]string, error) {
	p := resource.Properties
	env := map[string]string{
		"AWS_REGION": stack.Region, "AWS_DEFAULT_REGION": stack.Region,
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": "embedded",
		"AWS_LAMBDA_FUNCTION_NAME": resource.Ref, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cmp.Or(p.MemorySize, 128)),
		"AWS_LAMBDA_LOG_GROUP_NAME":       logGroup(resource), "AWS_LAMBDA_LOG_STREAM_NAME": "embedded",
		"AWS_LAMBDA_LOG_FORMAT": p.LoggingConfig.LogFormat, "AWS_LAMBDA_LOG_LEVEL": p.LoggingConfig.ApplicationLogLevel,
		"_HANDLER": p.Handler, "TZ": ":UTC",
	}
	maps.Copy(env, c.config.Environment)
	if c.Outside != nil {
		maps.Copy(env, c.Outside.Environment())
	}
	if c.config.Mode == Process {
		env["AWS_ENDPOINT_URL"] = c.endpoint
		env["LAMBDA_TASK_ROOT"] = resource.Code
	}
	if p.VpcConfig != nil {
		inside, err := c.vpcEnvironment(p.VpcConfig.SubnetIds, p.VpcConfig.SecurityGroupIds)
		if err != nil {
			return nil, err
		}
		maps.Copy(env, inside)
	}
	maps.Copy(env, p.Environment.Variables)
	return env, nil
}

func logGroup(resource template.Typed[template.Function]) string {
	return cmp.Or(resource.Properties.LoggingConfig.LogGroup, "/aws/lambda/"+resource.Ref)
}

// networkActions are what Lambda does in EC2 for a function inside a VPC.
//
// AWS: AWSLambdaVPCAccessExecutionRole, https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
var networkActions = []string{
	"CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface",
	"AssignPrivateIpAddresses", "UnassignPrivateIpAddresses",
}

// checkFunctionRole checks what Lambda itself does with a function's role.
func (c *Cloud) checkFunctionRole(f *function, p *template.Function) error {
	if err := c.mayAssume("lambda.amazonaws.com", f.role, f.arn); err != nil {
		return err
	}
	stream := "arn:aws:logs:" + f.stack.Region + ":" + f.stack.AccountID + ":log-group:" +
		cmp.Or(p.LoggingConfig.LogGroup, "/aws/lambda/"+f.name) + ":log-stream:embedded"
	needs := map[string]string{"logs:CreateLogStream": stream, "logs:PutLogEvents": stream}
	if p.TracingConfig.Mode == "Active" {
		needs["xray:PutTraceSegments"], needs["xray:PutTelemetryRecords"] = "*", "*"
	}
	if p.VpcConfig != nil {
		for _, action := range networkActions {
			needs["ec2:"+action] = "*"
		}
	}
	if f.deadLetter != "" {
		needs["sqs:SendMessage"] = f.deadLetter
	}
	var faults []error
	for action, resource := range needs {
		faults = append(faults, c.asRole(f.role, f.name, action, resource))
	}
	return errors.Join(faults...)
}

// configureAsync applies the functions' settings of asynchronous invocation.
func (c *Cloud) configureAsync(stack *template.Stack) error {
	for _, config := range template.All[template.EventInvokeConfig](stack) {
		f, err := c.function(config.Properties.FunctionName)
		if err != nil {
			return fmt.Errorf("resource %s: %w", config.LogicalID, err)
		}
		if n := config.Properties.MaximumRetryAttempts; n != nil {
			f.retries = *n
		}
		if to := config.Properties.DestinationConfig.OnFailure; to != nil {
			f.onFailure = to.Destination
			if err := c.asRole(f.role, f.name, "sqs:SendMessage", to.Destination); err != nil {
				return fmt.Errorf("resource %s: %w", config.LogicalID, err)
			}
		}
		if config.Properties.DestinationConfig.OnSuccess != nil {
			return fmt.Errorf("resource %s: destinations of success are not simulated", config.LogicalID)
		}
	}
	return nil
}

// function finds a function by name, ARN, or ARN with a qualifier: versions and aliases run the one code there is.
func (c *Cloud) function(name string) (*function, error) {
	arn := name
	if !strings.HasPrefix(arn, "arn:") {
		arn = "arn:aws:lambda:" + c.Stack.Region + ":" + c.Stack.AccountID + ":function:" + name
	}
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		arn = strings.Join(parts[:7], ":")
	}
	if f, known := c.functions[arn]; known {
		return f, nil
	}
	return nil, fmt.Errorf("function %s does not exist", name)
}

// Invocation is one run of a function.
type Invocation struct {
	Function  string
	RequestID string
	Origin    string
	At        time.Time // simulated
	ErrorType string    // "" when it returned
}

// run runs a function once. The loop waits for it: simulated time stands still meanwhile.
func (c *Cloud) run(f *function, payload []byte) lambda.Result {
	c.mu.Lock()
	id := fmt.Sprintf("00000000-0000-4000-9000-%012x", len(c.invocations)+1)
	c.invocations = append(c.invocations, Invocation{Function: f.name, RequestID: id, Origin: c.origin, At: c.Clock.Now()})
	at := len(c.invocations) - 1
	c.mu.Unlock()
	result := f.runtime.Invoke(id, payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.invocations[at].ErrorType = result.ErrorType
	return result
}

// runNamed runs the function of an ARN once, for a caller who waits for the result.
func (c *Cloud) runNamed(arn string, payload []byte) (lambda.Result, error) {
	f, err := c.function(arn)
	if err != nil {
		return lambda.Result{}, err
	}
	return c.run(f, payload), nil
}

// The waits between the tries of an asynchronous invocation.
//
// AWS: one minute before the second try, two before the third.
var asyncWaits = []time.Duration{time.Minute, 2 * time.Minute}

// runAsync runs a function as SNS and EventBridge do: from Lambda's own queue, with retries, and with a dead-letter queue for
// what keeps failing.
func (c *Cloud) runAsync(f *function, payload []byte, attempt int) {
	result := c.run(f, payload)
	if result.ErrorType == "" {
		return
	}
	if attempt < f.retries && attempt < len(asyncWaits) {
		c.Clock.After(asyncWaits[attempt], "retry "+f.name, func() { c.runAsync(f, payload, attempt+1) })
		return
	}
	attributes := map[string]string{"ErrorCode": "200", "ErrorMessage": string(result.Payload)}
	if f.deadLetter != "" {
		c.sendLetter(f, f.deadLetter, payload, attributes)
	}
	if f.onFailure != "" {
		c.sendLetter(f, f.onFailure, failureRecord(f, payload, result, attempt+1), nil)
	}
}

// sendLetter puts what a function failed on where its role may.
func (c *Cloud) sendLetter(f *function, queueARN string, body []byte, attributes map[string]string) {
	err := c.asRole(f.role, f.name, "sqs:SendMessage", queueARN)
	if err == nil {
		err = c.Queues.Send(queueARN, body, attributes)
	}
	if err != nil {
		c.drop("dead letter of "+f.name, err)
	}
}

// failureRecord is what Lambda sends to a destination of failure.
func failureRecord(f *function, payload []byte, result lambda.Result, attempts int) []byte {
	record, err := json.Marshal(map[string]any{
		"version": "1.0",
		"requestContext": map[string]any{
			"functionArn": f.arn + ":$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": attempts,
		},
		"requestPayload":  json.RawMessage(payload),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": json.RawMessage(result.Payload),
	})
	if err != nil {
		panic(err) // events and results are JSON
	}
	return record
}
