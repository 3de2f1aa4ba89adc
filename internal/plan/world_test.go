package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/store"
)

const (
	execution  = "arn:aws:states:us-east-1:111122223333:execution:postern:monte-carlo-agents-prod-1"
	connID     = "monte-carlo/agents-prod"
	otherID    = "monte-carlo/other"
	accountID  = "111122223333"
	vpcID      = "vpc-0a1b2c3d4e5f60718"
	subnetA    = "subnet-0a10000000000000a"
	subnetB    = "subnet-0b10000000000000b"
	subnetC    = "subnet-0c10000000000000c"
	endpointSG = "sg-0e0000000000000e1"
	clientSG   = "sg-0c0000000000000c1"
	mcService  = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	// remoteService is Monte Carlo's in another Region.
	remoteService = "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0"
	hostname      = "artemis.privatelink.getmontecarlo.com"
	parentZone    = "privatelink.getmontecarlo.com"
)

// world is the AWS that a plan reads: the demo's network and vendor. It has no method that writes, and the embedded interfaces
// make a call it does not know panic. fail makes a call fail by name.
type world struct {
	Endpoints
	Zones
	Parameters
	Holders

	vpcs      map[string]endpoint.VPC
	subnets   map[string]endpoint.Subnet
	groups    map[string]endpoint.SecurityGroup
	service   connection.Service
	endpoints []endpoint.Endpoint
	zones     []dns.Zone
	ourZones  []string
	// zonesOfOthers are the connections that other zones were made for, and otherLedger and otherHolder what the registry has of them.
	zonesOfOthers map[string]string
	otherLedger   *connection.Ledger
	otherHolder   string
	values        map[string]publish.Existing
	holder        string
	holderEnded   bool
	ticket        string // that the connection belongs to
	taken         bool   // the connection is not free
	ran           []byte // what the holder was asked for, and when it began
	ranSince      time.Time
	made          map[string]connection.Parameter
	ledger        *connection.Ledger
	owned         map[string][]connection.DNS    // by VPC
	present       map[string][]connection.Record // by zone
	// What only a diagnosis reads: by endpoint, by zone, and a zone of ours that the VPC does not have.
	interfaces map[string][]connection.NetworkInterface
	records    map[string][]connection.ZoneRecord
	acls       []endpoint.NetworkACL
	apart      dns.Zone

	fail  map[string]error
	calls []string
}

func newWorld() *world {
	return &world{
		vpcs: map[string]endpoint.VPC{vpcID: {ID: vpcID, CIDRs: []string{"10.20.0.0/16"}, DNSSupport: true, DNSHostnames: true}},
		subnets: map[string]endpoint.Subnet{
			subnetA: {ID: subnetA, VPCID: vpcID, AZ: "us-east-1a", AZID: "use1-az1", FreeAddresses: 200},
			subnetB: {ID: subnetB, VPCID: vpcID, AZ: "us-east-1b", AZID: "use1-az2", FreeAddresses: 200},
			subnetC: {ID: subnetC, VPCID: vpcID, AZ: "us-east-1c", AZID: "use1-az3", FreeAddresses: 200},
		},
		groups: map[string]endpoint.SecurityGroup{
			endpointSG: {ID: endpointSG, VPCID: vpcID, Inbound: []endpoint.Rule{tcp(443, 443, "10.20.0.0/16")}},
			clientSG:   {ID: clientSG, VPCID: vpcID},
		},
		service: connection.Service{
			Name: mcService, Region: "us-east-1", Visible: true, AcceptanceRequired: true, Type: "Interface",
			AZIDs: []string{"use1-az1", "use1-az2"},
		},
		values: map[string]publish.Existing{},
		fail:   map[string]error{},
	}
}

func tcp(from, to int, cidrs ...string) endpoint.Rule {
	return endpoint.Rule{Protocol: "tcp", FromPort: from, ToPort: to, CIDRs: cidrs}
}

// Reach succeeds: the account of the tests is our own.
func (w *world) Reach(context.Context, connection.Access) error { return w.fail["Reach"] }

func (w *world) call(name string) error {
	w.calls = append(w.calls, name)
	return w.fail[name]
}

