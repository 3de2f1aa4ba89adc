package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/probe/diagnosis"
	"postern/internal/proof/handlers"
	"postern/internal/step"
)

// named is what a diagnosis must say.
type named struct {
	cause   string
	because string // part of the sentence
}

// damaged are what the diagnosis must name for each damage.
var damaged = map[string]named{
	"nothing":                 {diagnosis.AllWell, "works from inside the VPC"},
	"rejection":               {diagnosis.EndpointRejected, "is rejected"},
	"deletion":                {diagnosis.EndpointDeleted, "is deleting"},
	"dns-hostnames":           {diagnosis.VPCDNSOff, "enableDnsHostnames off"},
	"dns-support":             {diagnosis.VPCDNSOff, "enableDnsSupport off"},
	"private-dns":             {diagnosis.PrivateDNSOff, "off at vpce-"},
	"private-dns-taken":       {diagnosis.PrivateDNSConflict, "zone acme.cluster.engflow.com"},
	"private-dns-shadowed":    {diagnosis.ZoneShadowed, "zone acme.cluster.engflow.com"},
	"zone-association":        {diagnosis.ZoneNotAssociated, "privatelink.getmontecarlo.com (Z"},
	"zone-deleted":            {diagnosis.ZoneMissing, "privatelink.getmontecarlo.com"},
	"zone-replaced":           {diagnosis.ZoneForeign, "zone privatelink.getmontecarlo.com (Z"},
	"zone-shadowed":           {diagnosis.ZoneShadowed, "zone artemis.privatelink.getmontecarlo.com"},
	"record-deleted":          {diagnosis.RecordMissing, "artemis.privatelink.getmontecarlo.com in zone"},
	"record-changed":          {diagnosis.RecordElsewhere, "CNAME artemis.getmontecarlo.com"},
	"security-group":          {diagnosis.SecurityGroup, "no inbound rule lets 10.20.0.0/16 in on 443/tcp"},
	"security-group-replaced": {diagnosis.SecurityGroup, "no inbound rule lets 10.20.0.0/16 in on 443/tcp"},
	"client-security-group":   {diagnosis.ClientSecurityGroup, "no outbound rule lets the probe out to 10.20."},
	"network-acl":             {diagnosis.NetworkACL, " of subnet-0b10000000000000b: inbound rule 90 denies 10.20.0.0/16"},
	"network-acl-answers":     {diagnosis.NetworkACL, " of subnet-0b10000000000000b: outbound rule * denies 0.0.0.0/0"},
	"client-network-acl":      {diagnosis.NetworkACL, " of subnet-0a10000000000000a: outbound rule 90 denies 10.20.2.0/24"},
	"zone-down":               {diagnosis.ZoneDown, "443: in us-east-1b, no answer"},
	"no-answer":               {diagnosis.NoAnswer, "no answer within"},
	"allow-list":              {diagnosis.VendorReset, "closed during the TLS handshake"},
	"port":                    {diagnosis.PortClosed, "refused"},
	"plain":                   {diagnosis.TLSFailed, "tls: "},
	"protocol":                {diagnosis.ALPN, "no application protocol"},
	"certificate-name":        {diagnosis.CertificateName, "somebody-else.example.com"},
	"certificate-expired":     {diagnosis.CertificateExpired, "expired"},
	"certificate-authority":   {diagnosis.CertificateAuthority, "unknown authority"},
	"withdrawal":              {diagnosis.ServiceWithdrawn, world.MonteCarloService},
}

// Whatever breaks a connection that was onboarded is named by the diagnosis, which writes nothing.
func TestDiagnosisNamesTheDamage(t *testing.T) {
	t.Parallel()
	for _, damage := range people.Damages {
		t.Run(damage.Name, func(t *testing.T) {
			t.Parallel()
			want, known := damaged[damage.Name]
			if !known {
				t.Fatal("this damage has no expectation")
			}
			c, endpointID := connected(t, damage.Vendor)
			must(t, damage.Do(c, endpointID))
			checkDiagnosis(t, c, diagnose(t, damage.Vendor), want)
		})
	}
}

