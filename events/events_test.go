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

func TestRequestSamples(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]connection.Action{
		"onboard.monte-carlo.json":      connection.ActionOnboard,
		"onboard.engflow.json":          connection.ActionOnboard,
		"onboard.snowflake.json":        connection.ActionOnboard,
		"onboard.confluent-cloud.json":  connection.ActionOnboard,
		"onboard.clickhouse-cloud.json": connection.ActionOnboard,
		"onboard.elastic-cloud.json":    connection.ActionOnboard,
		"plan.monte-carlo.json":         connection.ActionPlan,
		"offboard.monte-carlo.json":     connection.ActionOffboard,
		"diagnose.monte-carlo.json":     connection.ActionDiagnose,
		"diagnose.engflow.json":         connection.ActionDiagnose,
		"approve.monte-carlo.json":      connection.ActionApprove,
		"cancel.monte-carlo.json":       connection.ActionCancel,
	} {
		request, err := connection.DecodeRequest(Read(name))
		if err != nil || request.Action != action {
			t.Errorf("%s: action %q, %v", name, request.Action, err)
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
