package connection

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestFaultsText(t *testing.T) {
	t.Parallel()
	var faults Faults
	if err := faults.Err(); err != nil {
		t.Errorf("no fault: got %v, want nil", err)
	}
	faults.Addf("target.vpcId", "write another", "%s is gone", "vpc-1")
	want := "The request has 1 fault:\n- target.vpcId: vpc-1 is gone; write another"
	if got := faults.Err().Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	faults.Add("", "not JSON", "")
	want = "The request has 2 faults:\n- target.vpcId: vpc-1 is gone; write another\n- not JSON"
	if got := faults.Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// AWS: the cause of a failed execution has at most 32,768 characters, and a state's output 262,144 bytes: a request of nothing
// but faults must still end as InvalidRequest.
func TestFaultsTextIsBounded(t *testing.T) {
	t.Parallel()
	var faults Faults
	for i := range 20_000 {
		faults.Add(fmt.Sprintf("field%d", i), "unknown field", "use one of "+strings.Repeat("x", 100))
	}
	text := faults.Error()
	if len(text) > 20_000 {
		t.Errorf("%d bytes", len(text))
	}
	shown := strings.Count(text, "\n- field")
	if want := fmt.Sprintf("\n- and %d more", 20_000-shown); shown < 50 || !strings.HasSuffix(text, want) {
		t.Errorf("%d faults shown, ending %q, want %q", shown, text[len(text)-40:], want)
	}
}

func TestFaultsCoverAndWithin(t *testing.T) {
	t.Parallel()
	faults := Faults{{Path: "target.subnetIds[1]"}, {Path: "inputs"}}
	tests := []struct {
		path           string
		covers, within bool
	}{
		{"target.subnetIds[1]", true, true},
		{"target.subnetIds", false, true},
		{"target", false, true},
		{"target.subnetIds[10]", false, false},
		{"target.subnet", false, false},
		{"inputs.serviceName", true, false},
		{"inputsX", false, false},
		{"", false, true},
	}
	for _, tt := range tests {
		if got := faults.Covers(tt.path); got != tt.covers {
			t.Errorf("Covers(%q): got %v, want %v", tt.path, got, tt.covers)
		}
		if got := faults.Within(tt.path); got != tt.within {
			t.Errorf("Within(%q): got %v, want %v", tt.path, got, tt.within)
		}
	}
	if whole := (Faults{{Path: ""}}); !whole.Covers("target.vpcId") || !whole.Covers("") {
		t.Error("a fault of the whole request does not cover its fields")
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such thing")
	named := Errorf(Conflict, "zone %s: %w", "z", cause)
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{cause, ""},
		{named, Conflict},
		{fmt.Errorf("planning: %w", named), Conflict},
		{Faults{{Path: "vendor"}}, InvalidRequest},
		{fmt.Errorf("planning: %w", Faults{{Path: "vendor"}}), InvalidRequest},
		{Errorf(Conflict, "outer: %w", Errorf(Throttled, "inner")), Conflict},
	}
	for _, tt := range tests {
		if got := NameOf(tt.err); got != tt.want {
			t.Errorf("NameOf(%v): got %q, want %q", tt.err, got, tt.want)
		}
	}
	if got, want := named.Error(), "zone z: no such thing"; got != want || !errors.Is(named, cause) {
		t.Errorf("got %q, cause kept: %v", got, errors.Is(named, cause))
	}
}
