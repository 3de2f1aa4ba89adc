package events

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

func TestEverySampleIsListed(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := Names()
	if len(names) == 0 {
		t.Fatal("no samples are embedded")
	}
	// One row is for the requests of every action and vendor, which the page lists below it.
	requests := 0
	_, lists, found := strings.Cut(string(readme), "\nACTION is ")
	if !found || !strings.Contains(string(readme), "| `ACTION.VENDOR.json` |") {
		t.Fatal("README.md has no row ACTION.VENDOR.json, or does not say what ACTION is")
	}
	listed := func(name string) bool {
		parts := strings.Split(name, ".")
		if len(parts) != 3 || !slices.Contains(connection.Actions, connection.Action(parts[0])) || parts[1] == "fleet" {
			return strings.Contains(string(readme), "| `"+name+"` |")
		}
		requests++
		return strings.Contains(lists, "`"+parts[0]+"`") && strings.Contains(lists, "`"+parts[1]+"`")
	}
	for _, name := range names {
		if !json.Valid(Read(name)) {
			t.Errorf("%s is not JSON", name)
		}
		if !listed(name) {
			t.Errorf("README.md does not list %s", name)
		}
	}
	if rows := strings.Count(string(readme), ".json` |"); rows != len(names)-requests+1 {
		t.Errorf("README.md lists %d files, there are %d, of which %d are requests of one row", rows, len(names), requests)
	}
}

// Every event that Postern puts on the bus has a sample, and a sample says nothing that the event does not.
func TestEventSamples(t *testing.T) {
	t.Parallel()
	samples := map[string]bool{}
	for _, name := range Names() {
		if !strings.HasPrefix(name, "postern.") {
			continue
		}
		var e struct {
			Source     string
			DetailType string `json:"detail-type"`
			Detail     json.RawMessage
		}
		if err := json.Unmarshal(Read(name), &e); err != nil || e.Source != connection.EventSource {
			t.Errorf("%s: source %q, %v", name, e.Source, err)
		}
		details := map[string]any{
			connection.EventGateOpened: &connection.GateNotice{}, connection.EventGateReminder: &connection.GateReminder{},
			connection.EventDrift: &connection.DriftNotice{}, connection.EventOrphan: &connection.OrphanNotice{},
			connection.EventEndpointState: &connection.Observation{}, connection.EventServiceVisible: &connection.Observation{},
			connection.EventGateStillClosed: &connection.Observation{}, connection.EventAcknowledged: &connection.Observation{},
			connection.EventCancelled: &connection.Observation{},
		}
		if detail, listed := details[e.DetailType]; listed {
			decoder := json.NewDecoder(bytes.NewReader(e.Detail))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(detail); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		samples[e.DetailType] = true
	}
	if diff := cmp.Diff(eventTypes(t), slices.Sorted(maps.Keys(samples))); diff != "" {
		t.Errorf("(-events +samples)\n%s", diff)
	}
}

// eventTypes are the values of the constants of the domain whose names begin with Event, sorted.
func eventTypes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/connection/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, "Event") || spec.Names[0].Name == "EventSource" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, value)
		return true
	})
	slices.Sort(types)
	return types
}

// Every vendor has a request for every action, all of one connection.
func TestRequestSamples(t *testing.T) {
	t.Parallel()
	for _, vendor := range []string{"clickhouse-cloud", "confluent-cloud", "elastic-cloud", "engflow", "monte-carlo", "snowflake"} {
		onboard, err := connection.DecodeRequest(Read("onboard." + vendor + ".json"))
		if err != nil {
			t.Fatalf("onboard.%s.json: %v", vendor, err)
		}
		for _, action := range connection.Actions {
			name := string(action) + "." + vendor + ".json"
			request, err := connection.DecodeRequest(Read(name))
			if err != nil || request.Action != action || request.Vendor != vendor || request.Name != onboard.Name {
				t.Errorf("%s: action %q of %s/%s, %v", name, request.Action, request.Vendor, request.Name, err)
			}
		}
	}
}

func TestFleetRequestSample(t *testing.T) {
	t.Parallel()
	request, err := connection.DecodeFleetRequest(Read("onboard.fleet.json"))
	if err != nil || len(request.Targets) != 2 {
		t.Errorf("%+v, %v", request, err)
	}
}

func TestReadPanicsOnAWrongName(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a sample that does not exist was read")
		}
	}()
	Read("nothing.json")
}
