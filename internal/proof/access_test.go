package proof_test

import (
	"github.com/google/go-cmp/cmp"

	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// without takes an action away from the policy of a role, given by the beginnings of their logical ids. A test whose action was
// not there would prove nothing, so that fails.
func without(t *testing.T, policy, action string) func(map[string]any) {
	return func(document map[string]any) {
		taken := false
		for id, resource := range resourcesOf(document, "AWS::IAM::Policy") {
			if !strings.HasPrefix(id, policy) {
				continue
			}
			statements := resource["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any)
			for _, raw := range statements {
				statement := raw.(map[string]any)
				actions, isList := statement["Action"].([]any)
				if !isList {
					actions = []any{statement["Action"]}
				}
				left := slices.DeleteFunc(slices.Clone(actions), func(a any) bool { return a == action })
				taken = taken || len(left) < len(actions)
				statement["Action"] = append(left, "postern:Nothing") // a statement needs an action
			}
		}
		if !taken {
			t.Errorf("%s does not grant %s", policy, action)
		}
	}
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	const account = ":us-east-1:111122223333:"
	const ec2 = "arn:aws:ec2" + account
	tests := []struct {
		policy, action     string
		state              string // that fails
		function, resource string
	}{
		{"PlanRole", "ec2:DescribeSubnets", "Plan", "postern-plan", "*"},
		{"EnsureEndpointRole", "ec2:CreateVpcEndpoint", "EnsureEndpoint", "postern-ensure-endpoint", ec2},
		{"EnsureEndpointRole", "ec2:CreateTags", "EnsureEndpoint", "postern-ensure-endpoint", ec2 + "vpc-endpoint/"},
		{"AwaitGateRole", "events:PutEvents", "AwaitAllowlisting", "postern-await-gate", "arn:aws:events" + account + "event-bus/"},
		{"AwaitAvailableRole", "ec2:DescribeNetworkInterfaces", "AwaitAvailable", "postern-await-available", "*"},
		{"ConfigureDnsRole", "route53:CreateHostedZone", "ConfigureDNS", "postern-configure-dns", "*"},
		{"PublishConfigRole", "ssm:PutParameter", "PublishConfig", "postern-publish-config", "arn:aws:ssm" + account + "parameter/"},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			t.Parallel()
			c := open(t, func(config *local.Config) { config.Mutate = without(t, test.policy, test.action) })
			vendor(t, c, time.Hour, time.Hour)
			ended := onboard(t, c, "onboard.monte-carlo.json")
			at := slices.Index(ended.Path, "Rollback")
			clean := slices.Contains(ended.Path, "FailedClean")
			if ended.Error != connection.AccessDenied || at < 1 || ended.Path[at-1] != test.state || !clean {
				t.Errorf("got %s on %v: %s", ended.Error, ended.Path, ended.Cause)
			}
			said := "/" + test.function + " is not authorized to perform: " + test.action + " on resource: " + test.resource
			if !strings.Contains(ended.Cause, said) {
				t.Errorf("got %s\nwant %s", ended.Cause, said)
			}
		})
	}
}

func TestMachineMayInvokeOnlyWhatItsRoleAllows(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) {
		config.Mutate = func(document map[string]any) {
			for id, resource := range resourcesOf(document, "AWS::IAM::Policy") {
				if strings.HasPrefix(id, "WorkflowRole") {
					policy := resource["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)
					policy["Statement"] = slices.DeleteFunc(policy["Statement"].([]any), func(raw any) bool {
						return raw.(map[string]any)["Action"] == "lambda:InvokeFunction"
					})
				}
			}
		}
	})
	ended := onboard(t, c, "onboard.monte-carlo.json")
	// The rollback cannot be called either, so the cause is the definition's own; AWS's reason is in the history of Plan.
	path := []string{"Plan", "Rollback", "RollbackGaveUp", "RollbackBroken", "FailedDirty"}
	if diff := cmp.Diff(path, ended.Path); diff != "" || ended.Status != states.Failed || !strings.Contains(ended.Cause, "its function does not work") {
		t.Errorf("%s\n%s: %s", diff, ended.Error, ended.Cause)
	}
	for _, invocation := range c.Invocations() {
		if invocation.Origin == ended.ARN && invocation.Function != "postern-ticket" { // which EventBridge calls
			t.Errorf("%s was invoked nevertheless", invocation.Function)
		}
	}
}

