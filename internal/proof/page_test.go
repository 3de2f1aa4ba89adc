package proof_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// shown returns the page as the dashboard's widget answers.
func shown(t *testing.T, c *local.Cloud) string {
	t.Helper()
	answer, err := c.Invoke("postern-page", []byte(`{"widgetContext": {"theme": "dark", "timezone": {"offsetISO": "+00:00"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var html string
	must(t, json.Unmarshal(answer, &html))
	return html
}

// The page follows a connection through its life.
func TestPage(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	says := func(words ...string) {
		t.Helper()
		html := shown(t, c)
		for _, word := range words {
			if !strings.Contains(html, word) {
				t.Fatalf("the page does not say %q: %s", word, html[strings.Index(html, "</style>"):])
			}
		}
	}
	says("No connections", "2 November 2026, 14:00 UTC")
	execution := begin(t, c)
	advance(t, c, 10*time.Minute)
	says(">Waiting<", "monte-carlo/agents-prod", "0 of 48 business hours", "#/v2/executions/details/"+execution)
	advance(t, c, 49*time.Hour)
	says("1 connection needs you", ">Overdue<", "again to allow-list our account", "49 of 48 business hours", "2 days ago")

	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	advance(t, c, 2*time.Hour)
	endpoints := c.World.Endpoints()
	if len(endpoints) != 1 {
		t.Fatalf("%d endpoints", len(endpoints))
	}
	says("Nothing needs you", ">Onboarded<", "#EndpointDetails:vpcEndpointId="+endpoints[0].ID, "#ListRecordSets/Z",
		"parameters/%252Fpostern%252Fmonte-carlo%252Fagents-prod%252Fconfig.yaml/description", "Certificate: ")

	reject(t, c)
	advance(t, c, 2*time.Hour)
	says("1 connection needs you", ">Drift<", "2 critical", "endpoint-state", "Ask the vendor why the endpoint is no longer available")
	offboard(t, c)
	says("Nothing needs you", ">Offboarded<")
}

// The page says why and where an execution failed, so that no operator has to open the execution itself.
func TestPageOfAFailure(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Reject, After: time.Hour}).Join(c)
	execute(t, c, change(t, func(map[string]any) {}))
	html := shown(t, c)
	for _, word := range []string{">Failed<", "EndpointRejected: The vendor rejected the endpoint connection", "111122223333 · us-east-1", world.VPC} {
		if !strings.Contains(html, word) {
			t.Errorf("the page does not say %q: %s", word, html[strings.Index(html, "</style>"):])
		}
	}
	c.Server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
		if record.Function == "postern-rollback" && call.Operation == "DeleteVpcEndpoints" {
			return &wire.Fault{Kind: wire.Deny}
		}
		return nil
	})
	if ended := execute(t, c, change(t, func(map[string]any) {})); ended.Path[len(ended.Path)-1] != "FailedDirty" {
		t.Fatal(ended.Path, ended.Cause)
	}
	id := ""
	for _, e := range c.World.Endpoints() {
		if e.State != privatelink.Deleted {
			id = e.ID
		}
	}
	if html = shown(t, c); id == "" || !strings.Contains(html, "endpoint "+id+" is still there") || !strings.Contains(html, "#EndpointDetails:vpcEndpointId="+id) {
		t.Errorf("the page does not link to endpoint %s: %s", id, html[strings.Index(html, "</style>"):])
	}
}

// The function reads only what its role allows: not the task token, and no attribute that is removed from the policy.
func TestPageReadsWhatItMay(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	begin(t, c)
	advance(t, c, 10*time.Minute)
	if strings.Contains(shown(t, c), "waitToken") {
		t.Error("the page knows of the token")
	}
	taken := false
	c = open(t, func(config *local.Config) {
		config.Mutate = func(document map[string]any) {
			for id, resource := range resourcesOf(document, "AWS::IAM::Policy") {
				if !strings.HasPrefix(id, "PageRole") {
					continue
				}
				for _, raw := range resource["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
					condition, _ := raw.(map[string]any)["Condition"].(map[string]any)
					if condition == nil {
						continue
					}
					only := condition["ForAllValues:StringEquals"].(map[string]any)
					left := slices.DeleteFunc(only["dynamodb:Attributes"].([]any), func(name any) bool { return name == "expects" })
					taken, only["dynamodb:Attributes"] = true, left
				}
			}
		}
	})
	_, err := c.Invoke("postern-page", []byte(`{}`))
	if !taken || err == nil || !strings.Contains(err.Error(), "is not authorized to perform: dynamodb:Scan") {
		t.Errorf("without the permission to read expects: %v", err)
	}
}

func TestPageIsDescribed(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	answer, err := c.Invoke("postern-page", []byte(`{"describe": true}`))
	if err != nil || !strings.HasPrefix(string(answer), `"## Postern: every connection`) {
		t.Errorf("%.80s, %v", answer, err)
	}
}
