package endpoint

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

// handMade is an endpoint that was created manually, with tags.
func handMade(state string, tags map[string]string) types.VpcEndpoint {
	e := ours("vpce-1", state, "")
	e.Tags = append([]types.Tag{{Key: aws.String("Name"), Value: aws.String("manual")}}, tagList(tags)...)
	return e
}

func adopting() Want {
	w := want()
	w.AdoptID = "vpce-1"
	return w
}

func TestEnsureTakesOver(t *testing.T) {
	t.Parallel()
	mine := connection.AdoptionTags("monte-carlo/prod", "arn:exec:1")
	earlier := connection.AdoptionTags("monte-carlo/prod", "arn:exec:0")
	const looks = "DescribeVpcEndpoints"
	elsewhere := handMade("available", nil)
	elsewhere.VpcId = aws.String("vpc-2")
	for name, test := range map[string]struct {
		endpoint types.VpcEndpoint
		refuse   string // of CreateTags
		tags     map[string]string
		fault    string
		says     string
		calls    string // up to the notification's
	}{
		"available":                          {endpoint: handMade("available", nil), tags: mine, calls: looks + " " + looks + " CreateTags"},
		"pending":                            {endpoint: handMade("pendingAcceptance", nil), tags: mine, calls: looks + " " + looks + " CreateTags"},
		"taken over by an earlier try":       {endpoint: handMade("available", mine), tags: mine, calls: looks},
		"taken over by an earlier execution": {endpoint: handMade("available", earlier), tags: earlier, calls: looks},
		"deleted meanwhile":                  {endpoint: handMade("deleted", nil), fault: connection.EndpointDeleted, says: "is deleted"},
		"rejected meanwhile":                 {endpoint: handMade("rejected", nil), fault: connection.EndpointRejected, says: "is rejected"},
		"another connection's": {endpoint: handMade("available", connection.AdoptionTags("monte-carlo/other", "arn:exec:9")),
			fault: connection.Conflict, says: "belongs to the connection monte-carlo/other by now"},
		"marked for no connection": {endpoint: handMade("available", map[string]string{connection.TagManaged: "true"}), fault: connection.Conflict,
			says: "carries tags that begin with postern:"},
		"in another VPC": {endpoint: elsewhere, fault: connection.Conflict, says: "is in vpc-2 for svc, not in vpc-1 for svc"},
		"denied":         {endpoint: handMade("available", nil), refuse: "UnauthorizedOperation", fault: connection.AccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeEC2{endpoints: []types.VpcEndpoint{test.endpoint}}
			if test.refuse != "" {
				fake.refuse = map[string][]error{"CreateTags": {code(test.refuse)}}
			}
			before := fake.endpoints[0]
			got, err := client(fake).Ensure(t.Context(), adopting())
			if test.fault != "" {
				if step.Name(err) != test.fault || !strings.Contains(err.Error(), test.says) || slices.Contains(fake.calls, "CreateVpcEndpoint") {
					t.Errorf("%v after %v", err, fake.calls)
				}
				if diff := cmp.Diff(endpointOf(before), endpointOf(fake.endpoints[0])); diff != "" {
					t.Error(diff)
				}
				return
			}
			if err != nil || got.ID != "vpce-1" || got.Created || !got.Adopted || got.NotificationID == "" {
				t.Fatalf("%+v, %v", got, err)
			}
			now := endpointOf(fake.endpoints[0])
			if now.Tags["Name"] != "manual" || now.Tags[connection.TagAdopted] != test.tags[connection.TagAdopted] ||
				now.Connection() != "monte-carlo/prod" || !strings.HasPrefix(fake.called(), test.calls+" DescribeVpcEndpointConnectionNotifications") {
				t.Errorf("%v after %s", now.Tags, fake.called())
			}
		})
	}
	two := &fakeEC2{endpoints: []types.VpcEndpoint{ours("vpce-2", "available", "arn:exec:0"), handMade("available", nil)}}
	if _, err := client(two).Ensure(t.Context(), adopting()); connection.NameOf(err) != connection.Conflict {
		t.Errorf("beside an endpoint of its own: %v", err)
	}
}

// overtaken is an EC2 that denies our tags because another connection's came a moment before.
type overtaken struct {
	*fakeEC2
	tags map[string]string
}

func (o overtaken) CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	o.endpoints[0].Tags = append(o.endpoints[0].Tags, tagList(o.tags)...)
	return nil, code("UnauthorizedOperation")
}

