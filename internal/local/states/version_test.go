package states_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

const saying = `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"NAME","End":true}}}`

func named(name string) string { return strings.ReplaceAll(saying, "NAME", name) }

// What an execution runs is what the machine, the version or the alias was when it started.
func TestVersionsAndAliases(t *testing.T) {
	t.Parallel()
	w := open(t, named("first"), nil)
	check := func(arn, want, version, alias string) {
		t.Helper()
		execution, err := w.sfn.Start(arn, "", []byte(`{}`), "test")
		if err != nil {
			t.Fatal(err)
		}
		w.advance(time.Second)
		e, _ := w.sfn.Execution(execution)
		if string(e.Output) != `"`+want+`"` || e.VersionARN != version || e.AliasARN != alias || e.MachineARN != machineARN {
			t.Errorf("%s gave %s of %s by %q, %q", arn, e.Output, e.MachineARN, e.VersionARN, e.AliasARN)
		}
		if !strings.HasPrefix(execution, "arn:aws:states:us-east-1:111122223333:execution:m:") || strings.Count(execution, ":") != 7 {
			t.Errorf("execution %s", execution)
		}
	}
	one, two, live := machineARN+":1", machineARN+":2", machineARN+":live"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.sfn.Publish(machineARN, one))
	must(w.sfn.AddAlias(live, one))
	check(machineARN, "first", "", "")
	check(one, "first", one, "")
	check(live, "first", one, live)
	w.add("m", named("second"))
	check(machineARN, "second", "", "")
	check(live, "first", one, live)
	must(w.sfn.Publish(machineARN, two))
	must(w.sfn.AddAlias(live, two))
	check(live, "second", two, live)
	check(one, "first", one, "")
	must(w.sfn.AddAlias(live, one)) // turned back
	check(live, "first", one, live)
}

func TestWrongVersionsAndAliases(t *testing.T) {
	t.Parallel()
	w := open(t, named("x"), nil)
	w.add("n", named("x"))
	other := strings.TrimSuffix(machineARN, "m") + "n"
	if err := w.sfn.Publish(machineARN, machineARN+":1"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"a version of nothing":          w.sfn.Publish(other+"n", other+"n:1"),
		"a version of another":          w.sfn.Publish(machineARN, other+":1"),
		"a version without a number":    w.sfn.Publish(machineARN, machineARN),
		"an alias of no version":        w.sfn.AddAlias(machineARN+":live", machineARN+":2"),
		"an alias of the machine":       w.sfn.AddAlias(machineARN+":live", machineARN),
		"an alias of another's version": w.sfn.AddAlias(other+":live", machineARN+":1"),
	} {
		if err == nil {
			t.Errorf("%s was made", name)
		}
	}
	if _, err := w.sfn.Start(machineARN+":live", "", []byte(`{}`), "test"); code(err) != "StateMachineDoesNotExist" {
		t.Errorf("an alias that is not there: %v", err)
	}
}

// AWS grants StartExecution on the machine, and says by which version and alias it was started.
func TestStartByAliasOverTheWire(t *testing.T) {
	t.Parallel()
	w := open(t, named("x"), nil)
	for _, err := range []error{w.sfn.Publish(machineARN, machineARN+":1"), w.sfn.AddAlias(machineARN+":live", machineARN+":1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	asked := &permissions{}
	client := w.client(asked)
	started, err := client.StartExecution(context.Background(), &sfn.StartExecutionInput{StateMachineArn: aws.String(machineARN + ":live")})
	if err != nil {
		t.Fatal(err)
	}
	described, err := client.DescribeExecution(context.Background(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
	if err != nil || aws.ToString(described.StateMachineAliasArn) != machineARN+":live" ||
		aws.ToString(described.StateMachineVersionArn) != machineARN+":1" || aws.ToString(described.StateMachineArn) != machineARN {
		t.Errorf("%+v, %v", described, err)
	}
	if !slices.Contains(asked.asked, "states:StartExecution "+machineARN) {
		t.Errorf("asked for %q", asked.asked)
	}
}
