package drift

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"postern/internal/connection"
	"postern/internal/store"
)

// trail answers for CloudTrail: with the events of a resource in the time that is asked for, the newest first.
type trail struct {
	events map[string][]types.Event // by resource name, the newest first
	fail   map[string]error
	asked  []string
	region []string
}

func (c *trail) LookupEvents(_ context.Context, in *cloudtrail.LookupEventsInput, _ ...func(*cloudtrail.Options)) (
	*cloudtrail.LookupEventsOutput, error) {
	if len(in.LookupAttributes) != 1 || in.LookupAttributes[0].AttributeKey != types.LookupAttributeKeyResourceName {
		panic("AWS takes one attribute")
	}
	name := aws.ToString(in.LookupAttributes[0].AttributeValue)
	c.asked = append(c.asked, name)
	var events []types.Event
	for _, e := range c.events[name] {
		if !e.EventTime.Before(*in.StartTime) && (in.EndTime == nil || !e.EventTime.After(*in.EndTime)) {
			events = append(events, e)
		}
	}
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &cloudtrail.LookupEventsOutput{Events: events[from:min(from+50, len(events))]}
	if from+50 < len(events) {
		out.NextToken = aws.String(strconv.Itoa(from + 50))
	}
	return out, c.fail[name]
}

func (c *trail) of(_ connection.Access, region string) Trail {
	c.region = append(c.region, region)
	return c
}

const (
	alice = "arn:aws:iam::111122223333:user/alice"
	bob   = "arn:aws:sts::111122223333:assumed-role/admin/bob"
	own   = "arn:aws:sts::111122223333:assumed-role/Postern-ConfigureDns-1/postern-configure-dns"
)

// called is a call of a principal, minutes before monday.
func called(minutes int, arn, name string, more map[string]any) types.Event {
	detail := map[string]any{"userIdentity": map[string]any{"arn": arn}}
	for key, value := range more {
		detail[key] = value
	}
	raw, _ := json.Marshal(detail)
	return types.Event{EventTime: aws.Time(monday.Add(-time.Duration(minutes) * time.Minute)), EventName: aws.String(name),
		ReadOnly: aws.String("false"), CloudTrailEvent: aws.String(string(raw)), Username: aws.String("a name")}
}

func read(e types.Event) types.Event {
	e.ReadOnly = aws.String("true")
	return e
}

func TestWho(t *testing.T) {
	t.Parallel()
	odd := called(1, alice, "ModifyVpcEndpoint", nil)
	odd.CloudTrailEvent = aws.String("not JSON")
	nameless := odd
	nameless.Username = nil
	refused := map[string]any{"errorCode": "Client.UnauthorizedOperation"}
	tests := map[string]struct {
		events []types.Event
		want   string
	}{
		"no call":                    {nil, ""},
		"another caller":             {[]types.Event{called(1, alice, "ModifyVpcEndpoint", nil)}, alice + " (ModifyVpcEndpoint)"},
		"the newest of two":          {[]types.Event{called(1, bob, "DeleteTags", nil), called(2, alice, "ModifyVpcEndpoint", nil)}, bob + " (DeleteTags)"},
		"we ourselves":               {[]types.Event{called(1, own, "ModifyVpcEndpoint", nil)}, ""},
		"a session named like ours":  {[]types.Event{called(1, strings.Replace(bob, "/bob", "/postern-plan", 1), "DeleteTags", nil)}, strings.Replace(bob, "/bob", "/postern-plan", 1) + " (DeleteTags)"},
		"another caller before us":   {[]types.Event{called(1, own, "ModifyVpcEndpoint", nil), called(2, alice, "DeleteTags", nil)}, alice + " (DeleteTags)"},
		"who only looked":            {[]types.Event{read(called(1, alice, "DescribeVpcEndpoints", nil))}, ""},
		"before one who only looked": {[]types.Event{read(called(1, alice, "DescribeVpcEndpoints", nil)), called(2, bob, "DeleteTags", nil)}, bob + " (DeleteTags)"},
		"who was refused":            {[]types.Event{called(1, alice, "ModifyVpcEndpoint", refused)}, ""},
		"before one who was refused": {[]types.Event{called(1, alice, "ModifyVpcEndpoint", refused), called(2, bob, "DeleteTags", nil)}, bob + " (DeleteTags)"},
		"too long ago":               {[]types.Event{called(27*60, alice, "ModifyVpcEndpoint", nil)}, ""},
		"an odd event":               {[]types.Event{odd}, "a name (ModifyVpcEndpoint)"},
		"an event without a name":    {[]types.Event{nameless, called(2, bob, "DeleteTags", nil)}, bob + " (DeleteTags)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := link()
			c := trail{events: map[string][]types.Event{l.Expects.EndpointID: test.events}}
			if got := named(t, &c, l, finding(connection.CheckPrivateDNS, connection.DriftFound)); got.By != test.want {
				t.Errorf("by %q, want %q", got.By, test.want)
			}
			if !slices.Equal(c.asked, []string{l.Expects.EndpointID}) || !slices.Equal(c.region, []string{""}) {
				t.Errorf("asked for %q in %q", c.asked, c.region)
			}
		})
	}
}