// A connection that works has no cause, for every vendor.
func TestDiagnosisOfWhatWorks(t *testing.T) {
	t.Parallel()
	for _, vendor := range []string{"monte-carlo", "engflow", "snowflake", "confluent-cloud", "clickhouse-cloud", "elastic-cloud"} {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			c, _ := connected(t, vendor)
			got := checkDiagnosis(t, c, diagnose(t, vendor), named{diagnosis.AllWell, ""})
			for _, check := range got.Evidence {
				if check.Verdict != connection.Pass {
					t.Errorf("%+v", check)
				}
			}
		})
	}
}

// What several names and ports add.
func TestDiagnosisOfSeveral(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		vendor string
		breaks func(*local.Cloud) error
		want   named
	}{
		"one wildcard is missing": {"confluent-cloud", func(c *local.Cloud) error {
			return c.Zones.ChangeByHand(c.Zones.Zones()[0].ID, func(z *route53.Zone) {
				z.Records = slices.DeleteFunc(z.Records, func(r route53.Record) bool { return strings.HasPrefix(r.Name, `\052.use1-az1.`) })
			})
		}, named{diagnosis.RecordMissing, "*.use1-az1.4kgzg.us-east-1.aws.confluent.cloud in zone"}},
		"a zone's name points to another zone": {"confluent-cloud", func(c *local.Cloud) error {
			return c.Zones.ChangeByHand(c.Zones.Zones()[0].ID, func(z *route53.Zone) {
				for i, record := range z.Records {
					z.Records[i].Values = slices.Clone(record.Values)
					if strings.HasPrefix(record.Name, `\052.use1-az1.`) {
						z.Records[i].Values[0] = strings.Replace(record.Values[0], "-us-east-1a.", "-us-east-1b.", 1)
					}
				}
			})
		}, named{diagnosis.RecordElsewhere, "*.use1-az1.4kgzg.us-east-1.aws.confluent.cloud is CNAME vpce-"}},
		"one port of several": {"clickhouse-cloud", func(c *local.Cloud) error {
			return c.World.Vendor(world.ClickHouseService).Update(func(s *privatelink.VendorService) { s.Ports = []int{443, 8443, 3306} })
		}, named{diagnosis.PortClosed, ":9440: in us-east-1a, the connection was refused"}},
		"one port of the security group": {"snowflake", func(c *local.Cloud) error {
			return c.World.RemoveSecurityGroupRule(world.SnowflakeGroup, func(r privatelink.Rule) bool { return r.FromPort == 80 })
		}, named{diagnosis.SecurityGroup, "no inbound rule lets 10.20.0.0/16 in on 80/tcp"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := connected(t, test.vendor)
			must(t, test.breaks(c))
			checkDiagnosis(t, c, diagnose(t, test.vendor), test.want)
		})
	}
}

