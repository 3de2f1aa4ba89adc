package endpoint

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

// repairing is a repair of checks, by a later execution than the one that onboarded vpce-1.
func repairing(checks ...connection.DriftCheck) Want {
	w := want()
	w.Execution = "arn:exec:2"
	w.Repair = &connection.RepairPlan{
		Checks: checks, Execution: "arn:exec:1",
		Endpoint: connection.Endpoint{ID: "vpce-1", State: connection.StateAvailable, Created: true, NotificationID: "vpce-nfn-1"},
	}
	return w
}

// onboarded is the endpoint as it was verified, with its notification.
func onboarded() *fakeEC2 {
	e := ours("vpce-1", "available", "arn:exec:1")
	e.SubnetIds, e.Groups = []string{"subnet-a", "subnet-b"}, groupsOf("sg-1")
	return &fakeEC2{endpoints: []types.VpcEndpoint{e}, notifications: []types.ConnectionNotification{{
		ConnectionNotificationId: aws.String("vpce-nfn-1"), ConnectionNotificationArn: aws.String(topic), VpcEndpointId: aws.String("vpce-1"),
	}}}
}

// written are the calls that change something.
func (f *fakeEC2) written() []string {
	return slices.DeleteFunc(slices.Clone(f.calls), func(call string) bool { return strings.HasPrefix(call, "Describe") })
}

var endpointChecks = []connection.DriftCheck{
	connection.CheckSubnets, connection.CheckSecurityGroups, connection.CheckPrivateDNS, connection.CheckTags, connection.CheckNotification,
}

// Each check is put right by one call when it is named, and by none when it is not, or when a repair has done it.
func TestRepair(t *testing.T) {
	t.Parallel()
	tests := map[connection.DriftCheck]struct {
		damage func(*fakeEC2)
		call   string
	}{
		connection.CheckSubnets: {func(f *fakeEC2) { f.endpoints[0].SubnetIds = []string{"subnet-b", "subnet-c"} }, "ModifyVpcEndpoint"},
		connection.CheckSecurityGroups: {func(f *fakeEC2) { f.endpoints[0].Groups = groupsOf("sg-2", "sg-3") },
			"ModifyVpcEndpoint"},
		connection.CheckPrivateDNS: {func(f *fakeEC2) { f.endpoints[0].PrivateDnsEnabled = aws.Bool(true) }, "ModifyVpcEndpoint"},
		connection.CheckTags:       {func(f *fakeEC2) { f.endpoints[0].Tags = nil }, "CreateTags"},
		connection.CheckNotification: {func(f *fakeEC2) { f.notifications[0].ConnectionNotificationArn = aws.String("arn:theirs") },
			"CreateVpcEndpointConnectionNotification"},
	}
	if len(tests) != len(endpointChecks) {
		t.Fatal("not every check")
	}
	for check, test := range tests {
		t.Run(string(check), func(t *testing.T) {
			t.Parallel()
			others := slices.DeleteFunc(slices.Clone(endpointChecks), func(c connection.DriftCheck) bool { return c == check })
			fake := onboarded()
			test.damage(fake)
			if _, err := client(fake).Ensure(t.Context(), repairing(others...)); err != nil || len(fake.written()) > 0 {
				t.Fatalf("a repair of others: %q, %v", fake.written(), err)
			}
			done, err := client(fake).Ensure(t.Context(), repairing(check))
			if err != nil || !slices.Equal(fake.written(), []string{test.call}) {
				t.Fatalf("wrote %q, %v", fake.written(), err)
			}
			if done.ID != "vpce-1" || done.Created || done.State != connection.StateAvailable {
				t.Errorf("done %+v", done)
			}
			now, was := endpointOf(fake.endpoints[0]), endpointOf(onboarded().endpoints[0])
			slices.Sort(now.SubnetIDs)
			if check == connection.CheckTags {
				if now.Tags[connection.TagExecution] != "" {
					t.Error("it carries the tag of an execution, whose rollback would delete it")
				}
				delete(was.Tags, connection.TagExecution)
			}
			if diff := cmp.Diff(was, now); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if made := done.NotificationID != ""; made != (check == connection.CheckNotification) {
				t.Errorf("notification %q", done.NotificationID)
			}
			if _, err := client(fake).Ensure(t.Context(), repairing(endpointChecks...)); err != nil || len(fake.written()) != 1 {
				t.Errorf("again: %q, %v", fake.written(), err)
			}
		})
	}
}