func TestTakingOverIsARace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tags  map[string]string
		fault string
	}{
		"our own tags, whose answer was lost": {connection.AdoptionTags("monte-carlo/prod", "arn:exec:1"), ""},
		"another connection was faster":       {connection.AdoptionTags("monte-carlo/other", "arn:exec:9"), connection.Conflict},
	} {
		fake := &fakeEC2{endpoints: []types.VpcEndpoint{handMade("available", nil)}}
		got, err := New(overtaken{fake, test.tags}, client(fake).log).Ensure(t.Context(), adopting())
		if connection.NameOf(err) != test.fault || (err == nil) != (test.fault == "") || err == nil && !got.Adopted {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	taken := connection.AdoptionTags("monte-carlo/prod", "arn:exec:1")
	switched := connection.AdoptionTags("monte-carlo/prod", "arn:exec:1")
	switched[connection.TagPrivateDNS] = "arn:exec:1"
	on := func(e types.VpcEndpoint) types.VpcEndpoint { e.PrivateDnsEnabled = aws.Bool(true); return e }
	made := ours("vpce-1", "available", "arn:exec:1")
	for name, test := range map[string]struct {
		endpoint types.VpcEndpoint
		refuse   map[string][]error
		calls    string
		off      bool // private DNS afterwards
		fault    string
	}{
		"as it was":              {endpoint: handMade("available", taken), calls: "DeleteVpcEndpointConnectionNotifications DeleteTags", off: true},
		"private DNS by us":      {endpoint: on(handMade("available", switched)), calls: "ModifyVpcEndpoint", off: true},
		"private DNS by others":  {endpoint: on(handMade("available", taken)), calls: "DeleteTags"},
		"rejected":               {endpoint: handMade("rejected", taken), calls: "DeleteTags", off: true},
		"deleted":                {endpoint: handMade("deleted", taken), off: true},
		"handed back before":     {endpoint: handMade("available", nil), off: true},
		"made by us":             {endpoint: made, off: true},
		"another connection's":   {endpoint: handMade("available", connection.AdoptionTags("monte-carlo/other", "arn:exec:1")), off: true, fault: connection.Conflict},
		"AWS refuses the switch": {endpoint: on(handMade("available", switched)), refuse: map[string][]error{"ModifyVpcEndpoint": {code("InvalidParameter")}}, fault: connection.Conflict},
		"AWS refuses the tags":   {endpoint: handMade("available", taken), refuse: map[string][]error{"DeleteTags": {code("UnauthorizedOperation")}}, off: true, fault: connection.AccessDenied},
		"gone at last":           {endpoint: handMade("available", taken), refuse: map[string][]error{"DeleteTags": {code("InvalidVpcEndpointId.NotFound")}}, off: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := types.ConnectionNotification{VpcEndpointId: aws.String("vpce-1"), ConnectionNotificationId: aws.String("nfn-theirs"),
				ConnectionNotificationArn: aws.String("arn:another")}
			mine := theirs
			mine.ConnectionNotificationId, mine.ConnectionNotificationArn = aws.String("nfn-ours"), aws.String(topic)
			fake := &fakeEC2{endpoints: []types.VpcEndpoint{test.endpoint}, refuse: test.refuse,
				notifications: []types.ConnectionNotification{theirs, mine}}
			if err := client(fake).Release(t.Context(), "vpce-1", "monte-carlo/prod", topic); (err != nil) != (test.fault != "") || err != nil && step.Name(err) != test.fault {
				t.Fatalf("%v", err)
			}
			now := endpointOf(fake.endpoints[0])
			if !strings.Contains(fake.called(), test.calls) || now.PrivateDNSEnabled == test.off {
				t.Errorf("private DNS %v after %s", now.PrivateDNSEnabled, fake.called())
			}
			if test.calls == "" || test.fault != "" {
				if slices.Contains(fake.calls, "DeleteTags") && test.refuse == nil {
					t.Errorf("calls %s", fake.called())
				}
				return
			}
			if diff := cmp.Diff(map[string]string{"Name": "manual"}, now.Tags); diff != "" {
				t.Error(diff)
			}
			if len(fake.notifications) != 1 || aws.ToString(fake.notifications[0].ConnectionNotificationId) != "nfn-theirs" {
				t.Errorf("notifications %+v", fake.notifications)
			}
		})
	}
	fake := &fakeEC2{endpoints: []types.VpcEndpoint{handMade("available", taken)}}
	if err := client(fake).Release(t.Context(), "vpce-1", "monte-carlo/prod", ""); err == nil {
		t.Error("no topic: whose notification is it?")
	}
	if err := client(fake).Remove(t.Context(), "vpce-1", "monte-carlo/prod"); connection.NameOf(err) != connection.Conflict || slices.Contains(fake.calls, "DeleteVpcEndpoints") {
		t.Errorf("an adopted endpoint was deleted: %v", err)
	}
}