// remove deletes the resources of a type whose logical id begins with prefix.
func remove(t *testing.T, kind, prefix string) func(map[string]any) {
	return func(document map[string]any) {
		removed := false
		for id := range resourcesOf(document, kind) {
			if strings.HasPrefix(id, prefix) {
				delete(document["Resources"].(map[string]any), id)
				removed = true
			}
		}
		if !removed {
			t.Errorf("there is no %s %s", kind, prefix)
		}
	}
}

func TestNotificationNeedsTheTopicsPolicy(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) { config.Mutate = remove(t, "AWS::SNS::TopicPolicy", "NotificationsPolicy") })
	vendor(t, c, time.Hour, time.Hour)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	if ended.Status != states.Succeeded {
		t.Errorf("the sweep did not save it: %s: %s", ended.Error, ended.Cause)
	}
	dropped := strings.Join(c.Dropped(), "\n")
	if !strings.Contains(dropped, "vpce.amazonaws.com is not authorized to perform: sns:Publish") {
		t.Errorf("dropped: %s", dropped)
	}
}

func TestNotificationNeedsTheTopicsKey(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) {
		config.Mutate = func(document map[string]any) {
			for _, key := range resourcesOf(document, "AWS::KMS::Key") {
				policy := key["Properties"].(map[string]any)["KeyPolicy"].(map[string]any)
				policy["Statement"] = slices.DeleteFunc(policy["Statement"].([]any), func(raw any) bool {
					return raw.(map[string]any)["Sid"] == "EndpointNotifications"
				})
			}
		}
	})
	vendor(t, c, time.Hour, time.Hour)
	onboard(t, c, "onboard.monte-carlo.json")
	dropped := strings.Join(c.Dropped(), "\n")
	if !strings.Contains(dropped, "vpce.amazonaws.com is not authorized to perform: kms:") {
		t.Errorf("dropped: %s", dropped)
	}
}