// A connection need not have come far to be diagnosed, nor have been made by Postern.
func TestDiagnosisBeforeTheEnd(t *testing.T) {
	t.Parallel()
	const service = world.MonteCarloService
	allow := func(t *testing.T, c *local.Cloud) { must(t, c.World.Vendor(service).Allow(c.World.AccountID())) }
	for name, test := range map[string]struct {
		before func(*testing.T, *local.Cloud)
		want   named
	}{
		"not allow-listed": {func(*testing.T, *local.Cloud) {}, named{diagnosis.ServiceNotVisible, service}},
		"no endpoint":      {allow, named{diagnosis.NoEndpoint, "none of monte-carlo/agents-prod"}},
		"waiting": {func(t *testing.T, c *local.Cloud) { waiting(t, c) },
			named{diagnosis.EndpointNotAccepted, "is pendingacceptance"}},
		"expired": {func(t *testing.T, c *local.Cloud) { must(t, c.World.Vendor(service).Expire(waiting(t, c))) },
			named{diagnosis.EndpointExpired, "is expired"}},
		"failed": {func(t *testing.T, c *local.Cloud) {
			must(t, c.World.Vendor(service).Fail(waiting(t, c), "InternalError", "no route to the vendor"))
		}, named{diagnosis.EndpointFailed, "is failed: no route to the vendor"}},
		"on its way": {func(t *testing.T, c *local.Cloud) {
			c.World.Configure(func(o *privatelink.Options) { o.AvailableAfter = time.Hour })
			must(t, c.World.Vendor(service).Accept(waiting(t, c)))
		}, named{diagnosis.EndpointPending, "is pending"}},
		"deleted and forgotten": {func(t *testing.T, c *local.Cloud) {
			vendor(t, c, time.Minute, time.Minute)
			var state connection.State
			must(t, json.Unmarshal(onboard(t, c, "onboard.monte-carlo.json").Output, &state))
			must(t, c.World.DeleteByHand(state.Endpoint.ID))
			must(t, c.Advance(2*time.Hour))
		}, named{diagnosis.NoEndpoint, "none of monte-carlo/agents-prod"}},
		"of another owner": {func(t *testing.T, c *local.Cloud) {
			vendor(t, c, time.Minute, time.Minute)
			var state connection.State
			must(t, json.Unmarshal(onboard(t, c, "onboard.monte-carlo.json").Output, &state))
			must(t, c.World.SetTagsByHand(state.Endpoint.ID, map[string]string{connection.TagManaged: ""}))
		}, named{diagnosis.AllWell, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			test.before(t, c)
			checkDiagnosis(t, c, diagnose(t, "monte-carlo"), test.want)
		})
	}
}

// waiting starts an onboarding, runs it until its endpoint waits for the vendor, and returns the endpoint's id.
func waiting(t *testing.T, c *local.Cloud) string {
	t.Helper()
	must(t, c.World.Vendor(world.MonteCarloService).Allow(c.World.AccountID()))
	_, err := c.StartExecution("", events.Read("onboard.monte-carlo.json"))
	must(t, err)
	must(t, c.Advance(time.Minute))
	endpoints := c.World.Endpoints()
	if len(endpoints) != 1 || endpoints[0].State != privatelink.PendingAcceptance {
		t.Fatalf("endpoints %+v\n%s", endpoints, dump(c))
	}
	return endpoints[0].ID
}

