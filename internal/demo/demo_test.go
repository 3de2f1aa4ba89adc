package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/fleet"
	"postern/internal/local"
	"postern/internal/local/states"
	"postern/internal/proof/handlers"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args    string
		request string
		vendor  people.Behaviour
		after   time.Duration
		json    bool
		error   string
	}{
		"none":              {"", "events/onboard.monte-carlo.json", people.Approve, 26 * time.Hour, false, ""},
		"all":               {"-json -request r.json -vendor reject -after 48h", "r.json", people.Reject, 48 * time.Hour, true, ""},
		"the other door":    {"-door webhook", "events/webhook.standard.json", people.Approve, 26 * time.Hour, false, ""},
		"another in a VPC":  {"-vendor approve,vpc-0b2c3d4e5f6071829=reject", "events/onboard.monte-carlo.json", people.Approve, 26 * time.Hour, false, ""},
		"no VPC":            {"-vendor approve,reject", "", "", 0, false, "VPC=BEHAVIOUR"},
		"no such, there":    {"-vendor approve,vpc-1=shout", "", "", 0, false, "shout"},
		"no such vendor":    {"-vendor shout", "", "", 0, false, "shout"},
		"no such door":      {"-door window", "", "", 0, false, "window"},
		"negative wait":     {"-after -1s", "", "", 0, false, "-after"},
		"approves too late": {"-acknowledge 90000h", "", "", 0, false, "-acknowledge"},
		"approves before":   {"-acknowledge -1h", "", "", 0, false, "-acknowledge"},
		"approves":          {"-acknowledge 30h -vendor ignore", "events/onboard.monte-carlo.json", people.Ignore, 26 * time.Hour, false, ""},
		"endless wait":      {"-after 90000h", "", "", 0, false, "-after"},
		"no duration":       {"-after soon", "", "", 0, false, "soon"},
		"unknown flag":      {"-frobnicate", "", "", 0, false, "frobnicate"},
		"adopt":             {"-adopt", "events/onboard.monte-carlo.adopt.json", people.Approve, 26 * time.Hour, false, ""},
		"adopt refused":     {"-adopt -request r.json", "r.json", people.Approve, 26 * time.Hour, false, ""},
		"break":             {"-break private-dns", "events/diagnose.engflow.json", people.Approve, 26 * time.Hour, false, ""},
		"break of another":  {"-break zone-down -request r.json", "r.json", people.Approve, 26 * time.Hour, false, ""},
		"no such damage":    {"-break china", "", "", 0, false, "china"},
		"break by ticket":   {"-break zone-down -door webhook", "", "", 0, false, "-break"},
		"drift":             {"-drift private-dns", "events/onboard.engflow.json", people.Approve, 26 * time.Hour, false, ""},
		"no such drift":     {"-drift china", "", "", 0, false, "-drift"},
		"drift and break":   {"-drift zone-down -break zone-down", "", "", 0, false, "-drift"},
		"drift by ticket":   {"-drift zone-down -door webhook", "", "", 0, false, "-drift"},
		"serve with json":   {"-serve -json", "", "", 0, false, "-serve"},
		"serve to others":   {"-serve=0.0.0.0:80", "", "", 0, false, "of this machine"},
		"serve badly":       {"-serve=bad", "", "", 0, false, `-serve: "bad" is no address of this machine; write -serve alone`},
		"serve nowhere":     {"-serve=8080", "", "", 0, false, "of this machine"},
		"a word too many":   {"approve", "", "", 0, false, "approve"},
		"help is no error":  {"-help", "", "", 0, false, flag.ErrHelp.Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := parse(strings.Fields(test.args), io.Discard)
			if test.error != "" {
				if err == nil || !strings.Contains(err.Error(), test.error) {
					t.Errorf("error %v, want one that says %q", err, test.error)
				}
				return
			}
			if err != nil || o.request != test.request || o.vendor != test.vendor || o.after != test.after || o.json != test.json {
				t.Errorf("got %+v, %v; want %+v", o, err, test)
			}
		})
	}
	if _, err := parse([]string{"-help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help gives %v", err)
	}
}

