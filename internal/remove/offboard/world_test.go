package offboard

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	sdkroute53 "github.com/aws/aws-sdk-go-v2/service/route53"
	sdkssm "github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/bus"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/ssm"
	"postern/internal/local/wire"
	"postern/internal/publish"
	"postern/internal/remove"
	"postern/internal/store"
)

const (
	redrives               = 1 // of the execution
	accountID, region, vpc = "111122223333", "us-east-1", "vpc-0a1b2c3d4e5f60718"
	id, execution, maker   = "monte-carlo/prod", "arn:exec:off", "arn:exec:1"
	vpce, zoneName         = "vpce-0f1e2d3c4b5a69788", "privatelink.getmontecarlo.com"
	host, group            = "artemis." + zoneName, "sg-0a0b0c0d0e0f0a0b0"
	parameter, other       = "/postern/monte-carlo/prod/config.yaml", "monte-carlo/staging"
	topic                  = "arn:aws:sns:us-east-1:111122223333:postern-notifications"
	document               = "container:\n  backendServiceUrl: https://" + host + "\n"
	target                 = vpce + "-0a1b2c3d.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
	waiting, removedFirst  = "waiting until AWS has deleted endpoint " + vpce, "DeleteParameter"
)

var start = time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)

// world is an AWS with a connection in it and the real clients over it.
type world struct {
	t          *testing.T
	clock      *clock.Clock
	ec2        *privatelink.World
	zones      *route53.Service
	parameters *ssm.Service
	server     *wire.Server
	zoneID     string

	registry *registry
	bus      *eventBus
	retries  int
}

type everything struct{}

func (everything) Authorize(string, wire.Permission) wire.Decision {
	return wire.Decision{Allowed: true}
}

// registry is the connection's record.
type registry struct {
	refuses  error
	claimed  []connection.Turn
	finished []store.Result
}

func (r *registry) Claim(_ context.Context, _ string, turn connection.Turn, _ string, _ time.Time) error {
	r.claimed = append(r.claimed, turn)
	return r.refuses
}

func (r *registry) Finish(_ context.Context, result store.Result) error {
	r.finished = append(r.finished, result)
	return nil
}

// eventBus keeps what is put on it, and fails as often as it is asked to.
type eventBus struct {
	fails  int
	events []bus.Event
}

func (b *eventBus) Put(_ context.Context, events ...bus.Event) error {
	if b.fails--; b.fails >= 0 {
		return connection.Errorf(connection.Unavailable, "the bus does not answer")
	}
	b.events = append(b.events, events...)
	return nil
}

