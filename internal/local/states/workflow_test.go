package states_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/states"
)

// workflow is a machine with two waits for a token and a roll back, with its placeholders filled in.
func workflow(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/workflow.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw), "${AWS::Partition}", "aws")
	return regexp.MustCompile(`\$\{(\w+)Function\}`).ReplaceAllString(text, function+"$1")
}

func planned(decision string) string {
	return `{"decision":"` + decision + `","gates":{"allowlist":{"timeoutSeconds":1209600,"heartbeatSeconds":10800},
		"approval":{"timeoutSeconds":1209600,"heartbeatSeconds":10800}},"probe":{"functionName":"probe"}}`
}

const (
	proof = `{"verdict":"pass","at":"2026-11-23T14:00:00Z","host":"h","chain":[],"addresses":[],"checks":[],"notAfter":null}`
	clean = `{"Error":"E","Cause":"C","clean":true}`
)

// vendor answers a waiting gate; the gates are counted from 1.
type vendor func(w *world, client *sfn.Client, gate int, token string)

func accepts(after time.Duration) vendor {
	return func(w *world, client *sfn.Client, _ int, token string) {
		w.clock.After(after, "the vendor", func() {
			_, err := client.SendTaskSuccess(context.Background(), &sfn.SendTaskSuccessInput{
				TaskToken: aws.String(token), Output: aws.String(`{"observedBy":"sweep"}`),
			})
			w.must(err)
		})
	}
}

func rejectsTheSecond(w *world, client *sfn.Client, gate int, token string) {
	if gate == 1 {
		accepts(time.Hour)(w, client, gate, token)
		return
	}
	w.clock.After(time.Hour, "the vendor", func() {
		_, err := client.SendTaskFailure(context.Background(), &sfn.SendTaskFailureInput{
			TaskToken: aws.String(token), Error: aws.String("EndpointRejected"), Cause: aws.String("no"),
		})
		w.must(err)
	})
}

// silent never answers, but the sweep keeps looking.
func silent(w *world, client *sfn.Client, _ int, token string) {
	var beat func()
	beat = func() {
		if _, err := client.SendTaskHeartbeat(context.Background(),
			&sfn.SendTaskHeartbeatInput{TaskToken: aws.String(token)}); err == nil {
			w.clock.After(2*time.Hour, "the sweep", beat)
		}
	}
	beat()
}

// acceptsWatched is accepts while the sweep keeps looking.
func acceptsWatched(after time.Duration) vendor {
	return func(w *world, client *sfn.Client, gate int, token string) {
		silent(w, client, gate, token)
		accepts(after)(w, client, gate, token)
	}
}

func lost(*world, *sfn.Client, int, string) {}