func (w *world) VPC(_ context.Context, id string) (endpoint.VPC, error) {
	if err := w.call("VPC"); err != nil {
		return endpoint.VPC{}, err
	}
	vpc, ok := w.vpcs[id]
	if !ok {
		return vpc, notFound("InvalidVpcID.NotFound", id)
	}
	return vpc, nil
}

func (w *world) Subnets(_ context.Context, ids []string) ([]endpoint.Subnet, error) {
	if err := w.call("Subnets"); err != nil {
		return nil, err
	}
	return all(w.subnets, ids, "InvalidSubnetID.NotFound")
}

func (w *world) SecurityGroups(_ context.Context, ids []string) ([]endpoint.SecurityGroup, error) {
	if err := w.call("SecurityGroups"); err != nil {
		return nil, err
	}
	return all(w.groups, ids, "InvalidGroup.NotFound")
}

func (w *world) Owned(_ context.Context, id string, network connection.Network, _ string) ([]connection.DNS, error) {
	return w.owned[network.VPCID], w.call("Owned")
}

func (w *world) Ledger(_ context.Context, id string) (*connection.Ledger, error) {
	if id == otherID {
		return w.otherLedger, w.call("Ledger")
	}
	return w.ledger, w.call("Ledger")
}

func (w *world) OfConnection(_ context.Context, vpcID, id string) ([]endpoint.Endpoint, error) {
	var found []endpoint.Endpoint
	for _, e := range w.endpoints {
		if e.VPCID == vpcID && e.Tags[connection.TagConnection] == id {
			found = append(found, e)
		}
	}
	return found, w.call("OfConnection")
}

func (w *world) GroupOfConnection(_ context.Context, vpcID, id string) (endpoint.SecurityGroup, error) {
	for _, group := range w.groups {
		if group.VPCID == vpcID && group.Connection() == id {
			return group, w.call("GroupOfConnection")
		}
	}
	return endpoint.SecurityGroup{}, w.call("GroupOfConnection")
}

func (w *world) Present(_ context.Context, zoneID string, _ []connection.NameRecord) ([]connection.Record, error) {
	return w.present[zoneID], w.call("Present")
}

// all answers as AWS does: one unknown id fails the call, and the message names every one.
func all[T any](known map[string]T, ids []string, code string) ([]T, error) {
	var found []T
	var absent []string
	for _, id := range ids {
		thing, ok := known[id]
		if !ok {
			absent = append(absent, id)
		}
		found = append(found, thing)
	}
	if len(absent) > 0 {
		return nil, notFound(code, strings.Join(absent, ", "))
	}
	return found, nil
}

func (w *world) Service(_ context.Context, name, region, _ string) (connection.Service, error) {
	if err := w.call("Service"); err != nil {
		return connection.Service{}, err
	}
	if name != w.service.Name || region != w.service.Region || !w.service.Visible {
		return connection.Service{Name: name, Region: region}, nil
	}
	return w.service, nil
}

func (w *world) InVPC(_ context.Context, id string) ([]endpoint.Endpoint, error) {
	if id != vpcID {
		panic("endpoints of " + id)
	}
	return w.endpoints, w.call("InVPC")
}

func (w *world) ZonesOf(_ context.Context, id, region string) ([]dns.Zone, error) {
	if id != vpcID || region != "us-east-1" {
		panic("zones of " + id + " in " + region)
	}
	return w.zones, w.call("Zones")
}

// Connection refuses the zones of other accounts, as AWS does.
func (w *world) Connection(_ context.Context, zoneID string) (string, error) {
	if err := w.readable(zoneID); err != nil {
		return "", err
	}
	if slices.Contains(w.ourZones, zoneID) {
		return connID, w.call("Ours")
	}
	return w.zonesOfOthers[zoneID], w.call("Ours")
}

func (w *world) readable(zoneID string) error {
	for _, zone := range w.zones {
		if zone.ID == zoneID && zone.OwningAccount != "" && zone.OwningAccount != accountID {
			return &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to read " + zoneID}
		}
	}
	return nil
}

func (w *world) Inspect(_ context.Context, names []string) (map[string]publish.Existing, error) {
	found := map[string]publish.Existing{}
	for _, name := range names {
		if value, ok := w.values[name]; ok {
			found[name] = value
		}
	}
	return found, w.call("Parameters")
}

