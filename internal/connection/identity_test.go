package connection

import (
	"maps"
	"regexp"
	"strings"
	"testing"
)

func TestClientToken(t *testing.T) {
	t.Parallel()
	token := ClientToken("arn:execution", "endpoint", "subnet-a", "subnet-b")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(token) {
		t.Errorf("got %q, want 64 hexadecimal digits: AWS takes no more", token)
	}
	if again := ClientToken("arn:execution", "endpoint", "subnet-a", "subnet-b"); again != token {
		t.Errorf("the same call gave %s and then %s", token, again)
	}
	for name, other := range map[string]string{
		"execution":        ClientToken("arn:other", "endpoint", "subnet-a", "subnet-b"),
		"purpose":          ClientToken("arn:execution", "notification", "subnet-a", "subnet-b"),
		"parameter":        ClientToken("arn:execution", "endpoint", "subnet-a", "subnet-c"),
		"border":           ClientToken("arn:execution", "endpoint", "subnet-asubnet-b"),
		"fewer parameters": ClientToken("arn:execution", "endpoint"),
	} {
		if other == token {
			t.Errorf("another %s gave the same token", name)
		}
	}
}

func TestExecutionName(t *testing.T) {
	t.Parallel()
	allowed := regexp.MustCompile(`^[a-z0-9-]{1,80}$`)
	longest := ID(strings.Repeat("v", 40), strings.Repeat("n", 40))
	seen := map[string]string{}
	for _, tt := range [][2]string{
		{"monte-carlo/agents-prod", "1"}, {"monte-carlo/agents-prod", "2"}, {"monte-carlo-agents/prod", "1"},
		{longest, "1"}, {longest + "x", "1"}, {"", ""}, {"Ünïcode/…", "1"},
	} {
		name := ExecutionName(tt[0], tt[1])
		if !allowed.MatchString(name) {
			t.Errorf("ExecutionName(%q, %q) = %q: AWS allows 80 characters and few of them", tt[0], tt[1], name)
		}
		if name != ExecutionName(tt[0], tt[1]) {
			t.Errorf("ExecutionName(%q, %q) is not a function", tt[0], tt[1])
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q have the same name %q", other, tt, name)
		}
		seen[name] = tt[0] + " " + tt[1]
	}
	if got, want := ExecutionName("monte-carlo/agents-prod", "1")[:24], "monte-carlo-agents-prod-"; got != want {
		t.Errorf("got %q, want the connection's id first, %q", got, want)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	want := map[string]string{"postern:connection": "monte-carlo/x", "postern:execution": "arn:e", "postern:managed": "true"}
	if got := Tags("monte-carlo/x", "arn:e"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// An execution has the same ARN whether its state machine is given by itself, a version or an alias.
func TestExecutionARN(t *testing.T) {
	t.Parallel()
	const machine = "arn:aws:states:us-east-1:111122223333:stateMachine:postern"
	for _, qualifier := range []string{"", ":7", ":live"} {
		if got := ExecutionARN(machine+qualifier, "x"); got != "arn:aws:states:us-east-1:111122223333:execution:postern:x" {
			t.Errorf("by %q it is %s", qualifier, got)
		}
	}
}
