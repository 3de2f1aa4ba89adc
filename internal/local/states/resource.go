package states

import (
	"regexp"
	"slices"
)

// resource is what a Task does.
type resource struct {
	function string // ARN of a function that is called directly
	start    bool   // an integration: it starts an execution
	describe bool   // an integration: it describes one; neither: it invokes a function
	sync     bool   // .sync:2
	token    bool   // .waitForTaskToken
	// service and action are how the history names an integration: lambda and invoke.waitForTaskToken.
	service, action string
}

var (
	functionARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
	integration = regexp.MustCompile(`^arn:aws[a-z-]*:states:::((?:aws-sdk:)?[a-z]+):([A-Za-z]+(?:\.[A-Za-z]+(?::2)?)?)$`)
)

// readResource reads Resource, and checks the parameters of an integration by its name.
func (s *state) readResource(o *object) {
	arn := o.needed("Resource")
	if functionARN.MatchString(arn) {
		s.resource = resource{function: arn}
		return
	}
	parts := integration.FindStringSubmatch(arn)
	if parts == nil {
		parts = []string{arn, "", ""}
	}
	s.resource = resource{service: parts[1], action: parts[2]}
	switch parts[1] + ":" + parts[2] {
	case "lambda:invoke":
	case "lambda:invoke.waitForTaskToken":
		s.resource.token = true
	case "states:startExecution":
		s.resource.start = true
	case "states:startExecution.sync:2":
		s.resource.start, s.resource.sync = true, true
	case "aws-sdk:sfn:describeExecution":
		s.resource.describe = true
	default:
		if n, _ := o.field("Resource"); arn != "" {
			n.fault("the resource %q is not supported", arn)
		}
		return
	}
	s.checkParameters(o)
	if s.resource.token {
		s.checkToken(o)
	}
}

// checkParameters refuses what the API of an integration does not have, or what is not supported of it.
func (s *state) checkParameters(o *object) {
	needed, allowed := "FunctionName", []string{"FunctionName", "Payload"}
	if s.resource.start {
		needed, allowed = "StateMachineArn", []string{"StateMachineArn", "Name", "Input"}
	}
	if s.resource.describe {
		needed, allowed = "ExecutionArn", []string{"ExecutionArn"}
	}
	n, _ := o.field("Parameters")
	if s.parameters == nil || !slices.Contains(s.parameters.names, needed) {
		n.fault("%s is needed", needed)
		return
	}
	for _, name := range s.parameters.names {
		if !slices.Contains(allowed, name) {
			n.fault("%s is not supported", name)
		}
	}
}

// checkToken refuses a task whose token no function gets, and one that could wait for a year. AWS allows both.
func (s *state) checkToken(o *object) {
	if !s.parameters.mentions("$$.Task.Token") {
		o.fault("nothing hands out $$.Task.Token")
	}
	if s.timeout.seconds == 0 && s.timeout.path == nil {
		o.fault("a task that waits for its token needs TimeoutSeconds or TimeoutSecondsPath")
	}
}
