package drift

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/store"
)

var monday = time.Date(2026, 11, 23, 15, 10, 11, 0, time.UTC)

// link is what the samples speak of.
func link() store.Link {
	return store.Link{ConnectionID: "monte-carlo/agents-prod", Expects: connection.Expectation{
		At: monday.Add(-time.Hour), AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718",
		EndpointID: "vpce-0f1e2d3c4b5a69788", ZoneID: "Z0123456789ABCDEFGHIJ", SubnetIDs: []string{"subnet-0a10000000000000a"},
		SecurityGroupIDs: []string{"sg-0e1d2c3b4a5968770"}, Parameters: []string{"/postern/monte-carlo/agents-prod/config.yaml"},
	}}
}

// other is a connection of another account, of which nothing is named.
func other() store.Link {
	return store.Link{ConnectionID: "other", Expects: connection.Expectation{
		At: monday.Add(-time.Hour), AccountID: "222233334444", Region: "us-east-1", VPCID: "vpc-1", EndpointID: "vpce-0f1e2d3c4b5a6978",
		ZoneID: "Z0123456789ABCDEFGHI", Parameters: []string{"/postern/monte-carlo/agents-prod/config"},
	}}
}

func ids(links []store.Link) []string {
	found := []string{}
	for _, link := range links {
		found = append(found, link.ConnectionID)
	}
	return found
}

// Every sample of a change names the one connection, and that one gets deep checks, unless only lists can show the change.
func TestChangesNameTheirConnection(t *testing.T) {
	t.Parallel()
	for name, looks := range map[string]int{
		"cloudtrail.modify": 1, "cloudtrail.delete": 1, "cloudtrail.security-group": 1, "cloudtrail.vpc-attribute": 1,
		"cloudtrail.network-acl": 0, "cloudtrail.record": 1, "cloudtrail.zone": 1, "ssm.parameter-change": 1,
		"postern.endpoint-state-change": 1,
	} {
		w := decodeWake(events.Read(name+".json"), Config{}.ours)
		concerned := w.concerned([]store.Link{other(), link()})
		if w.by != byChange || !slices.Equal(ids(concerned), []string{link().ConnectionID}) || len(w.turns(concerned)) != looks {
			t.Errorf("%s: %q %q concerns %q, %d in turn", name, w.by, w.note, ids(concerned), len(w.turns(concerned)))
		}
		held := link()
		held.Holder = "arn:aws:states:us-east-1:111122223333:execution:postern:one"
		if concerned := w.concerned([]store.Link{held}); len(concerned) > 0 {
			t.Errorf("%s: an execution is changing it", name)
		}
	}
}

func TestNothingToCheck(t *testing.T) {
	t.Parallel()
	modify := string(events.Read("cloudtrail.modify.json"))
	const someone = "assumed-role/admin/someone"
	if !strings.Contains(modify, someone) {
		t.Fatal("the sample is of another connection")
	}
	config := Config{Networks: connection.Networks{{Name: "there", RoleARN: "arn:aws:iam::222233334444:role/of/theirs"}}}
	for name, test := range map[string]struct {
		raw  string
		want string // by
	}{
		"ours":                     {strings.ReplaceAll(modify, someone, "assumed-role/Postern-ConfigureDns-1/postern-configure-dns"), ""},
		"ours, with a named role":  {strings.ReplaceAll(modify, someone, "assumed-role/postern-us-east-1-configure-dns/postern-configure-dns"), ""},
		"ours, in another account": {strings.ReplaceAll(modify, someone, "assumed-role/theirs/postern-configure-dns"), ""},
		"a session named like one": {strings.ReplaceAll(modify, someone, "assumed-role/admin/postern-configure-dns"), byChange},
		"another function's role":  {strings.ReplaceAll(modify, someone, "assumed-role/Postern-Plan-1/postern-configure-dns"), byChange},
		"a session without a name": {strings.ReplaceAll(modify, someone, "assumed-role/postern-operators/postern-"), byChange},
		"a role that is like ours": {strings.ReplaceAll(modify, someone, "assumed-role/postern-operators/alice"), byChange},
		"a user that is like ours": {strings.ReplaceAll(modify, someone, "user/postern-alice"), byChange},
		"refused":                  {strings.Replace(modify, `"eventName"`, `"errorCode": "Client.UnauthorizedOperation", "eventName"`, 1), ""},
		"another event":            {string(events.Read("sns.accept.json")), ""},
		"an odd detail":            {`{"detail-type":"AWS API Call via CloudTrail","detail":["vpce-0f1e2d3c4b5a69788"]}`, ""},
		"no event":                 {`[]`, ""},
		"the schedule":             {string(events.Read("schedule.sweep.json")), bySchedule},
		"a deployment":             {string(events.Read("cloudformation.deployed.json")), bySchedule},
	} {
		if w := decodeWake([]byte(test.raw), config.ours); w.by != test.want || (w.by == "") == (w.note == "") {
			t.Errorf("%s: %q %q", name, w.by, w.note)
		}
	}
}