func (w *world) Created(context.Context, string, string) ([]publish.Created, error) {
	return nil, w.call("Created")
}

func (w *world) Record(_ context.Context, id string) (store.Record, error) {
	if id == otherID {
		return store.Record{Holder: w.otherHolder}, w.call("Record")
	}
	if id != connID {
		panic("record of " + id)
	}
	return store.Record{Holder: w.holder, Ticket: w.ticket, Taken: w.taken || w.holder != ""}, w.call("Record")
}

func (w *world) Ran(_ context.Context, execution string) ([]byte, time.Time, error) {
	if execution != w.holder || !w.holderEnded {
		panic("asked what " + execution + " did")
	}
	return w.ran, w.ranSince, w.call("Ran")
}

// Made is what an execution published that began at ranSince.
func (w *world) Made(_ context.Context, outputs []connection.Output, since time.Time) (connection.Config, error) {
	var config connection.Config
	for _, output := range outputs {
		if made, ok := w.made[output.Parameter]; ok && since.Equal(w.ranSince) {
			config.Parameters = append(config.Parameters, made)
		}
	}
	return config, w.call("Made")
}

func (w *world) Ended(_ context.Context, execution string) (bool, error) {
	if execution != w.holder {
		panic("asked for " + execution)
	}
	return w.holderEnded, w.call("Ended")
}

// zonesOf is world as Zones: a method and an embedded interface cannot both be called Zones.
type zonesOf struct{ *world }

func (z zonesOf) Zones(ctx context.Context, id, region string) ([]dns.Zone, error) {
	return z.ZonesOf(ctx, id, region)
}

func notFound(code, what string) error {
	return fmt.Errorf("describing: %w", &smithy.GenericAPIError{Code: code, Message: "The ID '" + what + "' does not exist"})
}

// config is the demo's deployment.
func config() Config {
	return Config{
		Prefix: "/postern",
		Networks: connection.Networks{{
			Name: "prod", AccountID: accountID, Region: "us-east-1", VPCID: vpcID,
			ProbeSubnetIDs: []string{subnetA}, ProbeSecurityGroupIDs: []string{clientSG}, ProbeFunction: "postern-probe-prod",
		}},
	}
}

func (w *world) planner(t *testing.T, config Config) *Planner {
	t.Helper()
	vendors, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return New(vendors, config, w, func(connection.Access) Sources {
		return Sources{Account: w, Endpoints: w, Zones: zonesOf{w}, Parameters: w}
	}, slog.New(slog.DiscardHandler))
}

// request is the sample request with changes: a dotted path and the value to put there, nil to remove it.
func request(t *testing.T, changes map[string]any) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("../../events/onboard.monte-carlo.json")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	for path, value := range changes {
		object, key := document, path
		for {
			outer, inner, nested := strings.Cut(key, ".")
			if !nested {
				break
			}
			if _, ok := object[outer].(map[string]any); !ok {
				object[outer] = map[string]any{}
			}
			object, key = object[outer].(map[string]any), inner
		}
		if object[key] = value; value == nil {
			delete(object, key)
		}
	}
	changed, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// first is the input of the first visit: the machine's state is the request itself.
func first(raw json.RawMessage) Input {
	return Input{Execution: execution, EnteredAt: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), Request: raw, State: raw}
}

func (w *world) Interfaces(_ context.Context, e endpoint.Endpoint) ([]connection.NetworkInterface, error) {
	return w.interfaces[e.ID], w.call("Interfaces")
}

func (w *world) NetworkACLs(context.Context, []string) ([]endpoint.NetworkACL, error) {
	return w.acls, w.call("NetworkACLs")
}

func (w *world) Find(_ context.Context, name, connectionID string) (dns.Zone, bool, error) {
	if connectionID != connID {
		panic("zone of " + connectionID)
	}
	return w.apart, w.apart.ID != "" && w.apart.Name == name, w.call("Find")
}

func (w *world) Records(_ context.Context, zoneID string, names []string) ([]connection.ZoneRecord, error) {
	if err := w.readable(zoneID); err != nil {
		return nil, err
	}
	var found []connection.ZoneRecord
	for _, record := range w.records[zoneID] {
		if slices.Contains(names, record.Name) {
			found = append(found, record)
		}
	}
	return found, w.call("Records " + zoneID)
}
