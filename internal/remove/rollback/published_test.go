package rollback

import (
	"slices"
	"strings"
	"testing"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

// While a parameter that cannot be undone leads there, nothing that it leads to is undone, and all of it is listed; one that is
// another person's now keeps nothing.
func TestWhatIsPublishedKeepsWhatItLeadsTo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fail error
		call string
		kept bool
	}{
		"denied":               {api("AccessDeniedException"), "publish.Undo", true},
		"its version is gone":  {connection.Errorf(connection.Internal, "gone"), "publish.Undo", true},
		"it cannot be read":    {api("AccessDeniedException"), "publish.Made", true},
		"another person's":     {connection.Errorf(connection.Conflict, "changed"), "publish.Undo", false},
		"nothing was in a way": {nil, "publish.Undo", false},
	} {
		for _, adopted := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := mine("vpce-1", connection.StateAvailable)
				if adopted {
					e.Tags = connection.AdoptionTags(id, execution)
				}
				w := &world{endpoints: []endpoint.Endpoint{e}, fail: map[string]error{test.call: test.fail},
					group: endpoint.SecurityGroup{ID: "sg-1", Tags: connection.Tags(id, execution)}}
				in := reached(statePublishConfig, connection.Unavailable, "no")
				in.State.Plan.SecurityGroup = &connection.SecurityGroupPlan{}
				in.State.Endpoint.Created, in.State.Endpoint.Adopted = !adopted, adopted
				if test.call == "publish.Undo" {
					in.State.Config = &connection.Config{Parameters: []connection.Parameter{{Name: "/p/url", Version: 1, Changed: true}}}
				}
				got, err := w.roll(t, in)
				if connection.NameOf(err) == connection.RollbackPending {
					w.gone()
					got, err = w.roll(t, in)
				}
				if err != nil {
					t.Fatal(err)
				}
				undone := slices.ContainsFunc(w.calls, func(call string) bool {
					return slices.Contains([]string{"dns.Undo", "RemoveNotification", "Remove", "Release", "RemoveGroup"}, strings.Fields(call)[0])
				})
				if undone == test.kept {
					t.Errorf("calls %q", w.calls)
				}
				left := strings.Join(got.Left, "\n")
				for _, thing := range []string{"record " + host, "endpoint vpce-1", "security group sg-1", "correct or delete that parameter"} {
					if strings.Contains(left, thing) != test.kept {
						t.Errorf("%q in %q", thing, left)
					}
				}
				if kept := w.finished[len(w.finished)-1].EndpointID == "vpce-1"; kept != test.kept {
					t.Errorf("%+v", w.finished)
				}
			})
		}
	}
}