// A parameter that changed while it was published was changed by the publishing.
func TestOwnPublishingIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, published := decodeWake(events.Read("ssm.parameter-change.json"), Config{}.ours), link()
	published.Expects.At = w.at.Add(-30 * time.Second)
	if found := w.concerned([]store.Link{published}); len(found) > 0 {
		t.Errorf("looked at %q", ids(found))
	}
}

// The connection that was checked longest ago comes first, one with a finding comes each time, and no other before a day has passed.
func TestTurns(t *testing.T) {
	t.Parallel()
	at := func(name string, ago time.Duration, findings ...connection.DriftFinding) store.Link {
		return store.Link{ConnectionID: name, Expects: connection.Expectation{At: monday.Add(-1000 * time.Hour)},
			Drift: connection.Drift{DeepAt: monday.Add(-ago), Findings: findings}}
	}
	w := wake{by: bySchedule, at: monday}
	links := []store.Link{
		at("found", time.Hour, connection.DriftFinding{}), at("young", 23*time.Hour), at("day", 24*time.Hour), at("old", 60*time.Hour),
		{ConnectionID: "new", Expects: connection.Expectation{At: monday.Add(-2 * time.Hour)}},
	}
	if diff := cmp.Diff([]string{"old", "day", "found"}, ids(w.turns(links))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var many []store.Link
	for i := range mostDeep + 7 {
		many = append(many, at(fmt.Sprint(i), time.Duration(100+i)*time.Hour))
	}
	if turns := w.turns(many); len(turns) != mostDeep || turns[0].ConnectionID != fmt.Sprint(mostDeep+6) {
		t.Errorf("%d in turn, %s first", len(turns), turns[0].ConnectionID)
	}
}

// No connection is looked at when the invocation is about to end, and none is taken for looked at.
func TestNoLookWithoutTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), reserve/2)
	defer cancel()
	checker := &Checker{Log: slog.New(slog.DiscardHandler)} // a read of the registry would panic
	if looks := checker.looks(ctx, []store.Link{link(), other()}, monday); len(looks) > 0 {
		t.Errorf("looked at %v", looks)
	}
}

// Without deep checks for three days every deep check is unknown.
func TestUnseenIsUnknown(t *testing.T) {
	t.Parallel()
	l := link()
	l.Expects.At = monday.Add(-1000 * time.Hour)
	l.Drift.DeepAt = monday.Add(-silence + time.Minute)
	if answers := unseen(l, monday); len(answers) > 0 {
		t.Errorf("too early: %v", answers)
	}
	answers := unseen(l, monday.Add(time.Minute))
	if len(answers) != len(deepChecks()) || len(answers) != 7 {
		t.Fatalf("got %v", answers)
	}
	for _, a := range answers {
		if a.Result != connection.DriftUnknown || a.Detail != "not checked since 2026-11-20 15:11 UTC" {
			t.Errorf("got %+v", a)
		}
	}
}
