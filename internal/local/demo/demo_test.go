package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/fleet"
	"postern/internal/local"
	"postern/internal/local/people"
	"postern/internal/local/wire"
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
		"none":             {"", "events/onboard.monte-carlo.json", people.Approve, 26 * time.Hour, false, ""},
		"all":              {"-json -request r.json -vendor reject -after 48h", "r.json", people.Reject, 48 * time.Hour, true, ""},
		"the other door":   {"-door webhook", "events/webhook.standard.json", people.Approve, 26 * time.Hour, false, ""},
		"another in a VPC": {"-vendor approve,vpc-0b2c3d4e5f6071829=reject", "events/onboard.monte-carlo.json", people.Approve, 26 * time.Hour, false, ""},
		"no VPC":           {"-vendor approve,reject", "", "", 0, false, "VPC=BEHAVIOUR"},
		"no such, there":   {"-vendor approve,vpc-1=shout", "", "", 0, false, "shout"},
		"no such vendor":   {"-vendor shout", "", "", 0, false, "shout"},
		"no such door":     {"-door window", "", "", 0, false, "window"},
		"negative wait":    {"-after -1s", "", "", 0, false, "-after"},
		"endless wait":     {"-after 90000h", "", "", 0, false, "-after"},
		"no duration":      {"-after soon", "", "", 0, false, "soon"},
		"unknown flag":     {"-frobnicate", "", "", 0, false, "frobnicate"},
		"a word too many":  {"approve", "", "", 0, false, "approve"},
		"help is no error": {"-help", "", "", 0, false, flag.ErrHelp.Error()},
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

func TestCountsKeepTheSweepApart(t *testing.T) {
	t.Parallel()
	calls := []wire.Recorded{
		{Service: "ec2", Operation: "DescribeVpcs", Origin: "arn"},
		{Service: "ssm", Operation: "PutParameter", Origin: "arn", Write: true},
		{Service: "events", Operation: "PutEvents", Origin: local.OriginOutside, Message: true},
		{Service: "dynamodb", Operation: "Query", Origin: local.OriginSchedule},
		{Service: "events", Operation: "PutEvents", Origin: local.OriginSchedule, Message: true},
	}
	got := count(15, 10, calls)
	got.USD = 0
	want := counts{Transitions: 15, Calls: 3, Writes: 1, Messages: 1, Sweep: 2, Invocations: 10,
		ByCall: map[string]int{"ec2:DescribeVpcs": 1, "ssm:PutParameter": 1, "events:PutEvents": 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
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
			Parameters: map[string]string{"/p/config.yaml": "a:\n  b: c\n"}, Record: &connection.Record{Name: "n", Type: "CNAME", Value: "v"}},
			[]string{"Onboarded", "vpce-1 (available)", "n CNAME v", "/p/config.yaml", "  b: c"}},
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
