package catalog

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

const account = "111122223333"

func monteCarlo() connection.Request {
	return connection.Request{
		Vendor: "monte-carlo", Name: "agents-prod",
		Target: connection.Target{Region: "us-east-1", VPCID: "vpc-0a1b2c3d4e5f60718"},
		Inputs: map[string]string{
			"vendorAccountId": "5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54",
			"serviceName":     "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
			"serviceRegion":   "us-east-1",
			"privateHostname": "artemis.privatelink.getmontecarlo.com",
		},
	}
}

func find(t *testing.T, id string) *Profile {
	t.Helper()
	for _, load := range []func() (Catalog, error){Load, func() (Catalog, error) { return LoadFS(os.DirFS("testdata")) }} {
		catalog, err := load()
		if err != nil {
			t.Fatal(err)
		}
		if profile, ok := catalog.Find(id); ok {
			return profile
		}
	}
	t.Fatalf("no profile %s", id)
	return nil
}

// What a person sends Monte Carlo is what its page asks for: its account id, the AWS account and the Region, then the endpoint.
func TestMonteCarlo(t *testing.T) {
	t.Parallel()
	got, faults := find(t, "monte-carlo").Render(monteCarlo(), account)
	if faults != nil {
		t.Fatal(faults)
	}
	const to = "Monte Carlo support, at the address on https://docs.getmontecarlo.com/docs/agent-service-aws-private-link"
	const ids = `Monte Carlo account ID: 5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54
AWS account ID: 111122223333
AWS Region of the VPC endpoint: us-east-1
VPC endpoint service: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0
Region of that service: us-east-1

Thank you.
`
	want := Rendered{
		Inputs: monteCarlo().Inputs,
		Service: Value{
			Text: "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", Path: "inputs.serviceName", Known: true,
		},
		ServiceRegion: Value{Text: "us-east-1", Path: "inputs.serviceRegion", Known: true},
		Hostname:      Value{Text: "artemis.privatelink.getmontecarlo.com", Path: "inputs.privateHostname", Known: true},
		DNS: connection.DNSPlan{
			Mode: connection.ModePrivateHostedZone, Hostname: "artemis.privatelink.getmontecarlo.com",
			Zone:    "privatelink.getmontecarlo.com",
			Records: []connection.NameRecord{{Name: "artemis.privatelink.getmontecarlo.com", Type: connection.RecordCNAME, TTL: 60}},
		},
		Siblings: []string{"m2m.privatelink.getmontecarlo.com"},
		Gates: connection.Gates{
			Allowlist: connection.GatePlan{
				To: to, Subject: "Agent Service over AWS PrivateLink: please allow-list AWS account 111122223333",
				Body: `Hello,

we would like to connect to the Monte Carlo Agent Service over AWS PrivateLink.
Please allow-list our AWS account for the endpoint service, and let us know when it is done.

` + ids,
				SLAHours: 48, Calendar: "us-business", TimeoutSeconds: 14 * 86_400,
			},
			Approval: connection.GatePlan{
				To: to, Subject: "Agent Service over AWS PrivateLink: please approve a VPC endpoint of AWS account 111122223333",
				Body: `Hello,

our VPC endpoint for the Monte Carlo Agent Service is created and waits for your approval.
Please approve the connection, and let us know when it is done.

VPC endpoint ID: ${vpcEndpointId}
` + ids,
				SLAHours: 48, Calendar: "us-business", TimeoutSeconds: 14 * 86_400,
			},
		},
		Outputs: []connection.Output{
			{Key: "config.yaml", Format: connection.FormatYAML, YAMLPath: "container.backendServiceUrl",
				Value: "https://artemis.privatelink.getmontecarlo.com"},
			{Key: "values/backendServiceUrl", Format: connection.FormatText, Value: "https://artemis.privatelink.getmontecarlo.com"},
		},
	}
	actions := strings.Join(got.ClientActions, "\n")
	got.ClientActions = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, part := range []string{"helm upgrade", "kubectl rollout restart", "/api/v1/test/reachability", "from m2m.privatelink"} {
		if !strings.Contains(actions, part) {
			t.Errorf("client actions do not say %s:\n%s", part, actions)
		}
	}
}

