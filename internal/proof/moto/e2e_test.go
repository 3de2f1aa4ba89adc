package moto_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/proof/moto"
)

// patience is how long the whole run may take, in real time.
const patience = 5 * time.Minute

// TestOnboardings deploys the stack to moto and onboards Monte Carlo and EngFlow there. It is what make e2e runs: it needs what
// make host builds, and the CDK command line.
func TestOnboardings(t *testing.T) {
	if os.Getenv("POSTERN_E2E") == "" {
		t.Skip("make e2e runs this")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	version, err := moto.Find(ctx)
	if errors.Is(err, moto.ErrMissing) {
		t.Skip("SKIPPED, nothing was checked: ", err)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "build/e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	gateway, err := moto.NewGateway(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, gateway.Close)
	account := gateway.World.AccountID()
	server, err := moto.Start(ctx, dir, account, gateway.Port())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, server.Close)
	t.Logf("moto %s at %s", version, server.URL)
	if err := gateway.Serve(server.URL); err != nil {
		t.Fatal(err)
	}

	out, err := os.Create(filepath.Join(dir, "cdk.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, out.Close)
	cdk := moto.CDK{
		Root: root, Dir: dir, Stack: "Postern", Account: account, Endpoint: server.URL, Out: out,
		Command: strings.Fields(os.Getenv("POSTERN_CDK")),
	}
	for _, phase := range []struct {
		name string
		do   func(context.Context) error
	}{{"synthesize", cdk.Synthesize}, {"cdk bootstrap", cdk.Bootstrap}, {"cdk deploy --method direct", cdk.Deploy}} {
		began := time.Now()
		if err := phase.do(ctx); err != nil {
			t.Fatalf("%v; see %s", err, out.Name())
		}
		t.Logf("%s: %.1fs", phase.name, time.Since(began).Seconds())
	}
	stack, err := moto.ReadStack(ctx, server.URL, cdk.Stack, cdk.Template())
	if err != nil {
		t.Fatal(err)
	}
	checkCreated(t, stack)
	if err := gateway.Connect(stack, cdk.Assembly()); err != nil {
		t.Fatal(err)
	}
	machine, err := stack.Machine("postern")
	if err != nil {
		t.Fatal(err)
	}
	table, err := stack.Of("AWS::DynamoDB::Table", "Connections")
	if err != nil {
		t.Fatal(err)
	}
	answer(t, gateway)
	zones := 0
	for _, request := range []string{"onboard.monte-carlo.json", "onboard.engflow.json"} {
		began := time.Now()
		w := &witness{moto: server.URL, machine: machine, table: table, gateway: gateway, cdk: cdk, zones: zones}
		w.onboard(ctx, t, request)
		zones = len(gateway.Zones(world.VPC))
		t.Logf("%s: %.1fs", request, time.Since(began).Seconds())
	}
	for _, fault := range gateway.Faults() {
		t.Error(fault)
	}
	t.Logf("calls through the gateway: %v", gateway.Calls())
	if t.Failed() {
		for name, log := range gateway.Logs() {
			t.Logf("%s:\n%s", name, log)
		}
	}
}

func closing(t *testing.T, f func() error) {
	t.Helper()
	if err := f(); err != nil {
		t.Error(err)
	}
}

// checkCreated checks that moto made every resource of the types it must, each under a name.
func checkCreated(t *testing.T, stack *moto.Stack) {
	t.Helper()
	made := map[string]int{}
	for id, declared := range stack.Template.Resources {
		if _, ignored := moto.Ignored[declared.Type]; ignored {
			if got, known := stack.Resources[id]; known {
				t.Errorf("moto makes %s now: move %s from Ignored to Created", got.LogicalID, declared.Type)
			}
			continue
		}
		if !slices.Contains(moto.Created, declared.Type) {
			t.Errorf("%s is of type %s, which is neither in Created nor in Ignored", id, declared.Type)
		}
		if got, known := stack.Resources[id]; !known || got.Type != declared.Type || got.Status != "CREATE_COMPLETE" {
			t.Errorf("moto did not make %s, %s: %+v", id, declared.Type, got)
		}
		made[declared.Type]++
	}
	if len(stack.Functions) != made["AWS::Lambda::Function"] {
		t.Errorf("moto lists %d functions, the template has %d", len(stack.Functions), made["AWS::Lambda::Function"])
	}
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		lines = append(lines, fmt.Sprintf("%d %s", made[kind], kind))
	}
	t.Logf("moto made %s", strings.Join(lines, ", "))
}

// answer plays the vendors: they read the operators' mail and do what it asks, at once.
func answer(t *testing.T, gateway *moto.Gateway) {
	t.Helper()
	world := gateway.World
	gateway.OnMail(func(_, body string) {
		for _, service := range world.Services() {
			if !strings.Contains(body, service.Name) {
				continue
			}
			vendor := world.Vendor(service.Name)
			if !slices.Contains(service.AllowedAccounts, world.AccountID()) {
				if err := vendor.Allow(world.AccountID()); err != nil {
					t.Error(err)
				}
				t.Logf("the vendor of %s allow-lists the account", service.Name)
			}
			for _, id := range vendor.Waiting() {
				if err := vendor.Accept(id); err != nil {
					t.Error(err)
				}
				t.Logf("the vendor accepts %s", id)
			}
		}
	})
}

// onboard runs a request in moto and in the embedded cloud, and compares.
func (w *witness) onboard(ctx context.Context, t *testing.T, request string) {
	t.Helper()
	input, err := os.ReadFile("../../../events/" + request)
	if err != nil {
		t.Fatal(err)
	}
	want := w.embedded(t, input)
	got, err := moto.Run(ctx, w.moto, w.machine, strings.TrimSuffix(filepath.Base(request), ".json"), input)
	t.Logf("%s: %s, %s", request, got.Status, strings.Join(got.Path, " > "))
	if err != nil || got.Status != types.ExecutionStatusSucceeded {
		t.Errorf("%s: %v %s: %s\n%s\n%s", got.Status, err, got.Error, got.Cause, strings.Join(got.Failures, "\n"), strings.Join(w.gateway.Faults(), "\n"))
		return
	}
	if diff := cmp.Diff(want.Path, got.Path); diff != "" {
		t.Errorf("path (-embedded +moto):\n%s", diff)
	}
	var state connection.State
	if err := json.Unmarshal(got.Output, &state); err != nil {
		t.Fatal(err)
	}
	w.checkPublished(ctx, t, state)
	w.checkItem(ctx, t, state)
	w.checkZones(t)
	checkTokens(t, w.gateway, got)
}

// embedded runs a request in the embedded cloud, with the same template and the same executables.
func (w *witness) embedded(t *testing.T, input []byte) states.Execution {
	t.Helper()
	cloud, err := world.Open(local.Config{TemplatePath: w.cdk.Template(), Assembly: w.cdk.Assembly(), Mode: local.Process})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, cloud.Close) })
	cloud.World.Configure(func(o *privatelink.Options) { o.AvailableAfter, o.ModifiedAfter = 0, 0 })
	(&people.Vendor{Behaviour: people.Approve}).Join(cloud)
	arn, err := cloud.StartExecution("", input)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := cloud.Run(arn, 24*time.Hour)
	if err != nil || ended.Status != states.Succeeded {
		t.Fatalf("the embedded cloud: %v %s: %s", err, ended.Error, ended.Cause)
	}
	w.cloud = cloud
	return ended
}