// Postern refuses a request that it cannot read, and reports what fails. However a diagnosis fails, it writes nothing, and an
// onboarding that holds the connection keeps it.
func TestDiagnosisThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit   func(map[string]any)
		config func(*local.Config)
		world  func(*local.Cloud)
		path   []string
		error  string
		cause  string
	}{
		"another VPC": {edit: func(r map[string]any) { target(r)["vpcId"] = "vpc-0ffffffffffffffff" },
			path: []string{"Plan"}, error: connection.InvalidRequest, cause: "is not a registered network"},
		"no such vendor": {edit: func(r map[string]any) { r["vendor"] = "no-such-vendor" },
			path: []string{"Plan"}, error: connection.InvalidRequest, cause: "there is no profile for no-such-vendor"},
		"an input is missing": {edit: func(r map[string]any) { delete(inputs(r), "serviceName") },
			path: []string{"Plan"}, error: connection.InvalidRequest, cause: "inputs.serviceName"},
		"AWS refuses to show the network ACLs": {world: func(c *local.Cloud) {
			c.Server.SetFault(func(call *wire.Call, _ wire.Recorded) *wire.Fault {
				if call.Operation == "DescribeNetworkAcls" {
					return &wire.Fault{Kind: wire.Deny}
				}
				return nil
			})
		}, path: []string{"Plan"}, error: connection.AccessDenied, cause: "DescribeNetworkAcls"},
		"the probe has a defect": {config: func(config *local.Config) {
			config.Functions["probe"] = handlers.Simulated(func(r step.Runtime) (lambda.Handler, error) {
				return step.Handle(r.Log, func(context.Context, connection.Input) (connection.Diagnosis, error) {
					return connection.Diagnosis{}, errors.New("no such thing")
				}), nil
			})
		}, path: []string{"Plan", "ServiceVisible", "Diagnose"}, error: connection.Internal, cause: "Failed in: Diagnose"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, test.config)
			waiting(t, c)
			if test.world != nil {
				test.world(c)
			}
			before := len(c.Calls())
			ended := execute(t, c, change(t, func(r map[string]any) {
				if r["action"] = "diagnose"; test.edit != nil {
					test.edit(r)
				}
			}))
			if diff := cmp.Diff(slices.Concat(test.path, failedClean), ended.Path); diff != "" || ended.Error != test.error ||
				!strings.Contains(ended.Cause, test.cause) {
				t.Errorf("%s: %s\n%s", ended.Error, ended.Cause, diff)
			}
			for _, call := range c.Calls()[before:] {
				if call.Origin == ended.ARN && (call.Write || call.Message) {
					t.Errorf("%s wrote: %s.%s", call.Function, call.Service, call.Operation)
				}
			}
		})
	}
}

// connected returns a cloud in which a vendor is onboarded, and the endpoint's id.
func connected(t *testing.T, vendor string) (*local.Cloud, string) {
	t.Helper()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	ended := onboard(t, c, "onboard."+vendor+".json")
	var state connection.State
	if err := json.Unmarshal(ended.Output, &state); err != nil || state.Endpoint == nil {
		t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
	}
	return c, state.Endpoint.ID
}

// diagnose is the request of a vendor's diagnosis: that of its onboarding with another action.
func diagnose(t *testing.T, vendor string) []byte {
	t.Helper()
	var request map[string]any
	must(t, json.Unmarshal(events.Read("onboard."+vendor+".json"), &request))
	request["action"] = "diagnose"
	raw, err := json.Marshal(request)
	must(t, err)
	return raw
}

// checkDiagnosis runs a diagnosis and checks the path, the cause, and that nothing was written.
func checkDiagnosis(t *testing.T, c *local.Cloud, request []byte, want named) connection.Diagnosis {
	t.Helper()
	before := len(c.Calls())
	ended := execute(t, c, request)
	path := []string{"Plan", "ServiceVisible", "Diagnose", "Diagnosed"}
	if diff := cmp.Diff(path, ended.Path); diff != "" {
		t.Fatalf("path (-want +got):\n%s\n%s: %s\n%s", diff, ended.Error, ended.Cause, dump(c))
	}
	checkReadOnly(t, c, ended, before)
	var state connection.State
	must(t, json.Unmarshal(ended.Output, &state))
	got := state.Diagnosis
	if got.Cause != want.cause || !strings.Contains(got.Sentence, want.because) || got.Next == "" || strings.Contains(got.Next, "{") {
		evidence, _ := json.MarshalIndent(got, "", "  ")
		t.Fatalf("the cause is %s, want %s with %q\n%s", got.Cause, want.cause, want.because, evidence)
	}
	return *got
}

// checkReadOnly checks that an execution wrote nothing, and was refused nothing, in the calls from one on. A service that is not
// visible is an answer, not a refusal.
func checkReadOnly(t *testing.T, c *local.Cloud, ended states.Execution, from int) {
	t.Helper()
	for _, call := range c.Calls()[from:] {
		if call.Origin == ended.ARN && (call.Write || call.Message || call.Code != "" && call.Code != "InvalidServiceName") {
			t.Errorf("%s called %s.%s: %s: %s", call.Function, call.Service, call.Operation, call.Code, call.Error)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
