package endpoint

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

const topic = "arn:aws:sns:us-east-1:111122223333:notices"

func want() Want {
	return Want{
		ConnectionID: "monte-carlo/prod", Execution: "arn:exec:1", TopicARN: topic,
		Network: connection.Network{
			AccountID: "111122223333", Region: "us-east-1", VPCID: "vpc-1", SecurityGroupIDs: []string{"sg-1"},
			Subnets: []connection.Subnet{{ID: "subnet-a"}, {ID: "subnet-b"}},
		},
		Service: connection.Service{Name: "svc", Region: "us-east-1"},
	}
}

// ours is an endpoint of want's connection.
func ours(id, state, execution string) types.VpcEndpoint {
	return types.VpcEndpoint{
		VpcEndpointId: aws.String(id), VpcId: aws.String("vpc-1"), ServiceName: aws.String("svc"), State: types.State(state),
		Tags: []types.Tag{
			{Key: aws.String(connection.TagConnection), Value: aws.String("monte-carlo/prod")},
			{Key: aws.String(connection.TagExecution), Value: aws.String(execution)},
			{Key: aws.String(connection.TagManaged), Value: aws.String("true")},
		},
	}
}

func TestEnsureCreates(t *testing.T) {
	t.Parallel()
	fake := &fakeEC2{}
	got, err := client(fake).Ensure(t.Context(), want())
	if err != nil {
		t.Fatal(err)
	}
	created := connection.Endpoint{
		ID: "vpce-00000000000000001", State: connection.StatePendingAcceptance, Created: true,
		NotificationID: "vpce-nfn-00000000000000001",
	}
	if diff := cmp.Diff(created, got); diff != "" {
		t.Error(diff)
	}
	if got := fake.called(); got != "DescribeVpcEndpoints CreateVpcEndpoint CreateVpcEndpointConnectionNotification" {
		t.Errorf("calls: %s", got)
	}
	in := fake.created[0]
	if in.VpcEndpointType != types.VpcEndpointTypeInterface || in.PrivateDnsEnabled == nil || *in.PrivateDnsEnabled ||
		in.PolicyDocument != nil || in.ServiceRegion != nil || !slices.Equal(in.SubnetIds, []string{"subnet-a", "subnet-b"}) ||
		!slices.Equal(in.SecurityGroupIds, []string{"sg-1"}) {
		t.Errorf("request: %+v", in)
	}
	tags := map[string]string{}
	for _, tag := range in.TagSpecifications[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	if diff := cmp.Diff(connection.Tags("monte-carlo/prod", "arn:exec:1"), tags); diff != "" {
		t.Error(diff)
	}
	notification := fake.notifications[0]
	if *notification.ConnectionNotificationArn != topic || !slices.Equal(notification.ConnectionEvents, notifiedEvents) {
		t.Errorf("notification: %+v", notification)
	}
}

func TestEnsureCrossRegion(t *testing.T) {
	t.Parallel()
	fake, w := &fakeEC2{}, want()
	w.Service.Region = "eu-west-1"
	if _, err := client(fake).Ensure(t.Context(), w); err != nil || aws.ToString(fake.created[0].ServiceRegion) != "eu-west-1" {
		t.Errorf("%v, Region %q", err, aws.ToString(fake.created[0].ServiceRegion))
	}
}

// Whatever answer is lost, the next try ends with one endpoint and one notification.
func TestEnsureAgainAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"CreateVpcEndpoint", "CreateVpcEndpointConnectionNotification"} {
		for _, visible := range []bool{true, false} {
			fake := &fakeEC2{lose: map[string][]error{operation: {errors.New("connection reset")}}}
			if _, err := client(fake).Ensure(t.Context(), want()); err == nil {
				t.Fatalf("%s: the answer was not lost", operation)
			}
			hidden := fake.endpoints
			if !visible { // EC2 is eventually consistent: only the token knows the endpoint
				fake.endpoints = nil
				fake.refuse = map[string][]error{}
			}
			api := API(fake)
			if !visible {
				api = &late{fakeEC2: fake, hidden: hidden}
			}
			got, err := New(api, client(fake).log).Ensure(t.Context(), want())
			if err != nil || got.ID != "vpce-00000000000000001" || !got.Created || got.NotificationID != "vpce-nfn-00000000000000001" {
				t.Errorf("%s: %+v, %v", operation, got, err)
			}
			if len(fake.endpoints) != 1 || len(fake.notifications) != 1 {
				t.Errorf("%s: %d endpoints, %d notifications", operation, len(fake.endpoints), len(fake.notifications))
			}
		}
	}
}

