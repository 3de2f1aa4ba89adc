package offboard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/internal/connection"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
	"postern/internal/step"
	"postern/internal/store"
)

// inOrder are the writes that remove a connection: readers lose the configuration first, then the name, then the endpoint.
var inOrder = []string{"DeleteParameter", "ChangeResourceRecordSets", "DeleteHostedZone", "DeleteVpcEndpointConnectionNotifications",
	"DeleteVpcEndpoints", "DeleteSecurityGroup"}

func TestOffboard(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	p := plan(w)
	if _, err := w.try(p); connection.NameOf(err) != connection.RemovalPending || err.Error() != waiting || len(w.registry.finished) > 0 {
		t.Fatalf("%v, %v", err, w.registry.finished)
	}
	w.pass()
	got, err := w.try(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inOrder, w.writes()); diff != "" {
		t.Errorf("writes (-want +got)\n%s", diff)
	}
	want := connection.Removal{At: w.clock.Now(), Kept: []string{}, Removed: []string{"parameter " + parameter + " deleted",
		"record " + host + " deleted, hosted zone " + zoneName + " (" + w.zoneID + ") deleted", "endpoint " + vpce + " deleted",
		"security group " + group + " deleted"}, Notice: notice(p, []string{vpce})}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.Contains(got.Notice.Body, "VPC endpoint ID: "+vpce+"\nVPC endpoint service: svc\nAWS account ID: "+accountID) ||
		got.Notice.To != "support@vendor.example" || len(w.bus.events) != 1 {
		t.Errorf("notice %+v, events %+v", got.Notice, w.bus.events)
	}
	turn := connection.Turn{Execution: execution, EnteredAt: w.clock.Now(), Redrive: redrives, Attempt: w.retries - 1}
	if last := w.registry.claimed[len(w.registry.claimed)-1]; last != turn {
		t.Errorf("claimed in %+v, want %+v", last, turn)
	}
	ended := store.Result{ConnectionID: id, Turn: turn, Status: store.StatusOffboarded}
	if diff := cmp.Diff([]store.Result{ended}, w.registry.finished); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again, err := w.offboard(p)
	if err != nil || !slices.Equal(inOrder, w.writes()) || len(again.Removed) != len(got.Removed) {
		t.Errorf("a second time: %v, %q, %q", err, again.Removed, w.writes())
	}
}

// An endpoint without this connection's tags is never deleted, and its notifications stay; the other things go.
func TestOffboardKeepsOthersEndpoints(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string]map[string]string{
		"another connection's": connection.Tags(other, maker),
		"no tags":              nil,
		"not managed":          {connection.TagConnection: id},
		"adopted":              connection.AdoptionTags(id, maker),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onboarded(t)
			w.tag(tags)
			got, err := w.offboard(plan(w))
			e, _ := w.ec2.Endpoint(vpce)
			if e.State != privatelink.Available || len(w.ec2.Notifications()) != 1 {
				t.Fatalf("%+v, notifications %+v, %v", e, w.ec2.Notifications(), err)
			}
			why := "its tags no longer say that it belongs to this connection"
			if name == "adopted" {
				why = "adopted: not deleted"
			}
			if err != nil || !contains(got.Kept, "endpoint "+vpce+": ") || !contains(got.Kept, why) || got.Notice != nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// Another connection's endpoint is not released.
func TestOffboardReleasesItsOwnOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tags     map[string]string
		released bool
		kept     string // "" for no line
	}{
		"its own":                 {connection.AdoptionTags(id, maker), true, vpce + " was created manually before; Postern's tags were removed"},
		"another connection's":    {connection.AdoptionTags(other, maker), false, "it belongs to connection monte-carlo/staging now"},
		"released already":        {map[string]string{"Name": "theirs"}, false, ""},
		"not adopted any longer":  {connection.Tags(id, maker), false, "it lost its tag postern:adopted"},
		"made for another since":  {connection.Tags(other, maker), false, "it belongs to connection monte-carlo/staging now"},
		"without the managed tag": {map[string]string{connection.TagConnection: other, connection.TagAdopted: maker}, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onboarded(t)
			w.tag(test.tags)
			p := plan(w)
			p.Offboard.AdoptedIDs = []string{vpce}
			p.Offboard.SecurityGroupID = ""
			got, err := w.offboard(p)
			if err != nil || (len(got.Kept) > 0) != (test.kept != "") || !contains(got.Kept, test.kept) || got.Notice != nil {
				t.Errorf("%+v, %v", got, err)
			}
			if e, _ := w.ec2.Endpoint(vpce); e.State != privatelink.Available || cmp.Equal(test.tags, e.Tags) == test.released {
				t.Errorf("%+v", e)
			}
			if released := slices.Contains(w.writes(), "DeleteTags"); released != test.released {
				t.Errorf("writes %q", w.writes())
			}
		})
	}
}