// Before the allow-listing Monte Carlo gives neither the service nor its Region: a dry run and an onboarding do without, nothing else.
func TestMonteCarloBeforeAllowListing(t *testing.T) {
	t.Parallel()
	profile := find(t, "monte-carlo")
	for action, may := range map[connection.Action]bool{
		connection.ActionOnboard: true, connection.ActionPlan: true, connection.ActionDiagnose: false,
	} {
		request := monteCarlo()
		request.Action = action
		delete(request.Inputs, "serviceName")
		delete(request.Inputs, "serviceRegion")
		got, faults := profile.Render(request, account)
		if !may {
			if len(faults) != 2 || !faults.Covers("inputs.serviceName") || !faults.Covers("inputs.serviceRegion") {
				t.Errorf("%s: %v", action, faults)
			}
			continue
		}
		if diff := cmp.Diff([]string{"serviceName", "serviceRegion"}, got.Awaited); diff != "" || faults != nil {
			t.Errorf("%s: %v\n%s", action, faults, diff)
		}
		if got.Service.Known || got.ServiceRegion.Known || !got.Hostname.Known {
			t.Errorf("%s: known are %+v", action, got)
		}
		const line = "VPC endpoint service: (to be given by you)\nRegion of that service: (to be given by you)\n"
		if !strings.Contains(got.Gates.Allowlist.Body, line) || strings.Contains(got.Gates.Allowlist.Body, "${") {
			t.Errorf("%s: the text is\n%s", action, got.Gates.Allowlist.Body)
		}
		request.Inputs["serviceName"] = "svc-1"
		if _, faults = profile.Render(request, account); len(faults) != 1 || faults[0].Path != "inputs.serviceName" {
			t.Errorf("%s: a wrong name: %v", action, faults)
		}
	}
}