func TestEnsureTokenStandsForTheParameters(t *testing.T) {
	t.Parallel()
	tokens := map[string]string{}
	for name, change := range map[string]func(*Want){
		"as it is": func(*Want) {}, "execution": func(w *Want) { w.Execution = "arn:exec:2" },
		"subnets": func(w *Want) { w.Network.Subnets = w.Network.Subnets[:1] }, "service": func(w *Want) { w.Service.Name = "svc2" },
		"groups": func(w *Want) { w.Network.SecurityGroupIDs = []string{"sg-1", "sg-2"} },
		"group or subnet": func(w *Want) {
			w.Network.Subnets, w.Network.SecurityGroupIDs = w.Network.Subnets[:1], []string{"subnet-b", "sg-1"}
		},
	} {
		w := want()
		change(&w)
		token := aws.ToString(w.input().ClientToken)
		if other, ok := tokens[token]; ok {
			t.Errorf("%s and %s have one token", name, other)
		}
		if again := aws.ToString(w.input().ClientToken); again != token {
			t.Errorf("%s: the token changes", name)
		}
		tokens[token] = name
	}
}

func TestEnsureAdopts(t *testing.T) {
	t.Parallel()
	notice := types.ConnectionNotification{
		ConnectionNotificationId: aws.String("nfn"), ConnectionNotificationArn: aws.String(topic), VpcEndpointId: aws.String("vpce-1"),
	}
	elsewhere := notice
	elsewhere.ConnectionNotificationArn = aws.String("arn:another")
	foreign := ours("vpce-1", "available", "arn:exec:0")
	foreign.Tags = nil
	other := ours("vpce-1", "available", "arn:exec:0")
	other.ServiceName = aws.String("svc-other")
	theirs := ours("vpce-1", "available", "arn:exec:0")
	theirs.Tags[0].Value = aws.String("monte-carlo/other")
	corpse := theirs
	corpse.State = "rejected"
	neighbour := foreign
	neighbour.ServiceName = other.ServiceName
	for name, test := range map[string]struct {
		endpoints     []types.VpcEndpoint
		notifications []types.ConnectionNotification
		want          connection.Endpoint
		fault         string
		says          string
	}{
		"waiting": {
			endpoints: []types.VpcEndpoint{ours("vpce-1", "pendingAcceptance", "arn:exec:0")},
			want: connection.Endpoint{ID: "vpce-1", State: connection.StatePendingAcceptance,
				NotificationID: "vpce-nfn-00000000000000001"},
		},
		"available, title case": {
			endpoints:     []types.VpcEndpoint{ours("vpce-1", "Available", "arn:exec:0")},
			notifications: []types.ConnectionNotification{notice},
			want:          connection.Endpoint{ID: "vpce-1", State: connection.StateAvailable},
		},
		"an unknown state": {
			endpoints:     []types.VpcEndpoint{ours("vpce-1", "hibernating", "arn:exec:0")},
			notifications: []types.ConnectionNotification{notice},
			want:          connection.Endpoint{ID: "vpce-1", State: connection.StateUnknown},
		},
		"made by an earlier try": {
			endpoints: []types.VpcEndpoint{ours("vpce-1", "pending", "arn:exec:1")}, notifications: []types.ConnectionNotification{notice},
			want: connection.Endpoint{ID: "vpce-1", State: connection.StatePending, Created: true, NotificationID: "nfn"},
		},
		"another topic's notification does not count": {
			endpoints:     []types.VpcEndpoint{ours("vpce-1", "pending", "arn:exec:0")},
			notifications: []types.ConnectionNotification{elsewhere},
			want:          connection.Endpoint{ID: "vpce-1", State: connection.StatePending, NotificationID: "vpce-nfn-00000000000000002"},
		},
		"corpses are not adopted": {
			endpoints: []types.VpcEndpoint{
				ours("vpce-1", "rejected", "arn:exec:0"), ours("vpce-2", "Deleted", "arn:exec:0"), ours("vpce-3", "expired", "arn:exec:0"),
				ours("vpce-4", "failed", "arn:exec:0"), ours("vpce-5", "deleting", "arn:exec:0"),
			},
			want: connection.Endpoint{
				ID: "vpce-00000000000000006", State: connection.StatePendingAcceptance, Created: true,
				NotificationID: "vpce-nfn-00000000000000001",
			},
		},
		"one among corpses": {
			endpoints: []types.VpcEndpoint{ours("vpce-9", "rejected", "arn:exec:0"), ours("vpce-1", "available", "arn:exec:0")},
			want:      connection.Endpoint{ID: "vpce-1", State: connection.StateAvailable, NotificationID: "vpce-nfn-00000000000000001"},
		},
		"without our tags it is not ours, and one is enough": {
			endpoints: []types.VpcEndpoint{foreign}, fault: connection.Conflict, says: "start again with adoptEndpointId",
		},
		"another connection was faster": {
			endpoints: []types.VpcEndpoint{theirs}, fault: connection.Conflict, says: "of connection monte-carlo/other reaches svc",
		},
		"another connection's corpse, and others for another service": {
			endpoints: []types.VpcEndpoint{corpse, neighbour},
			want: connection.Endpoint{
				ID: "vpce-00000000000000003", State: connection.StatePendingAcceptance, Created: true,
				NotificationID: "vpce-nfn-00000000000000001",
			},
		},
		"two live ones": {
			endpoints: []types.VpcEndpoint{ours("vpce-2", "pending", "arn:exec:0"), ours("vpce-1", "available", "arn:exec:0")},
			fault:     connection.Conflict, says: "vpce-1, vpce-2",
		},
		"another service": {endpoints: []types.VpcEndpoint{other}, fault: connection.Conflict, says: "svc-other"},
	} {
		for _, pageSize := range []int{0, 1} {
			fake := &fakeEC2{
				endpoints: slices.Clone(test.endpoints), notifications: slices.Clone(test.notifications), pageSize: pageSize,
			}
			got, err := client(fake).Ensure(t.Context(), want())
			if connection.NameOf(err) != test.fault || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(test.want, got); err == nil && diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if test.fault != "" && slices.Contains(fake.calls, "CreateVpcEndpoint") {
				t.Errorf("%s: an endpoint was made", name)
			}
		}
	}
}