func TestWorkflowPaths(t *testing.T) {
	t.Parallel()
	gates := []string{"Plan", "ServiceVisible", "AwaitAllowlisting", "Plan", "ServiceVisible", "EnsureEndpoint", "AwaitApproval"}
	tail := []string{"AwaitAvailable", "ProbeEndpoint", "ConfigureDNS", "VerifyConnectivity", "PublishConfig", "Onboarded"}
	undone := []string{"Rollback", "RolledBack", "FailedClean"}
	const day = 24 * time.Hour
	tests := map[string]struct {
		answers map[string][]string // beside the happy ones
		vendor  vendor
		path    []string
		error   string
		took    time.Duration // about
		more    int           // transitions beyond the path: retries
	}{
		"both gates":     {nil, accepts(time.Hour), slices.Concat(gates, tail), "", 2 * time.Hour, 0},
		"after two days": {nil, acceptsWatched(48 * time.Hour), slices.Concat(gates, tail), "", 4 * day, 0},
		"already visible": {map[string][]string{"Plan": {planned("proceed")}}, accepts(0),
			slices.Concat(gates[:2], gates[5:], tail), "", 0, 0},
		"dry run": {map[string][]string{"Plan": {planned("planned")}}, lost, []string{"Plan", "ServiceVisible", "Planned"},
			"", 0, 0},
		"refused":          {map[string][]string{"Plan": {"!InvalidRequest"}}, lost, slices.Concat(gates[:1], undone), "E", 0, 0},
		"nonsense planned": {map[string][]string{"Plan": {`{"decision":"dance"}`}}, lost, slices.Concat(gates[:2], undone), "E", 0, 0},
		"throttled": {map[string][]string{"Plan": {"!Throttled", "!Unavailable", planned("planned")}}, lost,
			[]string{"Plan", "ServiceVisible", "Planned"}, "", 0, 2},
		"rejected":              {nil, rejectsTheSecond, slices.Concat(gates, undone), "E", 2 * time.Hour, 0},
		"silent":                {nil, silent, slices.Concat(gates[:3], undone), "E", 14 * day, 0},
		"the heartbeat is lost": {nil, lost, slices.Concat(gates[:3], undone), "E", 3 * time.Hour, 0},
		"slow to become available": {map[string][]string{"AwaitAvailable": {"!EndpointPending", "!EndpointPending", "{}"}},
			accepts(time.Hour),
			slices.Concat(gates, tail), "", 2*time.Hour + 2*time.Minute, 2},
		"the probe never passes": {map[string][]string{"probe": {"!ConnectivityFailed"}}, accepts(0),
			slices.Concat(gates, tail[:2], undone), "E",
			12*time.Minute + 3*time.Second, 8},
		"rollback takes its time": {map[string][]string{"Plan": {"!AccessDenied"}, "Rollback": {"!RollbackPending", clean}}, lost,
			slices.Concat(gates[:1], undone), "E", 0, 1},
		"rollback leaves something": {map[string][]string{"Plan": {"!AccessDenied"},
			"Rollback": {`{"Error":"E","Cause":"C","clean":false}`}}, lost,
			[]string{"Plan", "Rollback", "RolledBack", "FailedDirty"}, "E", 0, 0},
		"rollback crashes": {map[string][]string{"Plan": {"!AccessDenied"}, "Rollback": {"!Internal"}}, lost,
			[]string{"Plan", "Rollback", "RollbackGaveUp", "RollbackBroken", "FailedDirty"}, "Internal", 0, 0},
		"rollback gives up": {map[string][]string{"Plan": {"!AccessDenied"}, "Rollback": {"!Internal", `{"Error":"E","Cause":"C","clean":false}`}}, lost,
			[]string{"Plan", "Rollback", "RollbackGaveUp", "RolledBack", "FailedDirty"}, "E", 0, 0},
	}
	for name, test := range tests {
		for _, heartbeat := range []string{"States.HeartbeatTimeout", "States.Timeout"} {
			t.Run(name+" "+heartbeat, func(t *testing.T) {
				t.Parallel()
				answers := map[string][]string{"Plan": {planned("allowlist"), planned("proceed")}, "probe": {proof}, "Rollback": {clean}}
				for function, own := range test.answers {
					answers[function] = own
				}
				w := open(t, workflow(t), answers)
				w.sfn.HeartbeatError = heartbeat
				client := w.client(nil)
				w.whenWaiting(func(_, token string) { test.vendor(w, client, len(w.fake.tokens), token) })
				e := w.run(`{"vendor":"monte-carlo"}`)
				if diff := cmp.Diff(test.path, e.Path); diff != "" {
					t.Errorf("path (-want +got):\n%s", diff)
				}
				if e.Error != test.error {
					t.Errorf("%s %q, want %q (%s)", e.Status, e.Error, test.error, e.Cause)
				}
				if took := e.StoppedAt.Sub(start); took < test.took || took > test.took+time.Minute {
					t.Errorf("it took %s, want about %s", took, test.took)
				}
				if want := len(test.path) + test.more; e.Transitions != want {
					t.Errorf("%d transitions, want %d", e.Transitions, want)
				}
			})
		}
	}
}

// What the functions are given: Postern's contract with them, connection.Input.
func TestWorkflowInputs(t *testing.T) {
	t.Parallel()
	w := open(t, workflow(t), map[string][]string{"Plan": {planned("proceed")}, "probe": {proof}})
	client := w.client(nil)
	w.whenWaiting(func(_, token string) { accepts(time.Minute)(w, client, 1, token) })
	w.run(`{"vendor":"monte-carlo"}`)
	payload := func(state string) string {
		for _, call := range w.fake.calls {
			if call.State == state {
				return string(call.Payload)
			}
		}
		t.Fatalf("%s called nothing", state)
		return ""
	}
	jsonEqual(t, []byte(payload("Plan")), `{"execution":"`+executionARN+`","enteredAt":"2026-11-23T14:00:00.000Z",
		"request":{"vendor":"monte-carlo"},"state":{"vendor":"monte-carlo"}}`)
	for state, want := range map[string]string{
		"AwaitApproval": `"gate":"approval"`, "ProbeEndpoint": `"mode":"endpoint"`, "VerifyConnectivity": `"mode":"hostname"`,
		"PublishConfig": `"observedBy":"sweep"`,
	} {
		if got := payload(state); !strings.Contains(got, want) || strings.Contains(got, "[task token]") {
			t.Errorf("%s is given %s, want %s in it", state, got, want)
		}
	}
	for _, call := range w.fake.calls {
		if call.State != "AwaitApproval" && strings.Contains(string(call.Payload), w.fake.lastToken()) {
			t.Errorf("%s is given the token", call.State)
		}
	}
}

// Two runs of one scenario are the same run, to the last event.
func TestWorkflowIsDeterministic(t *testing.T) {
	t.Parallel()
	run := func() []states.StateEvent {
		w := open(t, workflow(t), map[string][]string{
			"Plan": {"!Throttled", planned("allowlist"), "!Throttled", planned("proceed")}, "probe": {proof}, "Rollback": {clean},
		})
		client := w.client(nil)
		w.whenWaiting(func(_, token string) { accepts(time.Hour)(w, client, 1, token) })
		w.run(`{}`)
		return w.events
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}
