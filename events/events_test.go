package events

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

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
	for _, name := range names {
		if !json.Valid(Read(name)) {
			t.Errorf("%s is not JSON", name)
		}
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("README.md does not list %s", name)
		}
	}
	if rows := strings.Count(string(readme), ".json` |"); rows != len(names) {
		t.Errorf("README.md lists %d files, there are %d", rows, len(names))
	}
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