func named(t *testing.T, c *trail, l store.Link, f connection.DriftFinding) connection.DriftFinding {
	t.Helper()
	drift := connection.Drift{Findings: []connection.DriftFinding{f}}
	(&Checker{Trails: c.of, Log: slog.New(slog.DiscardHandler)}).history().name(t.Context(), wake{at: monday}, l, &drift)
	return drift.Findings[0]
}

// Where CloudTrail has the events of what a check looks at, and by which names.
func TestWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	e := link().Expects
	of := func(names ...string) []string { return names }
	want := map[connection.DriftCheck]struct {
		region string
		things []string
	}{
		connection.CheckEndpointState:  {"", of(e.EndpointID)},
		connection.CheckEndpoint:       {"", of(e.EndpointID)},
		connection.CheckSubnets:        {"", of(e.EndpointID)},
		connection.CheckInterfaces:     {"", of(e.EndpointID)},
		connection.CheckSecurityGroups: {"", append(of(e.EndpointID), e.SecurityGroupIDs...)},
		connection.CheckPrivateDNS:     {"", of(e.EndpointID)},
		connection.CheckVPCDNS:         {"", of(e.VPCID)},
		connection.CheckZone:           {"us-east-1", of(e.ZoneID)},
		connection.CheckRecord:         {"us-east-1", of(e.ZoneID)},
		connection.CheckPolicy:         {"", of(e.EndpointID)},
		connection.CheckParameters:     {"", e.Parameters},
		connection.CheckTags:           {"", of(e.EndpointID)},
		connection.CheckNotification:   {"", of(e.EndpointID)},
	}
	for _, info := range connection.DriftChecks {
		region, things := changed(info.Check, e)
		if region != want[info.Check].region || !slices.Equal(things, want[info.Check].things) {
			t.Errorf("%s: %q in %q", info.Check, things, region)
		}
		if info.Repairable && len(things) == 0 {
			t.Errorf("%s is repaired, and CloudTrail is not asked who changed it", info.Check)
		}
		if _, things := changed(info.Check, connection.Expectation{}); len(things) > 0 {
			t.Errorf("%s of nothing: %q, whose events would be everybody's", info.Check, things)
		}
	}
}

// An unknown caller is no error, and hides no other.
func TestWhoOfSeveralThings(t *testing.T) {
	t.Parallel()
	l := link()
	group := l.Expects.SecurityGroupIDs[0]
	events := map[string][]types.Event{
		l.Expects.EndpointID: {called(9, alice, "ModifyVpcEndpoint", nil)}, group: {called(3, bob, "RevokeSecurityGroupIngress", nil)},
	}
	for name, test := range map[string]struct {
		fail map[string]error
		want string
	}{
		"both are known":      {nil, bob + " (RevokeSecurityGroupIngress)"},
		"one cannot be read":  {map[string]error{group: errors.New("throttled")}, alice + " (ModifyVpcEndpoint)"},
		"the other":           {map[string]error{l.Expects.EndpointID: errors.New("throttled")}, bob + " (RevokeSecurityGroupIngress)"},
		"nothing can be read": {map[string]error{group: errors.New("denied"), l.Expects.EndpointID: errors.New("denied")}, ""},
	} {
		c := trail{events: events, fail: test.fail}
		if got := named(t, &c, l, finding(connection.CheckSecurityGroups, connection.DriftFound)); got.By != test.want {
			t.Errorf("%s: by %q, want %q", name, got.By, test.want)
		}
	}
}