// -adopt creates an endpoint of one vendor: the demo refuses the request of another vendor.
func TestAdoptIsOfOneVendor(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-adopt":                                      "",
		"-adopt -door webhook":                        "",
		"-request events/onboard.fleet.json":          "",
		"-adopt -request events/onboard.engflow.json": "the request is of engflow",
		"-adopt -drift private-dns":                   "the request is of engflow",
		"-request events/onboard.engflow.json":        "",
	} {
		o, err := parse(strings.Fields(args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		o.request = "../../" + o.request
		if _, err = o.input(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if err := adoptable([]byte(`{"data": {"vendor": "snowflake"}}`)); err == nil {
		t.Error("a ticket of snowflake takes over what is Monte Carlo's")
	}
}

// An operator gives what came with the allow-listing, or says that the vendor accepted when it did not: the timeline shows both.
func TestApprove(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		request string
		vendor  people.Behaviour
		status  states.Status
		want    []string
	}{
		"brings inputs": {"onboard.monte-carlo.before-allow-listing.json", people.Approve, states.Succeeded, []string{
			"the vendor allow-lists account", "an operator starts an execution with action approve", "approve: an operator says",
			"plans again with what the vendor gave", "an operator gave serviceName, serviceRegion", "Onboarded"}},
		"is wrong": {"onboard.monte-carlo.json", people.Ignore, states.Running, []string{
			"approve: StillClosed", "as pendingacceptance", "approve: nothing was made"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, err := world.Open(local.Config{TemplatePath: "../../infra/testdata/postern.template.json", Functions: handlers.InProcess(),
				Others: []local.Other{{TemplatePath: "../../infra/testdata/postern-agents-research.template.json",
					StackName: "Postern-agents-research", AccountID: world.OtherAccount, Region: world.Region}}})
			if err != nil {
				t.Fatal(err)
			}
			defer cloud.Close() //nolint:errcheck // nothing is left to be closed
			var out strings.Builder
			line := &timeline{out: &out, start: cloud.Clock.Now(), started: time.Now(), names: map[string]string{},
				gates: map[string]connection.Gates{}}
			(&people.Vendor{Behaviour: test.vendor, After: 26 * time.Hour, Tell: func(at time.Time, what string) {
				line.line(at, markPerson, "", what)
			}}).Join(cloud)
			cloud.States.OnState(line.state)
			onboarding, err := cloud.StartExecution("", events.Read(test.request))
			if err != nil {
				t.Fatal(err)
			}
			cloud.Clock.After(30*time.Hour, "an operator approves", func() { approve(cloud, line, onboarding) })
			err = cloud.Advance(60 * time.Hour)
			if is, _ := cloud.States.Execution(onboarding); err != nil || is.Status != test.status {
				t.Fatalf("%s %s: %s, %v", is.Status, is.Error, is.Cause, err)
			}
			rest := out.String()
			for _, want := range test.want {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Fatalf("the timeline does not say %q then:\n%s", want, out.String())
				}
				rest = after
			}
		})
	}
	if _, err := approval([]byte(`{"targets": []}`)); err == nil {
		t.Error("a fleet was approved")
	}
	raw, err := approval(events.Read("onboard.engflow.json"))
	if request, _ := connection.DecodeRequest(raw); err != nil || request.Vendor != "engflow" || len(request.Inputs) > 0 {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestSimulated(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 1499 * time.Millisecond: "1s", 61 * time.Second: "1m 01s", 26 * time.Hour: "1d 02h 00m", 3*time.Hour + 5*time.Second: "3h 00m 05s",
	} {
		if got := simulated(d); got != want {
			t.Errorf("simulated(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestSummarySaysHowItEnded(t *testing.T) {
	t.Parallel()
	plain := func(_, text string) string { return text }
	tests := map[string]struct {
		report report
		want   []string
	}{
		"onboarded": {report{Status: succeeded, Path: []string{"Plan", "Onboarded"}, Endpoint: "vpce-1", State: "available",
			Parameters: map[string]string{"/p/config.yaml": "a:\n  b: c\n"}, Records: []connection.Record{{Name: "n", Type: "CNAME", Value: "v"}}},
			[]string{"Onboarded", "vpce-1 (available)", "n CNAME v", "/p/config.yaml", "  b: c"}},
		"diagnosed": {report{Status: succeeded, Path: []string{"Plan", "Diagnosed"}, Diagnosis: &connection.Diagnosis{
			Cause: "network-acl", Sentence: "A rule stops the packets.", Next: "correct it.", Evidence: []connection.Check{
				{Kind: "tcp", Target: "10.0.0.1:443", Verdict: connection.Fail, Detail: "no answer"},
				{Kind: "tls", Target: "10.0.0.1:443", Verdict: connection.Unknown, Detail: "not run"},
			}}}, []string{"network-acl", "A rule stops the packets.", "correct it.", "✘ tcp", "10.0.0.1:443: no answer", "? tls"}},
		"a fleet": {report{Status: failed, Path: []string{"FleetPartlyFailed"}, Fleet: &fleet.Report{Targets: []fleet.Result{
			{Connection: "a", Status: fleet.Onboarded, MonthlyUSD: 15}, {Connection: "b", Status: fleet.Failed, Error: "E", Cause: "why\nnot"}}}},
			[]string{"targets        a  onboarded  $15.00 a month", "b  failed     -  E: why\n"}},
		"failed": {report{Status: failed, Path: []string{"Plan", "FailedClean"}, Error: "EndpointRejected", Cause: "first\nsecond"},
			[]string{"FailedClean", "EndpointRejected", "first", "second"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			test.report.print(&out, plain)
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the summary does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// What breaks afterwards breaks a connection of its vendor, which asks for every repair there is.
func TestRepairingRequest(t *testing.T) {
	t.Parallel()
	for _, damage := range people.Damages {
		raw, err := repairing(events.Read(strings.TrimPrefix(onboardingOf(damage), "events/")), damage)
		if err != nil {
			t.Fatal(err)
		}
		request, err := connection.DecodeRequest(raw)
		if err != nil || request.Drift.Of(connection.CheckRecord) != connection.PolicyRepair ||
			request.Drift.Of(connection.CheckResolution) != connection.PolicyTicket {
			t.Errorf("%s: %+v, %v", damage.Name, request.Drift, err)
		}
	}
	if _, err := repairing(events.Read("onboard.engflow.json"), people.Damages[0]); err == nil {
		t.Error("another vendor's was taken")
	}
}

func TestOnboardingOfADiagnosis(t *testing.T) {
	t.Parallel()
	for _, damage := range people.Damages {
		raw, err := onboarding(events.Read(strings.TrimPrefix(sampleOf(damage), "events/")), damage)
		if err != nil {
			t.Fatal(err)
		}
		request, err := connection.DecodeRequest(raw)
		if err != nil || request.Action != connection.ActionOnboard || request.Vendor != damage.Vendor || !request.Cutover {
			t.Errorf("%s: %+v, %v", damage.Name, request, err)
		}
	}
	damage := people.Damages[0]
	for name, raw := range map[string][]byte{
		"an onboarding": events.Read("onboard.monte-carlo.json"), "another vendor's": events.Read("diagnose.engflow.json"), "no request": []byte("{}"),
	} {
		if _, err := onboarding(raw, damage); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
