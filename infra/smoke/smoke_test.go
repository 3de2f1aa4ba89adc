package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/proof/handlers"
)

const sample = "../../events/plan.monte-carlo.json"

// embedded runs executions on the embedded cloud to their end.
type embedded struct{ cloud *local.Cloud }

func (e embedded) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.StartExecutionOutput, error) {
	arn, err := e.cloud.States.Start(aws.ToString(in.StateMachineArn), "", []byte(aws.ToString(in.Input)), "console")
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(arn)}, err
}

func (e embedded) DescribeExecution(_ context.Context, in *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (
	*sfn.DescribeExecutionOutput, error) {
	ended, err := e.cloud.Run(aws.ToString(in.ExecutionArn), time.Hour)
	return &sfn.DescribeExecutionOutput{
		Status: types.ExecutionStatus(ended.Status), ExecutionArn: in.ExecutionArn, Output: aws.String(string(ended.Output)),
		Error: aws.String(ended.Error), Cause: aws.String(ended.Cause),
	}, err
}

func networkStack(network, account, region string) local.Other {
	return local.Other{
		TemplatePath: "../testdata/postern-" + network + ".template.json", StackName: "Postern-" + network, AccountID: account, Region: region,
	}
}

func open(t *testing.T) *local.Cloud {
	t.Helper()
	c, err := world.Open(local.Config{
		TemplatePath: "../testdata/postern.template.json", Functions: handlers.InProcess(),
		Others: []local.Other{
			networkStack("agents-research", world.OtherAccount, world.Region),
			networkStack("agents-europe", world.Account, world.EuropeRegion),
			networkStack("research-europe", world.OtherAccount, world.EuropeRegion),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func home(c *local.Cloud) place {
	return place{"arn:aws:sts::" + c.World.AccountID() + ":assumed-role/operator/me", c.World.AccountID(), world.Region}
}

// A plan of the sample says what would be made, and leaves the account as it was: no write was called.
func TestPlanTouchesNothing(t *testing.T) {
	t.Parallel()
	c := open(t)
	before := c.Inventory()
	request, err := planOnly(sample)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	plan, err := runPlan(t.Context(), embedded{c}, home(c).machine(), request, &out)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Decision != connection.DecisionPlanned {
		t.Errorf("the decision is %s", plan.Decision)
	}
	for _, want := range []string{"plan: ", "would make", "$"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed without %q:\n%s", want, &out)
		}
	}
	if diff := cmp.Diff(before, c.Inventory()); diff != "" {
		t.Errorf("the account changed (-before +after):\n%s", diff)
	}
	for _, call := range c.Calls() {
		if call.Write {
			t.Errorf("%s was called, a write", call.Operation)
		}
	}
}

// The faults of a request are what smoke fails with.
func TestPlanFaults(t *testing.T) {
	t.Parallel()
	c := open(t)
	_, err := runPlan(t.Context(), embedded{c}, home(c).machine(), []byte(`{"schemaVersion":1,"action":"plan","vendor":"acme"}`), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), connection.InvalidRequest) || !strings.Contains(err.Error(), "vendor") {
		t.Errorf("%v, want the request's faults", err)
	}
}

// Nothing is sent that would do more than plan.
func TestPlanOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ request, want string }{
		"onboard":        {`{"action":"onboard"}`, "the action onboard"},
		"no action":      {`{"vendor":"monte-carlo"}`, "the action <nil>"},
		"another case":   {`{"Action":"plan"}`, "the action <nil>"},
		"said twice":     {`{"action":"plan","action":"onboard"}`, "the action onboard"},
		"not JSON":       {`{`, "no JSON object"},
		"a list":         {`[{"action":"plan"}]`, "no JSON object"},
		"not a string":   {`{"action":["plan"]}`, "the action [plan]"},
		"said twice, ok": {`{"action":"onboard","action":"plan"}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "request.json")
			if err := os.WriteFile(file, []byte(test.request), 0o600); err != nil {
				t.Fatal(err)
			}
			sent, err := planOnly(file)
			if test.want == "" {
				if err != nil || string(sent) != `{"action":"plan"}` {
					t.Errorf("%s, %v; want one action", sent, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || sent != nil {
				t.Errorf("%s, %v; want %q", sent, err, test.want)
			}
		})
	}
	if _, err := planOnly("nowhere.json"); err == nil || !strings.Contains(err.Error(), "SMOKE_REQUEST") {
		t.Errorf("%v, want what names the file", err)
	}
}

// Without credentials or a Region there is one line that says what to do.
func TestReady(t *testing.T) {
	t.Parallel()
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no EC2 IMDS role found,\noperation error ec2imds")
	})
	some := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
	})
	tests := map[string]struct {
		cfg  aws.Config
		want string
	}{
		"no Region":      {aws.Config{Credentials: some}, "no AWS Region: set AWS_PROFILE"},
		"no provider":    {aws.Config{Region: "us-east-1"}, "no AWS credentials: set AWS_PROFILE"},
		"no credentials": {aws.Config{Region: "us-east-1", Credentials: none}, "no AWS credentials: set AWS_PROFILE"},
		"ready":          {aws.Config{Region: "us-east-1", Credentials: some}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := ready(t.Context(), test.cfg)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, test.want)
			}
		})
	}
}

type fakeEndpoints struct {
	t      *testing.T
	answer error
}

func (f fakeEndpoints) CreateVpcEndpoint(_ context.Context, in *ec2.CreateVpcEndpointInput, _ ...func(*ec2.Options)) (
	*ec2.CreateVpcEndpointOutput, error) {
	if !aws.ToBool(in.DryRun) {
		f.t.Error("CreateVpcEndpoint was called without DryRun")
	}
	return &ec2.CreateVpcEndpointOutput{}, f.answer
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	here := connection.Plan{Network: connection.Network{AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-1"}}
	there := here
	there.Network.AccountID = "444455556666"
	code := func(code string) error { return &smithy.GenericAPIError{Code: code} }
	tests := map[string]struct {
		plan    connection.Plan
		answer  error
		printed string
		fails   string
	}{
		"allowed":            {here, code("DryRunOperation"), "would have been made", ""},
		"the caller may not": {here, code("UnauthorizedOperation"), "unknown", ""},
		"refused":            {here, code("InvalidSubnetID.NotFound"), "", "would have refused"},
		"not reached":        {here, errors.New("timeout"), "", "timeout"},
		"no error":           {here, nil, "", "without an error"},
		"in another account": {there, errors.New("called"), "no dry run", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := dryRun(t.Context(), fakeEndpoints{t, test.answer}, place{account: "111122223333", region: "us-east-1"}, &test.plan, &out)
			if !strings.Contains(out.String(), test.printed) {
				t.Errorf("printed %q, want %q", &out, test.printed)
			}
			if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%v, want %q", err, test.fails)
			}
		})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	got := place{"arn:aws-cn:iam::111122223333:user/me", "111122223333", "cn-north-1"}.machine()
	if want := "arn:aws-cn:states:cn-north-1:111122223333:stateMachine:postern"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// And it is what the stack makes.
	raw, err := os.ReadFile("../testdata/postern.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var stack struct {
		Resources map[string]struct {
			Properties struct{ StateMachineName any }
		}
	}
	if err := json.Unmarshal(raw, &stack); err != nil {
		t.Fatal(err)
	}
	for _, resource := range stack.Resources {
		if resource.Properties.StateMachineName == "postern" {
			return
		}
	}
	t.Error("the template has no state machine postern")
}