// It is asked until it is known, for two hours; CloudTrail is not asked about an unknown check.
func TestWhenWhoIsAsked(t *testing.T) {
	t.Parallel()
	known := finding(connection.CheckRecord, connection.DriftFound)
	known.By = alice + " (ChangeResourceRecordSets)"
	old := finding(connection.CheckRecord, connection.DriftFound)
	old.Since = monday.Add(-lateness - time.Second)
	for name, test := range map[string]struct {
		finding connection.DriftFinding
		asked   bool
	}{
		"new":               {finding(connection.CheckRecord, connection.DriftFound), true},
		"known":             {known, false},
		"old":               {old, false},
		"unknown":           {finding(connection.CheckRecord, connection.DriftUnknown), false},
		"nothing to ask of": {finding(connection.CheckCertificate, connection.DriftFound), false},
	} {
		var c trail
		if got := named(t, &c, link(), test.finding); got.By != test.finding.By || (len(c.asked) > 0) != test.asked {
			t.Errorf("%s: asked for %q, by %q", name, c.asked, got.By)
		}
		if test.asked && !slices.Equal(c.region, []string{globalRegion}) {
			t.Errorf("%s: asked in %q", name, c.region)
		}
	}
}

// The call that woke the check names its caller before CloudTrail's history does, for the findings that it opened about what it names.
func TestWhoWoke(t *testing.T) {
	t.Parallel()
	l, c := link(), trail{}
	w := wake{at: monday, caller: "arn:aws:iam::1:user/alice (ModifyVpcEndpoint)", detail: []byte(`{"id":"` + l.Expects.EndpointID + `"}`)}
	earlier, opened, other := finding(connection.CheckTags, connection.DriftFound), finding(connection.CheckPrivateDNS, connection.DriftFound),
		finding(connection.CheckZone, connection.DriftFound)
	earlier.Since, opened.Since, other.Since = monday.Add(-time.Hour), monday, monday
	drift := connection.Drift{Findings: []connection.DriftFinding{earlier, opened, other}}
	(&Checker{Trails: c.of, Log: slog.New(slog.DiscardHandler)}).history().name(t.Context(), w, l, &drift)
	for i, want := range []string{"", w.caller, ""} {
		if got := drift.Findings[i].By; got != want {
			t.Errorf("%s: by %q, want %q", drift.Findings[i].Check, got, want)
		}
	}
}

// Our own calls may fill pages before another caller's: so many are read, and no more.
func TestWhoBehindManyOfOurs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ours, asked int
		want        string
	}{
		"on the first page":  {49, 1, alice + " (DeleteTags)"},
		"on the second":      {50, 2, alice + " (DeleteTags)"},
		"on the last":        {50*mostPages - 1, mostPages, alice + " (DeleteTags)"},
		"further than asked": {50 * mostPages, mostPages, ""},
	} {
		l := link()
		var events []types.Event
		for range test.ours {
			events = append(events, called(1, own, "ModifyVpcEndpoint", nil))
		}
		c := trail{events: map[string][]types.Event{l.Expects.EndpointID: append(events, called(2, alice, "DeleteTags", nil))}}
		got := named(t, &c, l, finding(connection.CheckTags, connection.DriftFound))
		if got.By != test.want || len(c.asked) != test.asked {
			t.Errorf("%s: by %q after %d calls, want %q after %d", name, got.By, len(c.asked), test.want, test.asked)
		}
	}
}

// What many connections share is asked for once in a run, and no run asks for ever: the rest is named by a later one.
func TestWhoOfManyConnections(t *testing.T) {
	t.Parallel()
	shared := trail{events: map[string][]types.Event{}}
	each := trail{events: map[string][]types.Event{}}
	c := Checker{Log: slog.New(slog.DiscardHandler)}
	c.Trails = shared.of
	once := c.history()
	c.Trails = each.of
	bounded := c.history()
	named := 0
	for i := range mostLookups + 10 {
		l := link()
		shared.events[l.Expects.VPCID] = []types.Event{called(2, alice, "ModifyVpcAttribute", nil)}
		vpc := connection.Drift{Findings: []connection.DriftFinding{finding(connection.CheckVPCDNS, connection.DriftFound)}}
		once.name(t.Context(), wake{at: monday}, l, &vpc)
		if vpc.Findings[0].By == "" {
			t.Fatalf("connection %d: no caller", i)
		}
		l.Expects.EndpointID += strconv.Itoa(i)
		each.events[l.Expects.EndpointID] = []types.Event{called(2, alice, "DeleteTags", nil)}
		tags := connection.Drift{Findings: []connection.DriftFinding{finding(connection.CheckTags, connection.DriftFound)}}
		bounded.name(t.Context(), wake{at: monday}, l, &tags)
		if tags.Findings[0].By != "" {
			named++
		}
	}
	if len(shared.asked) != 1 || len(each.asked) != mostLookups || named != mostLookups {
		t.Errorf("%d calls for what is shared; %d for what is not, which named %d", len(shared.asked), len(each.asked), named)
	}
}