// Subnets, groups and private DNS change in one call: AWS takes no second one while the first is at work.
func TestRepairModifiesOnce(t *testing.T) {
	t.Parallel()
	fake := onboarded()
	e := &fake.endpoints[0]
	e.SubnetIds, e.Groups, e.PrivateDnsEnabled = []string{"subnet-c"}, groupsOf("sg-2"), aws.Bool(true)
	if _, err := client(fake).Ensure(t.Context(), repairing(endpointChecks...)); err != nil || !slices.Equal(fake.written(), []string{"ModifyVpcEndpoint"}) {
		t.Fatalf("wrote %q, %v", fake.written(), err)
	}
	if now := endpointOf(*e); !slices.Equal(now.SubnetIDs, []string{"subnet-a", "subnet-b"}) || !slices.Equal(now.SecurityGroupIDs, []string{"sg-1"}) ||
		now.PrivateDNSEnabled {
		t.Errorf("got %+v", now)
	}
}

// To switch private DNS on is for the step that waits for it; what was on before the connection stays on.
func TestRepairOfPrivateDNS(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		now, planned, before bool
		want                 bool
	}{
		"off, as planned":              {},
		"on, as planned":               {now: true, planned: true, want: true},
		"off, to be on":                {planned: true},
		"on, to be off":                {now: true},
		"on, as it was before Postern": {now: true, before: true, want: true},
	} {
		fake := onboarded()
		fake.endpoints[0].PrivateDnsEnabled = aws.Bool(test.now)
		w := repairing(connection.CheckPrivateDNS)
		w.PrivateDNS = test.planned
		w.Repair.Endpoint.Adopted, w.Repair.Endpoint.PrivateDNSEnabled = test.before, test.before
		_, err := client(fake).Ensure(t.Context(), w)
		if now := endpointOf(fake.endpoints[0]).PrivateDNSEnabled; err != nil || now != test.want {
			t.Errorf("%s: on %v, %v", name, now, err)
		}
	}
}