func TestEventWithoutPermissionIsADeadLetter(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) { config.Mutate = remove(t, "AWS::Lambda::Permission", "ObservationsAllow") })
	vendor(t, c, time.Hour, time.Hour)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	if ended.Error != connection.WatchLost {
		t.Errorf("got %s: %s", ended.Error, ended.Cause)
	}
	letters := c.Queues.Messages(deadLetters(c))
	if len(letters) == 0 {
		t.Fatal("there are no dead letters")
	}
	if letters[0].Attributes["ERROR_CODE"] != "NO_PERMISSIONS" || !strings.Contains(letters[0].Body, `"source":"postern"`) {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestFunctionThatKeepsFailingIsADeadLetter(t *testing.T) {
	t.Parallel()
	c := open(t, func(config *local.Config) { config.Mutate = without(t, "MailRole", "sns:Publish") })
	vendor(t, c, time.Hour, time.Hour)
	onboard(t, c, "onboard.monte-carlo.json")
	tries := map[string]int{}
	for _, invocation := range c.Invocations() {
		tries[invocation.Function]++
	}
	letters := c.Queues.Messages(deadLetters(c))
	// AWS: one try and two retries for each of the two gates.
	if tries["postern-mail"] != 6 || len(letters) != 2 || len(c.Mail()) != 0 {
		t.Fatalf("%d tries, %d dead letters, %d mails", tries["postern-mail"], len(letters), len(c.Mail()))
	}
	for _, want := range []string{
		`"condition":"RetriesExhausted"`, `"approximateInvokeCount":3`, connection.EventGateOpened, "sns:Publish",
	} {
		if !strings.Contains(letters[0].Body, want) {
			t.Errorf("the letter lacks %s: %s", want, letters[0].Body)
		}
	}
}

func TestDeploymentChecksWhatAWSChecks(t *testing.T) {
	t.Parallel()
	setProperty := func(kind, prefix, property string, value any) func(map[string]any) {
		return func(document map[string]any) {
			for id, resource := range resourcesOf(document, kind) {
				if strings.HasPrefix(id, prefix) {
					resource["Properties"].(map[string]any)[property] = value
				}
			}
		}
	}
	trust := map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "ec2.amazonaws.com"},
	}}
	cluster := map[string]any{"Id": "T", "Arn": "arn:aws:ecs:us-east-1:1:cluster/c"}
	tests := []struct {
		name   string
		mutate func(map[string]any)
		want   string
	}{
		{"no log stream", without(t, "PlanRole", "logs:PutLogEvents"), "logs:PutLogEvents"},
		{"no trace", without(t, "ResumeRole", "xray:PutTraceSegments"), "xray:PutTraceSegments"},
		{"no interface", without(t, "ProbeAgentsProdRole", "ec2:CreateNetworkInterface"), "ec2:CreateNetworkInterface"},
		{"no log delivery", without(t, "WorkflowRole", "logs:CreateLogDelivery"), "logs:CreateLogDelivery"},
		{"function's role", setProperty("AWS::IAM::Role", "PlanRole", "AssumeRolePolicyDocument", trust),
			"cannot be assumed by lambda.amazonaws.com"},
		{"machine's role", setProperty("AWS::IAM::Role", "WorkflowRole", "AssumeRolePolicyDocument", trust),
			"cannot be assumed by states.amazonaws.com"},
		{"handler", setProperty("AWS::Lambda::Function", "Plan", "Handler", "no-such-handler"),
			`no function is registered for handler "no-such-handler"`},
		{"subnet", setProperty("AWS::Lambda::Function", "Probe", "VpcConfig", map[string]any{"SubnetIds": []any{"subnet-0"}}),
			"subnet subnet-0 does not exist"},
		{"type", func(document map[string]any) {
			document["Resources"].(map[string]any)["X"] = map[string]any{"Type": "AWS::EC2::Instance"}
		}, "resource X (AWS::EC2::Instance)"},
		{"target", setProperty("AWS::Events::Rule", "Sweep", "Targets", []any{cluster}), "targets such as arn:aws:ecs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := defaultConfig()
			config.Mutate = test.mutate
			c, err := world.Open(config)
			if err == nil {
				_ = c.Close()
				t.Fatal("it was deployed")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestSweepIsCountedApart(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	vendor(t, c, 3*time.Hour, time.Hour)
	ended := onboard(t, c, "onboard.monte-carlo.json")
	origins := map[string]int{}
	for _, invocation := range c.Invocations() {
		origins[invocation.Origin]++
		if invocation.Origin != ended.ARN && invocation.Origin != local.OriginSchedule {
			t.Errorf("%s belongs to %q", invocation.Function, invocation.Origin)
		}
		isStep := !slices.Contains([]string{
			"postern-observe", "postern-resume", "postern-ticket", "postern-drift", "postern-orphan",
		}, invocation.Function)
		if isStep && invocation.Origin != ended.ARN {
			t.Errorf("%s belongs to %q, not to the execution", invocation.Function, invocation.Origin)
		}
	}
	if origins[local.OriginSchedule] < 4*12 {
		t.Errorf("four hours of waiting saw %d invocations of the sweep", origins[local.OriginSchedule])
	}
}

func TestDeployedStackIsWhole(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	want := 0
	for _, stack := range c.Stacks() {
		want += len(template.All[template.Function](stack))
	}
	if got := len(c.Logs()); got != want {
		t.Errorf("%d functions were deployed of %d", got, want)
	}
}
