package privatelink_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/local/privatelink"
)

const topic = "arn:aws:sns:us-east-1:111122223333:notifications"

func subscribe(id string, events ...string) *ec2.CreateVpcEndpointConnectionNotificationInput {
	return &ec2.CreateVpcEndpointConnectionNotificationInput{
		VpcEndpointId: &id, ConnectionNotificationArn: aws.String(topic), ConnectionEvents: events,
	}
}

func TestConnectionNotifications(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx := t.Context()
	id := c.create()
	in := subscribe(id, "Accept", "Reject")
	in.ClientToken = aws.String("one")
	out, err := c.ec2.CreateVpcEndpointConnectionNotification(ctx, in)
	must(t, err)
	n := out.ConnectionNotification
	if *n.VpcEndpointId != id || n.ConnectionNotificationState != types.ConnectionNotificationStateEnabled ||
		*n.ConnectionNotificationArn != topic ||
		!strings.HasPrefix(*n.ConnectionNotificationId, "vpce-nfn-") || aws.ToString(out.ClientToken) != "one" {
		t.Errorf("got %+v", n)
	}
	equal(t, "events", n.ConnectionEvents, []string{"Accept", "Reject"})
	again, err := c.ec2.CreateVpcEndpointConnectionNotification(ctx, in)
	must(t, err)
	if *again.ConnectionNotification.ConnectionNotificationId != *n.ConnectionNotificationId || len(c.world.Notifications()) != 1 {
		t.Error("the same token made a second notification")
	}
	in.ConnectionEvents = []string{"Accept"}
	_, err = c.ec2.CreateVpcEndpointConnectionNotification(ctx, in)
	wantCode(t, err, "IdempotentParameterMismatch")
	found, err := c.ec2.DescribeVpcEndpointConnectionNotifications(ctx, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		Filters: filter("vpc-endpoint-id", id),
	})
	must(t, err)
	if len(found.ConnectionNotificationSet) != 1 ||
		*found.ConnectionNotificationSet[0].ConnectionNotificationId != *n.ConnectionNotificationId {
		t.Errorf("got %+v", found.ConnectionNotificationSet)
	}
	_, err = c.ec2.DescribeVpcEndpointConnectionNotifications(ctx, &ec2.DescribeVpcEndpointConnectionNotificationsInput{
		ConnectionNotificationId: aws.String("vpce-nfn-9"),
	})
	wantCode(t, err, "InvalidConnectionNotification")
	for code, bad := range map[string]*ec2.CreateVpcEndpointConnectionNotificationInput{
		"InvalidVpcEndpointId.NotFound": subscribe("vpce-9", "Accept"),
		"InvalidParameterValue":         subscribe(id, "Available"),
		"MissingParameter":              subscribe(id, []string{}...),
		"InvalidParameter": {VpcEndpointId: &id, ConnectionNotificationArn: aws.String("topic"),
			ConnectionEvents: []string{"Accept"}},
	} {
		_, err := c.ec2.CreateVpcEndpointConnectionNotification(ctx, bad)
		wantCode(t, err, code)
	}
	deleted, err := c.ec2.DeleteVpcEndpointConnectionNotifications(ctx, &ec2.DeleteVpcEndpointConnectionNotificationsInput{
		ConnectionNotificationIds: []string{*n.ConnectionNotificationId, "vpce-nfn-9"},
	})
	must(t, err)
	if len(deleted.Unsuccessful) != 1 || *deleted.Unsuccessful[0].Error.Code != "InvalidConnectionNotification" ||
		len(c.world.Notifications()) != 0 {
		t.Errorf("got %+v", deleted.Unsuccessful)
	}
}

func TestNotificationMessages(t *testing.T) {
	t.Parallel()
	all := []string{"Accept", "Reject", "Connect", "Delete"}
	tests := []struct {
		name    string
		events  []string
		options func(*privatelink.Options)
		act     func(*cloud, string)
		want    []string
	}{
		{"accept", all, nil, func(c *cloud, id string) { must(c.t, c.vendor.Accept(id)) }, []string{"Accept"}},
		{"reject", all, nil, func(c *cloud, id string) { must(c.t, c.vendor.Reject(id, "no")) }, []string{"Reject"}},
		{"delete", all, nil, func(c *cloud, id string) { must(c.t, c.world.DeleteByHand(id)) }, []string{"Delete"}},
		{"expiry is silent", all, nil, func(c *cloud, id string) { must(c.t, c.vendor.Expire(id)) }, nil},
		{"failure is silent", all, nil, func(c *cloud, id string) { must(c.t, c.vendor.Fail(id, "a", "b")) }, nil},
		{"not asked for", []string{"Reject"}, nil, func(c *cloud, id string) { must(c.t, c.vendor.Accept(id)) }, nil},
		{"false alarm", all, nil, func(c *cloud, id string) { must(c.t, c.world.Notify(id, "Connect")) }, []string{"Connect"}},
		{"lost", all, func(o *privatelink.Options) { o.LoseNotifications = true }, func(c *cloud, id string) {
			must(c.t,
				c.vendor.Accept(id))
		}, nil},
		{"repeated", all, func(o *privatelink.Options) { o.RepeatNotifications = true },
			func(c *cloud, id string) { must(c.t, c.vendor.Accept(id)) }, []string{"Accept", "Accept"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			var got []string
			c.world.OnNotification(func(arn string, message []byte) {
				var body struct{ Note, Event, VpcEndpointID string }
				must(t, json.Unmarshal(message, &body))
				if arn != topic || !strings.HasPrefix(body.Note, "synthetic") || !strings.HasPrefix(body.VpcEndpointID, "vpce-0") {
					t.Errorf("got %s for %s", message, arn)
				}
				if !c.clock.Now().Equal(start.Add(time.Second)) {
					t.Errorf("got it at %s", c.clock.Now())
				}
				got = append(got, body.Event)
			})
			if test.options != nil {
				c.world.Configure(test.options)
			}
			id := c.create()
			_, err := c.ec2.CreateVpcEndpointConnectionNotification(t.Context(), subscribe(id, test.events...))
			must(t, err)
			test.act(c, id)
			if len(got) != 0 {
				t.Error("a message came during the call")
			}
			c.pass(time.Hour)
			equal(t, "messages", got, test.want)
		})
	}
}

func TestMutationsAndRequests(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var heard []string
	c.world.OnMutation(func(event string, ids []string, principal string) {
		heard = append(heard, event+" "+strings.Join(ids, ",")+" "+principal)
	})
	c.world.OnRequest(func(service, id string) { heard = append(heard, "request "+service+" "+id) })
	token := func(in *ec2.CreateVpcEndpointInput) { in.ClientToken = aws.String("one") }
	id := c.create(token)
	c.create(token) // makes nothing, so there is nothing to hear of
	_, err := c.ec2.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id,
		AddSecurityGroupIds: []string{clientGroup}})
	must(t, err)
	must(t, c.vendor.Accept(id)) // the vendor's account, not ours
	_, err = c.ec2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{"vpce-9"}})
	must(t, err)
	must(t, c.world.DeleteByHand(id))
	if len(heard) != 0 {
		t.Errorf("heard %v during the calls", heard)
	}
	c.pass(0)
	const session = "arn:aws:sts::111122223333:assumed-role/tester/tester"
	equal(t, "events", heard, []string{
		"request " + monteCarlo + " " + id, "CreateVpcEndpoint " + id + " " + session, "ModifyVpcEndpoint " + id + " " + session,
		"DeleteVpcEndpoints " + id + " arn:aws:iam::111122223333:user/somebody",
	})
}