// Nothing is removed before what AWS throttles: what is published points to what exists.
func TestOffboardInOrder(t *testing.T) {
	t.Parallel()
	for i, operation := range inOrder {
		for _, kind := range []wire.FaultKind{wire.Throttle, wire.ServerError} {
			t.Run(operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				w := onboarded(t)
				w.fault(kind, operation)
				_, err := w.offboard(plan(w))
				if name := step.Name(err); name != connection.Throttled && name != connection.Unavailable {
					t.Fatalf("%v", err)
				}
				if diff := cmp.Diff(inOrder[:i], w.writes(), cmpopts.EquateEmpty()); diff != "" || len(w.registry.finished)+len(w.bus.events) > 0 {
					t.Errorf("writes (-want +got)\n%s", diff)
				}
				w.fault(kind)
				if _, err := w.offboard(plan(w)); err != nil || !slices.Equal(inOrder, w.writes()) {
					t.Errorf("then %v, %q", err, w.writes())
				}
			})
		}
	}
}

// While a parameter still points there, everything stays, and the message lists it.
func TestOffboardKeepsWhatIsPublished(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.deny(removedFirst)
	_, err := w.offboard(plan(w))
	if connection.NameOf(err) != connection.RemovalIncomplete || len(w.writes()) > 0 || len(w.registry.finished) > 0 {
		t.Fatalf("%v, %q", err, w.writes())
	}
	for _, line := range []string{"4 things are left", "\n- parameter " + parameter + ": ", "\n- record " + host, "\n- endpoint " + vpce + ": kept, because parameter",
		"\n- security group " + group, "start the same request again"} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%q is not in %s", line, err)
		}
	}
}

// A removal that is refused for good stops no other one, but for the group that the endpoint uses.
func TestOffboardIsIncomplete(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.deny("DeleteHostedZone", "DeleteVpcEndpoints")
	_, err := w.offboard(plan(w))
	if connection.NameOf(err) != connection.RemovalIncomplete || len(w.bus.events)+len(w.registry.finished) > 0 {
		t.Fatalf("%v", err)
	}
	for _, line := range []string{"Left behind:\n- record " + host + " deleted, hosted zone " + zoneName, "\n- endpoint " + vpce + ": deleting endpoint", "Removed:\n- parameter " + parameter} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%q is not in %s", line, err)
		}
	}
	if !slices.Contains(w.writes(), removedFirst) {
		t.Errorf("writes %q", w.writes())
	}
}

// The notice to the vendor is put before the record is closed: when the bus fails, the next try puts it.
func TestOffboardNotifiesBeforeItEnds(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.bus.fails = 1
	if _, err := w.offboard(plan(w)); connection.NameOf(err) != connection.Unavailable || len(w.registry.finished) > 0 {
		t.Fatalf("%v, %+v", err, w.registry.finished)
	}
	if _, err := w.offboard(plan(w)); err != nil || len(w.bus.events) != 1 || len(w.registry.finished) != 1 {
		t.Fatalf("%v, %+v, %+v", err, w.bus.events, w.registry.finished)
	}
	report, ok := w.bus.events[0].Detail.(connection.RemovalReport)
	if !ok || report.ConnectionID != id || !slices.Equal(report.EndpointIDs, []string{vpce}) || len(report.Removed) != 4 {
		t.Errorf("%+v", w.bus.events[0])
	}
}

// Without a deleted endpoint there is nothing to write to the vendor.
func TestOffboardWithoutAnEndpoint(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	p := plan(w)
	p.Offboard.EndpointIDs = nil
	if got, err := w.offboard(p); err != nil || got.Notice != nil || len(w.bus.events) > 0 || len(w.registry.finished) != 1 {
		t.Errorf("%+v, %v, %+v", got, err, w.bus.events)
	}
}

func TestOffboardSaysWhatWasGone(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.must(w.ec2.DeleteByHand(vpce))
	w.pass()
	w.must(w.parameters.DeleteByHand(parameter))
	got, err := w.try(plan(w))
	if err != nil || !slices.Contains(got.Removed, "endpoint "+vpce+" was gone already") ||
		!slices.Contains(got.Removed, "parameter "+parameter+" has nothing of ours any longer") || got.Notice == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOffboardBeginsWithTheClaim(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.registry.refuses = errHeld
	if _, err := w.try(plan(w)); connection.NameOf(err) != connection.Conflict || len(w.server.Calls()) > 0 {
		t.Errorf("%v after %+v", err, w.server.Calls())
	}
	for _, p := range []*connection.Plan{nil, {ConnectionID: id}} {
		if _, err := w.try(p); connection.NameOf(err) != connection.Internal {
			t.Errorf("%v", err)
		}
	}
}

// Our key goes from a document to which others added one; theirs stays.
func TestOffboardLeavesOthersKeys(t *testing.T) {
	t.Parallel()
	w := onboarded(t)
	w.must(w.parameters.PutByHand(parameter, document+"other: 1\n"))
	got, err := w.offboard(plan(w))
	now, there := w.parameters.Get(parameter)
	if err != nil || !there || now.Value != "other: 1\n" {
		t.Fatalf("%q, %v", now.Value, err)
	}
	if line := "parameter " + parameter + " freed of our key container.backendServiceUrl; what others added to it stays"; !slices.Contains(got.Removed, line) {
		t.Errorf("%q", got.Removed)
	}
}
