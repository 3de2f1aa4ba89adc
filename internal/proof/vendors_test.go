package proof_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/events"
	profiles "postern/internal/catalog"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// Every vendor of the catalog is onboarded through the whole machine, with its sample request.
func TestEveryVendorIsOnboarded(t *testing.T) {
	t.Parallel()
	// One published value of each, which only the right inputs can give.
	want := map[string]string{
		"monte-carlo":      "backendServiceUrl: https://artemis.privatelink.getmontecarlo.com",
		"engflow":          "build:acme --remote_executor=grpcs://acme.cluster.engflow.com",
		"snowflake":        "https://xy12345.us-east-1.privatelink.snowflakecomputing.com",
		"confluent-cloud":  "bootstrap.servers=lkc-abc123.4kgzg.us-east-1.aws.confluent.cloud:9092",
		"clickhouse-cloud": "https://abcd1234ef.us-east-1.vpce.aws.clickhouse.cloud:8443",
		"elastic-cloud":    ".vpce.us-east-1.aws.elastic-cloud.com:443",
	}
	catalog, err := profiles.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range catalog.IDs() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			if want[id] == "" {
				t.Fatal("this vendor has no expectation")
			}
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: 3 * time.Hour}).Join(c)
			ended := onboard(t, c, "onboard."+id+".json")
			if ended.Path[len(ended.Path)-1] != "Onboarded" {
				t.Fatalf("%v %s: %s\n%s", ended.Path, ended.Error, ended.Cause, dump(c))
			}
			var state connection.State
			if err := json.Unmarshal(ended.Output, &state); err != nil {
				t.Fatal(err)
			}
			if state.Probe.Verdict != connection.Pass || state.Verification.Verdict != connection.Pass {
				t.Errorf("probe %s, verification %s", state.Probe.Verdict, state.Verification.Verdict)
			}
			var published []string
			for _, name := range c.Parameters.Names() {
				version, _ := c.Parameters.Get(name)
				published = append(published, version.Value)
			}
			if !slices.ContainsFunc(published, func(value string) bool { return strings.Contains(value, want[id]) }) {
				t.Errorf("published %q, want one with %q", published, want[id])
			}
			if dropped := c.Dropped(); len(dropped) > 0 {
				t.Errorf("dropped: %s", strings.Join(dropped, "\n"))
			}
		})
	}
}

// ClickHouse accepts automatically and resets connections until its customer lists the endpoint. Postern sends the request although AWS
// needs no acceptance, and the probe waits until the endpoint is listed, or times out after the vendor's time.
func TestAVendorWhoKeepsAListOfEndpoints(t *testing.T) {
	t.Parallel()
	for behaviour, test := range map[people.Behaviour]struct{ end, error string }{
		people.Approve: {"Onboarded", ""},
		people.Ignore:  {"FailedClean", connection.EndpointNotListed},
	} {
		t.Run(string(behaviour), func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: behaviour, After: 72 * time.Hour}).Join(c)
			ended := onboard(t, c, "onboard.clickhouse-cloud.json")
			if got := ended.Path[len(ended.Path)-1]; got != test.end || ended.Error != test.error {
				t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
			}
			mails := c.Mail()
			if len(mails) != 1 || !strings.Contains(mails[0].Body, "privateEndpointIds") {
				t.Errorf("%d mails: %+v", len(mails), mails)
			}
			if waited := ended.StoppedAt.Sub(ended.StartedAt); waited < 72*time.Hour || waited > 15*24*time.Hour {
				t.Errorf("it took %s", waited)
			}
		})
	}
}

// A live name is never switched to an endpoint that does not work: the probe fails first, and DNS is not touched.
func TestAFailingProbeLeavesTheNameAlone(t *testing.T) {
	t.Parallel()
	c := open(t, nil)
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
	request, err := connection.DecodeRequest(events.Read("onboard.engflow.json"))
	if err != nil {
		t.Fatal(err)
	}
	update := func(s *privatelink.VendorService) { s.Certificate = privatelink.WrongName }
	if err := c.World.Vendor(request.Inputs["serviceName"]).Update(update); err != nil {
		t.Fatal(err)
	}
	ended := onboard(t, c, "onboard.engflow.json")
	if ended.Error != connection.ConnectivityFailed || slices.Contains(ended.Path, "ConfigureDNS") || ended.Path[len(ended.Path)-1] != "FailedClean" {
		t.Fatalf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	for _, call := range c.Calls() {
		if call.Operation == "ModifyVpcEndpoint" || (call.Service == "route53" && call.Write) {
			t.Errorf("%s touched the name: %s.%s", call.Function, call.Service, call.Operation)
		}
	}
}

func TestCutOverNeedsToBeSaid(t *testing.T) {
	t.Parallel()
	var request map[string]any
	if err := json.Unmarshal(events.Read("onboard.engflow.json"), &request); err != nil {
		t.Fatal(err)
	}
	delete(request, "cutover")
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, nil)
	ended := execute(t, c, input)
	if ended.Error != connection.InvalidRequest || !strings.Contains(ended.Cause, "cutover: ") {
		t.Errorf("%v %s: %s", ended.Path, ended.Error, ended.Cause)
	}
	for _, call := range c.Calls() {
		if call.Write || call.Code == wire.CodeNotImplemented {
			t.Errorf("%s called %s.%s", call.Function, call.Service, call.Operation)
		}
	}
}