func TestMonteCarloHostnameScope(t *testing.T) {
	t.Parallel()
	request := monteCarlo()
	request.Options = map[string]string{"zoneScope": "hostname"}
	got, faults := find(t, "monte-carlo").Render(request, account)
	if faults != nil {
		t.Fatal(faults)
	}
	want := connection.DNSPlan{
		Mode: connection.ModePrivateHostedZone, Hostname: "artemis.privatelink.getmontecarlo.com",
		Zone:    "artemis.privatelink.getmontecarlo.com",
		Records: []connection.NameRecord{{Name: "artemis.privatelink.getmontecarlo.com", Type: connection.RecordAlias}},
	}
	if diff := cmp.Diff(want, got.DNS); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMonteCarloInputs(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]bool{
		"vendorAccountId": {
			"5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54": true, "mc-1234": true,
			"": false, "a b": false, "-abc": false, "${awsAccountId}": false, "a\nb": false, strings.Repeat("a", 65): false,
		},
		"serviceName": {
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0":     true,
			"com.amazonaws.vpce.us-gov-west-1.vpce-svc-01234567":          true,
			"com.amazonaws.vpce.us-east-1a.vpce-svc-0123456789abcdef0":    false,
			"com.amazonaws.us-east-1.s3":                                  false,
			"vpce-svc-0123456789abcdef0":                                  false,
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789ABCDEF0":     false,
			" com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0":    false,
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0\n":   false,
			"comXamazonawsXvpceXus-east-1Xvpce-svc-0123456789abcdef0":     false,
			"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef01234": false,
		},
		"serviceRegion": {"eu-west-1": true, "ap-southeast-4": true, "US-EAST-1": false, "us-east-1a": false, "useast1": false},
		"privateHostname": {
			"artemis.privatelink.getmontecarlo.com":                    true,
			"artemis.privatelink.eu1.getmontecarlo.com":                true,
			"artemis.getmontecarlo.com":                                false, // the public one
			"Artemis.privatelink.getmontecarlo.com":                    false,
			"artemis.privatelink.getmontecarlo.com.":                   false,
			"https://artemis.privatelink.getmontecarlo.com":            false,
			"artemis.privatelink.getmontecarlo.com.evil.example":       false,
			"artemis.privatelink.evil-getmontecarlo.com":               false,
			"-artemis.privatelink.getmontecarlo.com":                   false,
			"artemis.privatelink..getmontecarlo.com":                   false,
			strings.Repeat("a", 64) + ".privatelink.getmontecarlo.com": false,
			"artemis.privatelink" + strings.Repeat(".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5) + ".getmontecarlo.com": false,
		},
	}
	profile := find(t, "monte-carlo")
	for name, values := range tests {
		for value, good := range values {
			request := monteCarlo()
			request.Inputs[name] = value
			_, faults := profile.Render(request, account)
			if good != (len(faults) == 0) {
				t.Errorf("%s %q: got %v, want good: %v", name, value, faults, good)
			}
			if !good && (len(faults) != 1 || faults[0].Path != "inputs."+name || !strings.HasPrefix(faults[0].Remedy, "write the ")) {
				t.Errorf("%s %q: got %v, want one fault there with the profile's help", name, value, faults)
			}
		}
	}
}

func TestRenderFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		vendor string
		change func(*connection.Request)
		want   []string
	}{
		"nothing given": {"monte-carlo", func(r *connection.Request) { r.Inputs = nil }, []string{
			"inputs.vendorAccountId: missing; write the Monte Carlo account id, shown on the Account Information page",
			"inputs.serviceName: missing; write the VPC endpoint service name from Account Information, Agent Service, such as " +
				"com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
			"inputs.serviceRegion: missing; write the Region from Account Information, Agent Service, such as us-east-1",
			"inputs.privateHostname: missing; write the Private link endpoint from Account Information, Agent Service, without " +
				"https://, such as artemis.privatelink.getmontecarlo.com",
		}},
		"unknown inputs": {"monte-carlo", func(r *connection.Request) {
			r.Inputs["Zone"], r.Inputs["serviceNames"], r.Inputs["a\nb"], r.Inputs[""] = "", "", "", ""
		}, []string{
			`inputs."": monte-carlo has no such input; use vendorAccountId, serviceName, serviceRegion, privateHostname`,
			"inputs.Zone: monte-carlo has no such input; use vendorAccountId, serviceName, serviceRegion, privateHostname",
			`inputs."a\nb": monte-carlo has no such input; use vendorAccountId, serviceName, serviceRegion, privateHostname`,
			"inputs.serviceNames: monte-carlo has no such input; use vendorAccountId, serviceName, serviceRegion, privateHostname",
		}},
		"a value that is long and forged": {"monte-carlo", func(r *connection.Request) {
			r.Inputs["serviceRegion"] = "us\n" + strings.Repeat("x", 500)
		}, []string{`inputs.serviceRegion: "us\n` + strings.Repeat("x", 77) + `" is not an AWS Region; ` +
			"write the Region from Account Information, Agent Service, such as us-east-1"}},
		"unknown option": {"monte-carlo", func(r *connection.Request) { r.Options = map[string]string{"zone": "parent"} },
			[]string{"options.zone: monte-carlo has no such option; use zoneScope"}},
		"wrong option": {"monte-carlo", func(r *connection.Request) { r.Options = map[string]string{"zoneScope": "Parent"} },
			[]string{`options.zoneScope: "Parent" is not a zone scope of monte-carlo; write one of parent, hostname`}},
		"empty option": {"monte-carlo", func(r *connection.Request) { r.Options = map[string]string{"zoneScope": ""} },
			[]string{`options.zoneScope: "" is not a zone scope of monte-carlo; write one of parent, hostname`}},
		"no options": {"engflow", func(r *connection.Request) { r.Options = map[string]string{"zoneScope": "parent"} },
			[]string{"options.zoneScope: engflow has no options; leave options out"}},
		"scope that the vendor does not allow": {"four-ports", func(r *connection.Request) {
			r.Options = map[string]string{"zoneScope": "parent"}
		}, []string{`options.zoneScope: "parent" is not a zone scope of four-ports; write one of hostname`}},
		"a default made of a wrong input": {"engflow", func(r *connection.Request) { r.Inputs["clusterName"] = "Acme" }, []string{
			`inputs.clusterName: "Acme" does not match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$; ` +
				"write the cluster's name, the first label of <name>.cluster.engflow.com",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := requestFor(tt.vendor)
			tt.change(&request)
			_, faults := find(t, tt.vendor).Render(request, account)
			var got []string
			for _, fault := range faults {
				got = append(got, fault.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func requestFor(vendor string) connection.Request {
	request := monteCarlo()
	request.Vendor = vendor
	switch vendor {
	case "engflow":
		request.Inputs = map[string]string{"clusterName": "acme", "serviceName": "com.amazonaws.vpce.us-east-1.vpce-svc-01234567"}
	case "four-ports":
		request.Inputs = map[string]string{"serviceName": "com.amazonaws.vpce.x", "host": "db.example.com"}
	}
	return request
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	got, faults := find(t, "engflow").Render(requestFor("engflow"), account)
	if faults != nil {
		t.Fatal(faults)
	}
	want := Rendered{
		Inputs: map[string]string{
			"clusterName": "acme", "privateEndpoint": "acme.cluster.engflow.com",
			"serviceName": "com.amazonaws.vpce.us-east-1.vpce-svc-01234567",
		},
		Service:          Value{Text: "com.amazonaws.vpce.us-east-1.vpce-svc-01234567", Path: "inputs.serviceName", Known: true},
		ServiceRegion:    Value{Text: "us-east-1", Known: true},
		Hostname:         Value{Text: "acme.cluster.engflow.com", Path: "inputs.privateEndpoint", Known: true},
		DNS:              connection.DNSPlan{Mode: connection.ModeVendorPrivateDNS, Hostname: "acme.cluster.engflow.com"},
		SharedWithPublic: true,
		Outputs: []connection.Output{
			{Key: "bazelrc", Format: "text", Value: "build:acme --remote_executor=grpcs://acme.cluster.engflow.com"},
			{Key: "values/remoteExecutor", Format: "text", Value: "grpcs://acme.cluster.engflow.com"},
		},
	}
	gates := got.Gates
	got.Gates, got.ClientActions = connection.Gates{}, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for gate, parts := range map[*connection.GatePlan][]string{
		&gates.Allowlist: {"arn:aws:iam::111122223333:root", "Name of the private endpoint: acme.cluster.engflow.com"},
		&gates.Approval:  {"VPC endpoint ID: ${vpcEndpointId}"},
	} {
		for _, part := range parts {
			if !strings.Contains(gate.Body, part) {
				t.Errorf("the text for EngFlow does not say %q:\n%s", part, gate.Body)
			}
		}
	}
}

// No client resolves a custom private name yet, so switching it on moves no client.
func TestEngFlowCustomName(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{
		"": true, "acme.cluster.engflow.com": true, "private.acme.cluster.engflow.com": false,
	} {
		request := requestFor("engflow")
		request.Inputs["privateEndpoint"] = name
		got, faults := find(t, "engflow").Render(request, account)
		if faults != nil || got.SharedWithPublic != shared {
			t.Errorf("%q: shared with public DNS %t, %v", name, got.SharedWithPublic, faults)
		}
	}
	request := requestFor("engflow")
	request.Inputs["privateEndpoint"] = "acme.engflow.com.evil.example"
	if _, faults := find(t, "engflow").Render(request, account); len(faults) != 1 || faults[0].Path != "inputs.privateEndpoint" {
		t.Errorf("got %v", faults)
	}
}

// A zone of a top-level domain would take half the internet away from the VPC.
func TestParentScopeIsNeverATopLevelDomain(t *testing.T) {
	t.Parallel()
	profile := *find(t, "four-ports")
	profile.DNS.ZoneScope = ZoneScope{Default: ScopeParent, Allowed: []string{ScopeParent, ScopeHostname}}
	for host, good := range map[string]bool{"db.example.com": true, "example.com": false, "localhost": false} {
		request := requestFor("four-ports")
		request.Inputs["host"] = host
		_, faults := profile.Render(request, account)
		if good != (len(faults) == 0) || !good && faults[0].Path != "options.zoneScope" {
			t.Errorf("%s: got %v", host, faults)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	values := map[string]string{"host": "a.b.c", "one": "x", "tricky": "${one}$"}
	for source, want := range map[string]string{
		"":                            "",
		"plain $ text {}":             "plain $ text {}",
		"${host}":                     "a.b.c",
		"<${one}${one}>":              "<xx>",
		"${parentDomain(host)}.":      "b.c.",
		"${parentDomain(one)}":        "",
		"${unknown}":                  "${unknown}",
		"${parentDomain(unknown)}":    "${parentDomain(unknown)}",
		"${tricky}":                   "${one}$", // a value is never read as a text
		"https://${host}:443/${one}/": "https://a.b.c:443/x/",
	} {
		if got := parseText(source).render(values); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
		if got := parseText(source).String(); got != source {
			t.Errorf("%q: String is %q", source, got)
		}
	}
}