// The tags that come back are those that say whose endpoint it is; other people's stay.
func TestRepairOfTags(t *testing.T) {
	t.Parallel()
	adopted := connection.AdoptionTags("monte-carlo/prod", "arn:exec:1")
	owned := map[string]string{connection.TagConnection: "monte-carlo/prod", connection.TagManaged: "true"}
	for name, test := range map[string]struct {
		has     map[string]string
		adopted bool
		want    map[string]string
	}{
		"ours, all gone":          {has: map[string]string{}, want: owned},
		"ours, connection's gone": {has: map[string]string{connection.TagManaged: "true"}, want: owned},
		"adopted, all gone":       {has: map[string]string{}, adopted: true, want: adopted},
		"ours, managed is gone":   {has: map[string]string{connection.TagConnection: "monte-carlo/prod"}, want: owned},
		"adopted, managed and connection are gone": {has: map[string]string{connection.TagAdopted: "arn:exec:0"}, adopted: true,
			want: connection.AdoptionTags("monte-carlo/prod", "arn:exec:0")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := onboarded()
			fake.endpoints[0].Tags = append([]types.Tag{{Key: aws.String("Name"), Value: aws.String("theirs")}}, tagList(test.has)...)
			w := repairing(connection.CheckTags)
			w.Repair.Endpoint.Adopted = test.adopted
			if _, err := client(fake).Ensure(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			tags := endpointOf(fake.endpoints[0]).Tags
			if tags["Name"] != "theirs" {
				t.Error("theirs is gone")
			}
			delete(tags, "Name")
			if diff := cmp.Diff(test.want, tags); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The group that Postern made gets the rules that it lacks, and keeps those that others added; a repair of something else does not
// look for it.
func TestRepairOfOurGroup(t *testing.T) {
	t.Parallel()
	grouped := func(checks ...connection.DriftCheck) Want {
		w := repairing(checks...)
		w.Network.SecurityGroupIDs = nil
		w.Group = &connection.SecurityGroupPlan{Name: "postern:monte-carlo/prod", Ports: []int{443}, CIDRs: []string{"10.20.0.0/16"}}
		w.Repair.Endpoint.SecurityGroupID = "sg-own"
		return w
	}
	tests := map[string]struct {
		tags   map[string]string
		groups []string // of the endpoint
		checks []connection.DriftCheck
		group  string
		writes []string
	}{
		"a rule is gone": {connection.Tags("monte-carlo/prod", "arn:exec:1"), []string{"sg-own"},
			[]connection.DriftCheck{connection.CheckSecurityGroups}, "sg-own", []string{"AuthorizeSecurityGroupIngress"}},
		"a rule is gone, and another group is there": {connection.Tags("monte-carlo/prod", "arn:exec:1"), []string{"sg-own", "sg-2"},
			[]connection.DriftCheck{connection.CheckSecurityGroups}, "sg-own", []string{"AuthorizeSecurityGroupIngress", "ModifyVpcEndpoint"}},
		"no longer ours": {nil, []string{"sg-own"}, []connection.DriftCheck{connection.CheckSecurityGroups}, "sg-new1",
			[]string{"CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "ModifyVpcEndpoint"}},
		"something else is repaired": {connection.Tags("monte-carlo/prod", "arn:exec:1"), []string{"sg-2"},
			[]connection.DriftCheck{connection.CheckTags, connection.CheckRecord}, "sg-own", nil},
		"something else is repaired, and it lost its tags": {nil, []string{"sg-own"}, []connection.DriftCheck{connection.CheckRecord},
			"sg-own", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := onboarded()
			fake.endpoints[0].Groups = groupsOf(test.groups...)
			fake.groups = []types.SecurityGroup{{GroupId: aws.String("sg-own"), VpcId: aws.String("vpc-1"), Tags: tagList(test.tags)}}
			done, err := client(fake).Ensure(t.Context(), grouped(test.checks...))
			if err != nil || done.SecurityGroupID != test.group || !slices.Equal(fake.written(), test.writes) {
				t.Fatalf("group %q after %q, %v", done.SecurityGroupID, fake.written(), err)
			}
			if now := endpointOf(fake.endpoints[0]).SecurityGroupIDs; test.writes != nil && !slices.Equal(now, []string{test.group}) {
				t.Errorf("groups %q", now)
			}
		})
	}
}

// What is no longer the connection's endpoint is left alone, and none is ever made in its place.
func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage func(*types.VpcEndpoint)
		fault  string
		says   string
	}{
		"rejected": {func(e *types.VpcEndpoint) { e.State = "rejected" }, connection.EndpointRejected, "is rejected: a repair replaces none"},
		"deleted":  {func(e *types.VpcEndpoint) { e.State = "deleted" }, connection.EndpointDeleted, "is deleted: a repair replaces none"},
		"expired":  {func(e *types.VpcEndpoint) { e.State = "expired" }, connection.EndpointExpired, "is expired: a repair replaces none"},
		"absent":   {func(e *types.VpcEndpoint) { e.VpcEndpointId = aws.String("vpce-2") }, connection.EndpointDeleted, "vpce-1"},
		"in another VPC": {func(e *types.VpcEndpoint) { e.VpcId = aws.String("vpc-2") }, connection.Conflict,
			"of svc in vpc-2 is no longer that of connection monte-carlo/prod"},
		"of another service": {func(e *types.VpcEndpoint) { e.ServiceName = aws.String("svc-2") }, connection.Conflict, "of svc-2 in vpc-1"},
		"another connection's": {func(e *types.VpcEndpoint) { e.Tags = tagList(connection.Tags("monte-carlo/other", "arn:exec:9")) },
			connection.Conflict, "is no longer that of connection monte-carlo/prod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := onboarded()
			fake.endpoints[0].SubnetIds = nil
			test.damage(&fake.endpoints[0])
			_, err := client(fake).Ensure(t.Context(), repairing(endpointChecks...))
			if step.Name(err) != test.fault || !strings.Contains(err.Error(), test.says) || len(fake.written()) > 0 {
				t.Errorf("%v after %q", err, fake.written())
			}
		})
	}
	handed := onboarded()
	handed.endpoints[0].Tags = tagList(map[string]string{connection.TagConnection: "monte-carlo/prod", connection.TagManaged: "true"})
	w := repairing(connection.CheckTags)
	w.Repair.Endpoint.Adopted = true
	if _, err := client(handed).Ensure(t.Context(), w); connection.NameOf(err) != connection.Conflict || len(handed.written()) > 0 ||
		!strings.Contains(err.Error(), "set it again manually, with the value arn:exec:1") {
		t.Errorf("what may have been ours: %v", err)
	}
	for operation, check := range map[string]connection.DriftCheck{
		"ModifyVpcEndpoint": connection.CheckSubnets, "CreateTags": connection.CheckTags,
	} {
		fake := onboarded()
		fake.endpoints[0].SubnetIds, fake.endpoints[0].Tags = nil, nil
		fake.refuse = map[string][]error{operation: {code("UnauthorizedOperation")}}
		if _, err := client(fake).Ensure(t.Context(), repairing(check)); step.Name(err) != connection.AccessDenied ||
			!strings.Contains(err.Error(), "vpce-1") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}
