package local_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local"
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
	maps.DeleteFunc(written, func(name string, _ bool) bool { return name == "Postern OverdueCount" }) // the dashboard alone shows it
	if diff := cmp.Diff(slices.Sorted(maps.Keys(watched)), slices.Sorted(maps.Keys(written))); diff != "" {
		t.Errorf("(-watched +written)\n%s", diff)
	}
}
