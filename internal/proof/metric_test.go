package proof_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local"
	localevents "postern/internal/local/events"
	"postern/internal/watch/drift"
	"postern/internal/watch/orphan"
)

// An alarm on a metric that nothing writes never fires, and one that minds its silence never ends: each of ours is written, in the
// namespace and with the dimensions that the alarm has.
func TestAlarmsWatchWhatIsWritten(t *testing.T) {
	t.Parallel()
	watched := map[string]bool{}
	c := open(t, func(config *local.Config) {
		config.Mutate = func(document map[string]any) {
			for _, alarm := range resourcesOf(document, "AWS::CloudWatch::Alarm") {
				properties := alarm["Properties"].(map[string]any)
				if namespace := properties["Namespace"].(string); !strings.HasPrefix(namespace, "AWS/") && properties["Dimensions"] == nil {
					watched[namespace+" "+properties["MetricName"].(string)] = true
				}
			}
			for _, filter := range resourcesOf(document, "AWS::Logs::MetricFilter") {
				for _, raw := range filter["Properties"].(map[string]any)["MetricTransformations"].([]any) {
					made := raw.(map[string]any)
					delete(watched, made["MetricNamespace"].(string)+" "+made["MetricName"].(string)) // CloudWatch writes it
				}
			}
		}
	})
	if status := c.Post("/webhook/standard", http.Header{"Content-Type": {"application/json"}}, ticket(t, nil)).Status; status != http.StatusUnauthorized {
		t.Fatalf("an unsigned delivery: %d", status)
	}
	advance(t, c, 7*time.Hour) // every schedule has run
	written := written(t, c)
	maps.DeleteFunc(written, func(name string, _ bool) bool { return name == "Postern OverdueCount" }) // the dashboard alone shows it
	if diff := cmp.Diff(slices.Sorted(maps.Keys(watched)), slices.Sorted(maps.Keys(written))); diff != "" {
		t.Errorf("(-watched +written)\n%s", diff)
	}
}

// The functions that the schedules seldom run also run once after Postern is deployed, so that no alarm for missing data lasts for
// hours. Postern ignores the deployment of another stack.
func TestDeploymentEndsTheSilence(t *testing.T) {
	t.Parallel()
	const ours = "arn:aws:cloudformation:us-east-1:111122223333:stack/Postern/8c1f7d30-c877-11f0-9b1a-0e5d3f2a7c41"
	c := open(t, func(config *local.Config) {
		config.Mutate = func(document map[string]any) { // the id that CloudFormation gave the stack
			for id, rule := range resourcesOf(document, "AWS::Events::Rule") {
				if strings.HasPrefix(id, "Deployed") {
					rule["Properties"].(map[string]any)["EventPattern"].(map[string]any)["detail"].(map[string]any)["stack-id"] = []any{ours}
				}
			}
		}
	})
	deploy := func(stack, status string) map[string]bool {
		t.Helper()
		detail := fmt.Sprintf(`{"stack-id": %q, "status-details": {"status": %q, "status-reason": ""}, "client-request-token": ""}`, stack, status)
		must(t, c.Events.Emit(localevents.Event{Source: "aws.cloudformation", DetailType: "CloudFormation Stack Status Change",
			Resources: []string{stack}, Detail: json.RawMessage(detail)}))
		advance(t, c, time.Minute)
		return written(t, c)
	}
	for stack, status := range map[string]string{ours: "CREATE_IN_PROGRESS", strings.Replace(ours, "Postern", "Other", 1): "CREATE_COMPLETE"} {
		if got := deploy(stack, status); len(got) > 0 {
			t.Fatalf("%s of %s: %v", status, stack, got)
		}
	}
	if got := deploy(ours, "CREATE_COMPLETE"); !got["Postern "+drift.MetricChecked] || !got["Postern "+orphan.MetricChecked] {
		t.Errorf("after the deployment: %v", got)
	}
}

// written is what the functions wrote to metrics without dimensions.
func written(t *testing.T, c *local.Cloud) map[string]bool {
	t.Helper()
	written := map[string]bool{}
	for _, log := range c.Logs() {
		for line := range strings.Lines(log) {
			var said struct {
				AWS struct {
					CloudWatchMetrics []struct {
						Namespace  string
						Dimensions [][]string
						Metrics    []struct{ Name string }
					}
				} `json:"_aws"`
			}
			if !strings.Contains(line, `"_aws"`) {
				continue
			}
			must(t, json.Unmarshal([]byte(line), &said))
			for _, set := range said.AWS.CloudWatchMetrics {
				for _, one := range set.Metrics {
					if len(set.Dimensions) == 1 && len(set.Dimensions[0]) == 0 {
						written[set.Namespace+" "+one.Name] = true
					}
				}
			}
		}
	}
	return written
}
