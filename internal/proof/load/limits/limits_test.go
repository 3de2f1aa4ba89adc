package limits_test

import (
	"testing"
	"time"

	"postern/internal/local/wire"
	"postern/internal/proof/load/limits"
)

var start = time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)

// call is a call of an account in a Region, so long after start, by a caller who is late.
func call(service, operation string, after, late time.Duration) *wire.Call {
	return &wire.Call{
		Service: service, Operation: operation, AccountID: "111122223333", Region: "us-east-1", Now: start.Add(after), Late: late,
	}
}

// granted is how many of n calls of one instant are let through.
func granted(l *limits.Limits, c *wire.Call, write bool, n int) int {
	through := 0
	for range n {
		switch fault := l.Fault(c, wire.Recorded{Write: write}); {
		case fault == nil:
			through++
		case fault.Kind != wire.Throttle:
			return -1
		}
	}
	return through
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		service, operation string
		write              bool
		burst, minute      int // calls of the first instant, and of one a minute later
	}{
		"EC2's endpoints":         {"ec2", "CreateVpcEndpoint", true, 4, 4},
		"EC2's reads":             {"ec2", "DescribeVpcEndpoints", false, 100, 100},
		"EC2's other writes":      {"ec2", "CreateTags", true, 50, 50},
		"Route 53, whatever":      {"route53", "ListHostedZonesByVPC", false, 5, 5},
		"Route 53's writes":       {"route53", "CreateHostedZone", true, 5, 5},
		"parameters written":      {"ssm", "PutParameter", true, 3, 3},
		"parameters read":         {"ssm", "GetParameters", false, 40, 40},
		"what has no limit":       {"dynamodb", "UpdateItem", true, 200, 200},
		"a service without any":   {"events", "PutEvents", true, 200, 200},
		"Step Functions' answers": {"states", "SendTaskSuccess", true, 200, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := limits.New()
			if got := granted(l, call(test.service, test.operation, 0, 0), test.write, 200); got != test.burst {
				t.Errorf("at once: %d of 200, want %d", got, test.burst)
			}
			if got := granted(l, call(test.service, test.operation, time.Minute, 0), test.write, 200); got != test.minute {
				t.Errorf("a minute later: %d of 200, want %d", got, test.minute)
			}
		})
	}
}

func TestRefill(t *testing.T) {
	t.Parallel()
	l := limits.New()
	granted(l, call("ec2", "CreateVpcEndpoint", 0, 0), true, 10)
	through := 0
	for second := range 100 {
		through += granted(l, call("ec2", "CreateVpcEndpoint", time.Duration(second+1)*time.Second, 0), true, 5)
	}
	if through != 30 {
		t.Errorf("%d in 100 seconds at 0.3 a second", through)
	}
}

func TestBucketsAreApart(t *testing.T) {
	t.Parallel()
	l := limits.New()
	granted(l, call("ec2", "CreateVpcEndpoint", 0, 0), true, 10)
	other := call("ec2", "CreateVpcEndpoint", 0, 0)
	other.AccountID = "222233334444"
	elsewhere := call("ec2", "CreateVpcEndpoint", 0, 0)
	elsewhere.Region = "eu-west-1"
	for name, c := range map[string]*wire.Call{
		"another operation": call("ec2", "DeleteVpcEndpoints", 0, 0), "another account": other, "another Region": elsewhere,
	} {
		if got := granted(l, c, true, 10); got != 4 {
			t.Errorf("%s: %d of 10, want 4", name, got)
		}
	}
	// These share one.
	granted(l, call("ssm", "GetParameter", 0, 0), false, 30)
	if got := granted(l, call("ssm", "GetParametersByPath", 0, 0), false, 30); got != 10 {
		t.Errorf("after 30 reads of a parameter %d more, want 10", got)
	}
}

// What a late caller takes is not there for others who come later than it, and is theirs who come before and leave enough.
func TestLateCallers(t *testing.T) {
	t.Parallel()
	l := limits.New()
	if got := granted(l, call("ssm", "PutParameter", 0, 0), true, 5); got != 3 {
		t.Fatalf("at once: %d", got)
	}
	if got := granted(l, call("ssm", "PutParameter", 0, time.Second), true, 5); got != 3 {
		t.Errorf("a second late: %d of 5, want the 3 that came meanwhile", got)
	}
	if got := granted(l, call("ssm", "PutParameter", 500*time.Millisecond, 0), true, 5); got != 0 {
		t.Errorf("between the two: %d, which the late ones have", got)
	}
	if got := granted(l, call("ssm", "PutParameter", 2*time.Second, 0), true, 5); got != 3 {
		t.Errorf("afterwards: %d of 5, want 3", got)
	}
}