// onboarded returns a world in which the connection was onboarded by the execution maker.
func onboarded(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.New(start), registry: &registry{}, bus: &eventBus{}}
	w.ec2 = privatelink.NewWorld(w.clock, privatelink.DefaultOptions())
	w.ec2.AddVPC(privatelink.VPC{ID: vpc, AccountID: accountID, Region: region, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true, DNSHostnames: true})
	w.ec2.AddSecurityGroup(privatelink.SecurityGroup{ID: group, VPCID: vpc, Name: "postern:" + id, Tags: connection.Tags(id, maker)})
	w.ec2.AddEndpoint(privatelink.Endpoint{ID: vpce, VPCID: vpc, AccountID: accountID, State: privatelink.Available, GroupIDs: []string{group}, Tags: connection.Tags(id, maker)})
	w.ec2.AddNotification(privatelink.Notification{ID: "vpce-nfn-0a1b2c3d4e5f60718", EndpointID: vpce, TopicARN: topic})
	w.zones = route53.New(w.clock, w.ec2, route53.DefaultOptions(accountID))
	w.zoneID = w.zones.AddZone(route53.Zone{Name: zoneName, Private: true, CallerReference: "postern:" + id + ":token",
		VPCs:    []route53.VPC{{ID: vpc, Region: region}},
		Records: []route53.Record{{Name: host, Type: "CNAME", TTL: 60, Values: []string{target}}}})
	w.parameters = ssm.New(w.clock, accountID, region)
	w.must(w.parameters.PutByHand(parameter, document))
	w.server = wire.NewServer(wire.Config{AccountID: accountID, Region: region, Now: w.clock.Now, Authorizer: everything{}},
		privatelink.NewService(w.ec2), w.zones, w.parameters)
	w.server.Register("AKIATEST", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/offboard", Function: "offboard"})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func plan(w *world) *connection.Plan {
	return &connection.Plan{
		ConnectionID: id, Decision: connection.DecisionOffboard,
		Network: connection.Network{AccountID: accountID, Region: region, VPCID: vpc}, Service: connection.Service{Name: "svc"},
		Outputs: []connection.Output{{Parameter: parameter, Format: connection.FormatYAML, YAMLPath: "container.backendServiceUrl",
			Value: "https://" + host}},
		Offboard: &connection.OffboardPlan{
			EndpointIDs: []string{vpce}, SecurityGroupID: group, To: "support@vendor.example",
			Config: connection.Config{Parameters: []connection.Parameter{{Name: parameter, Version: 1, Changed: true}}},
			Zones: []connection.DNS{{Mode: connection.ModePrivateHostedZone, ZoneID: w.zoneID, ZoneName: zoneName, ZoneCreated: true,
				Records: []connection.WrittenRecord{{Record: connection.Record{Name: host, Type: connection.RecordCNAME, TTL: 60,
					Value: target}, Changed: true}}}},
		},
	}
}

// try runs offboard once, as the state machine does.
func (w *world) try(p *connection.Plan) (connection.Removal, error) {
	w.t.Helper()
	aws := w.server.AWS("AKIATEST")
	o := &Offboarder{
		Remover: remove.Remover{
			Endpoints: endpoint.New(ec2.NewFromConfig(aws), slog.New(slog.DiscardHandler)), Names: dns.New(sdkroute53.NewFromConfig(aws)),
			Parameters: publish.New(sdkssm.NewFromConfig(aws)), TopicARN: topic,
		},
		Registry: w.registry, Bus: w.bus, Log: slog.New(slog.DiscardHandler),
	}
	in := connection.Input{
		Execution: execution, EnteredAt: w.clock.Now(), RedriveCount: redrives, Retries: w.retries, State: connection.State{Plan: p},
	}
	w.retries++
	return o.Offboard(w.t.Context(), in)
}

// pass lets AWS finish what it began.
func (w *world) pass() {
	w.t.Helper()
	over := false
	w.clock.After(time.Hour, "test", func() { over = true })
	w.must(w.clock.Run(func() bool { return over }, w.clock.Now().Add(time.Hour)))
}

// offboard runs offboard until nothing is pending.
func (w *world) offboard(p *connection.Plan) (connection.Removal, error) {
	w.t.Helper()
	for range 3 {
		removal, err := w.try(p)
		if connection.NameOf(err) != connection.RemovalPending {
			return removal, err
		}
		w.pass()
	}
	return w.try(p)
}

// tag gives the endpoint these tags instead of those that it has.
func (w *world) tag(tags map[string]string) {
	w.t.Helper()
	w.must(w.ec2.ChangeByHand(vpce, func(e *privatelink.Endpoint) { e.Tags = maps.Clone(tags) }))
}

// writes are the calls that changed something, in order.
func (w *world) writes() []string {
	var operations []string
	for _, call := range w.server.Calls() {
		if call.Write && call.Code == "" {
			operations = append(operations, call.Operation)
		}
	}
	return operations
}

func (w *world) deny(operations ...string) { w.fault(wire.Deny, operations...) }

func (w *world) fault(kind wire.FaultKind, operations ...string) {
	w.server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
		if slices.Contains(operations, call.Operation) {
			return &wire.Fault{Kind: kind}
		}
		return nil
	})
}

func contains(lines []string, text string) bool {
	return strings.Contains(strings.Join(lines, "\n"), text)
}

var errHeld = connection.Errorf(connection.Conflict, "another execution holds it")