func TestEnsureExplains(t *testing.T) {
	t.Parallel()
	for answer, test := range map[string]struct{ name, says string }{
		"InvalidServiceName":                {connection.InvalidRequest, "allow-listed"},
		"InvalidParameter":                  {connection.InvalidRequest, "InvalidParameter as AWS says"},
		"DuplicateSubnetsInSameZone":        {connection.InvalidRequest, "one subnet for each zone"},
		"InvalidSubnetId.NotFound":          {connection.InvalidRequest, "deleted since the plan"},
		"IdempotentParameterMismatch":       {connection.Conflict, "new execution"},
		"VpcEndpointLimitExceeded":          {connection.LimitExceeded, "raise the quota"},
		"InsufficientFreeAddressesInSubnet": {connection.LimitExceeded, "free address"},
		"RequestLimitExceeded":              {connection.Throttled, "creating an endpoint for svc"},
		"UnauthorizedOperation":             {connection.AccessDenied, "creating an endpoint for svc"},
		"MadeUp":                            {connection.Internal, "creating an endpoint for svc"},
	} {
		fake := &fakeEC2{refuse: map[string][]error{"CreateVpcEndpoint": {code(answer)}}}
		_, err := client(fake).Ensure(t.Context(), want())
		if step.Name(err) != test.name || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %s: %v", answer, step.Name(err), err)
		}
	}
}

// AWS does not document how it refuses a second notification, so any refusal is looked into.
func TestEnsureToleratesANotificationThatExists(t *testing.T) {
	t.Parallel()
	const create = "CreateVpcEndpointConnectionNotification"
	for _, answer := range []string{"DuplicateNotification", "InvalidParameter"} {
		fake := &fakeEC2{refuse: map[string][]error{create: {code(answer)}}}
		fake.notifications = []types.ConnectionNotification{{
			ConnectionNotificationId: aws.String("nfn"), ConnectionNotificationArn: aws.String(topic),
			VpcEndpointId: aws.String("vpce-00000000000000001"),
		}}
		got, err := client(fake).Ensure(t.Context(), want())
		if err != nil || got.NotificationID != "nfn" {
			t.Errorf("%s: %+v, %v", answer, got, err)
		}
	}
}

// Without a notification the sweep sees what the vendor does: a refusal is no reason to undo an endpoint. What may work when it is
// tried again is tried again.
func TestEnsureWithoutANotification(t *testing.T) {
	t.Parallel()
	const create = "CreateVpcEndpointConnectionNotification"
	for answer, goesOn := range map[string]bool{
		"InvalidParameter": true, "UnauthorizedOperation": true, "RequestLimitExceeded": false, "InternalError": false,
	} {
		fake := &fakeEC2{refuse: map[string][]error{create: {code(answer)}}}
		got, err := client(fake).Ensure(t.Context(), want())
		if (err == nil) != goesOn || goesOn && (!got.Created || got.NotificationID != "") {
			t.Errorf("%s: %+v, %v", answer, got, err)
		}
	}
}

type claims struct {
	err   error
	turns []connection.Turn
}

func (c *claims) Claim(_ context.Context, _ string, turn connection.Turn, _ string, _ time.Time) error {
	c.turns = append(c.turns, turn)
	return c.err
}

func TestHandle(t *testing.T) {
	t.Parallel()
	w := want()
	plan := connection.Plan{ConnectionID: w.ConnectionID, Network: w.Network, Service: w.Service}
	in := connection.Input{Execution: w.Execution, RedriveCount: 2, State: connection.State{Plan: &plan}}

	fake := &fakeEC2{}
	other := &claims{err: connection.Errorf(connection.Conflict, "held")}
	held := Ensurer{Endpoints: client(fake), Claims: other, TopicARN: topic}
	if _, err := held.Handle(t.Context(), in); connection.NameOf(err) != connection.Conflict || len(fake.calls) != 0 {
		t.Errorf("held by another: %v, calls %s", err, fake.called())
	}
	if len(other.turns) != 1 || other.turns[0] != in.Turn() {
		t.Errorf("claimed in %v", other.turns)
	}
	free := Ensurer{Endpoints: client(fake), Claims: &claims{}, TopicARN: topic}
	if got, err := free.Handle(t.Context(), in); err != nil || !got.Created {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := free.Handle(t.Context(), connection.Input{}); connection.NameOf(err) != connection.Internal {
		t.Errorf("no plan: %v", err)
	}
}
