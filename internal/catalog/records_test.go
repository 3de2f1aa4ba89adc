package catalog

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"postern/events"
	"postern/internal/connection"
)

// sample is the sample request of a vendor.
func sample(t *testing.T, vendor string) connection.Request {
	t.Helper()
	request, err := connection.DecodeRequest(events.Read("onboard." + vendor + ".json"))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func cname(name, azID string) connection.NameRecord {
	return connection.NameRecord{Name: name, Type: connection.RecordCNAME, TTL: 60, AZID: azID}
}

// What the four vendors of many names make of their samples.
func TestRecords(t *testing.T) {
	t.Parallel()
	const confluent, snowflake = "4kgzg.us-east-1.aws.confluent.cloud", "privatelink.snowflakecomputing.com"
	tests := map[string]struct {
		plan    connection.DNSPlan
		records []connection.NameRecord
	}{
		"snowflake": {
			connection.DNSPlan{Hostname: "xy12345.us-east-1." + snowflake, Zone: snowflake},
			[]connection.NameRecord{
				cname("xy12345.us-east-1."+snowflake, ""), cname("acme-main."+snowflake, ""), cname("ocsp.xy12345.us-east-1."+snowflake, ""),
				cname("ocsp.acme-main."+snowflake, ""), cname("app.us-east-1."+snowflake, ""), cname("app-acme-main."+snowflake, ""),
			},
		},
		"confluent-cloud": {
			connection.DNSPlan{Hostname: "lkc-abc123." + confluent, Zone: confluent},
			[]connection.NameRecord{
				cname("*."+confluent, ""), cname("*.use1-az1."+confluent, "use1-az1"), cname("*.use1-az2."+confluent, "use1-az2"),
			},
		},
		"clickhouse-cloud": {
			connection.DNSPlan{Hostname: "abcd1234ef.us-east-1.vpce.aws.clickhouse.cloud",
				Zone: "abcd1234ef.us-east-1.vpce.aws.clickhouse.cloud"},
			[]connection.NameRecord{{Name: "abcd1234ef.us-east-1.vpce.aws.clickhouse.cloud", Type: connection.RecordAlias}},
		},
		"elastic-cloud": {
			connection.DNSPlan{Hostname: "728f055801f246699358af768edfcd29.vpce.us-east-1.aws.elastic-cloud.com",
				Zone: "vpce.us-east-1.aws.elastic-cloud.com"},
			[]connection.NameRecord{cname("*.vpce.us-east-1.aws.elastic-cloud.com", "")},
		},
	}
	for vendor, test := range tests {
		rendered, faults := find(t, vendor).Render(sample(t, vendor), account)
		if faults != nil {
			t.Fatalf("%s: %v", vendor, faults)
		}
		got := rendered.DNS
		got.Mode, got.Records = "", nil
		if diff := cmp.Diff(test.plan, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", vendor, diff)
		}
		if diff := cmp.Diff(test.records, rendered.RecordsIn([]string{"use1-az1", "use1-az2"})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", vendor, diff)
		}
		for _, record := range rendered.RecordsIn(nil) {
			if record.AZID != "" || strings.Contains(record.Name, "$") {
				t.Errorf("%s: without zones there is %+v", vendor, record)
			}
		}
	}
}

// Every gate says what a person does: the text is whole but for the endpoint's id, which is not known yet.
func TestGatesAreWhole(t *testing.T) {
	t.Parallel()
	catalog, err := Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range catalog.IDs() {
		rendered, faults := find(t, id).Render(sample(t, id), account)
		if faults != nil {
			t.Fatalf("%s: %v", id, faults)
		}
		texts := append([]string{
			rendered.Gates.Allowlist.Subject, rendered.Gates.Allowlist.Body, rendered.Gates.Approval.Subject,
			strings.ReplaceAll(rendered.Gates.Approval.Body, "${vpcEndpointId}", "vpce-1"),
		}, rendered.ClientActions...)
		for _, output := range rendered.Outputs {
			texts = append(texts, output.Value)
		}
		for _, text := range texts {
			if strings.Contains(text, "${") {
				t.Errorf("%s: an open variable in %q", id, text)
			}
		}
		if !strings.Contains(rendered.Gates.Allowlist.Body, account) {
			t.Errorf("%s: the text before the endpoint does not name the AWS account", id)
		}
	}
	for id, part := range map[string]string{
		"snowflake": "SYSTEM$AUTHORIZE_PRIVATELINK('111122223333'", "confluent-cloud": "AWS account number 111122223333",
	} {
		rendered, _ := find(t, id).Render(sample(t, id), account)
		if !strings.Contains(rendered.Gates.Allowlist.Body, part) {
			t.Errorf("%s does not say %q", id, part)
		}
	}
}

func TestRecordFaults(t *testing.T) {
	t.Parallel()
	const below = ".privatelink.snowflakecomputing.com"
	tests := map[string]struct {
		vendor, input, value string
		want                 string // the beginning of the one fault
	}{
		"an item that is none": {"snowflake", "otherUrls", "app" + below + ",evil.example",
			`inputs.otherUrls: item 2: "evil.example" does not match`},
		"no item": {"snowflake", "otherUrls", " , ", `inputs.otherUrls: missing; write`},
		"an item twice": {"snowflake", "otherUrls", "app" + below + ", app" + below,
			`inputs.otherUrls: "app` + below + `" is there twice`},
		"the account's again": {"snowflake", "otherUrls", "xy12345.us-east-1" + below,
			"inputs.otherUrls: xy12345.us-east-1" + below + " has a record already"},
		"another network's": {"confluent-cloud", "bootstrapHost", "lkc-1.other.us-east-1.aws.confluent.cloud",
			"inputs.bootstrapHost: lkc-1.other.us-east-1.aws.confluent.cloud has no record in zone 4kgzg.us-east-1.aws.confluent.cloud"},
		"another Region's": {"elastic-cloud", "deploymentHost", "abc.vpce.eu-west-1.aws.elastic-cloud.com",
			"inputs.deploymentHost: abc.vpce.eu-west-1.aws.elastic-cloud.com has no record in zone vpce.us-east-1.aws.elastic-cloud.com"},
	}
	for name, test := range tests {
		request := sample(t, test.vendor)
		request.Inputs[test.input] = test.value
		_, faults := find(t, test.vendor).Render(request, account)
		if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), test.want) {
			t.Errorf("%s: got %v, want %s…", name, faults, test.want)
		}
	}
}

// TestListsAsPeoplePasteThem: a list is accepted with what a console or a browser adds to its items.
func TestListsAsPeoplePasteThem(t *testing.T) {
	t.Parallel()
	const below = ".privatelink.snowflakecomputing.com"
	for name, test := range map[string]struct{ given, want string }{
		"as it should be":  {"a" + below + ",b" + below, "a" + below + ",b" + below},
		"a trailing comma": {"a" + below + ", b" + below + ",", "a" + below + ",b" + below},
		"upper case":       {"A" + strings.ToUpper(below), "a" + below},
		"addresses":        {"https://a" + below + "/, HTTPS://B" + below, "a" + below + ",b" + below},
		"ports":            {"a" + below + ":443,https://b" + below + ":80/", "a" + below + ",b" + below},
		"whole names":      {"a" + below + ".", "a" + below},
		"lines":            {"a" + below + "\nb" + below + "\n", "a" + below + ",b" + below},
	} {
		request := sample(t, "snowflake")
		request.Inputs["otherUrls"] = test.given
		rendered, faults := find(t, "snowflake").Render(request, account)
		if len(faults) > 0 || rendered.Inputs["otherUrls"] != test.want {
			t.Errorf("%s: %q, %v", name, rendered.Inputs["otherUrls"], faults)
		}
		if faults := find(t, "snowflake").CheckInputs(map[string]string{"otherUrls": test.given}); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
	request := sample(t, "snowflake")
	request.Inputs["otherUrls"] = "a" + below + ",https://a" + below
	if _, faults := find(t, "snowflake").Render(request, account); len(faults) != 1 || !strings.Contains(faults[0].Problem, "is there twice") {
		t.Errorf("one name in two forms: %v", faults)
	}
}

// TestConfluentGlobalNames: the bootstrap server that Confluent shows by default is taken. The zone is the network's own, and the name is
// published as it was given.
func TestConfluentGlobalNames(t *testing.T) {
	t.Parallel()
	const zone = "4kgzg.us-east-1.aws.confluent.cloud"
	for name, test := range map[string]struct{ host, domain, hostname string }{
		"global":             {"lkc-abc123-4kgzg.us-east-1.aws.glb.confluent.cloud", zone, "lkc-abc123." + zone},
		"global, both":       {"lkc-abc123-4kgzg.us-east-1.aws.glb.confluent.cloud", "4kgzg.us-east-1.aws.glb.confluent.cloud", "lkc-abc123." + zone},
		"without network":    {"lkc-abc123.4kgzg.us-east-1.aws.glb.confluent.cloud", zone, "lkc-abc123." + zone},
		"of the zone itself": {"lkc-abc123." + zone, zone, "lkc-abc123." + zone},
	} {
		request := sample(t, "confluent-cloud")
		request.Inputs["bootstrapHost"], request.Inputs["dnsDomain"] = test.host, test.domain
		rendered, faults := find(t, "confluent-cloud").Render(request, account)
		if len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
			continue
		}
		if dns := rendered.DNS; dns.Zone != zone || dns.Hostname != test.hostname || dns.Records[0].Name != "*."+zone {
			t.Errorf("%s: %+v", name, dns)
		}
		if got := rendered.RecordsIn([]string{"use1-az1"})[1].Name; got != "*.use1-az1."+zone {
			t.Errorf("%s: zonal record %s", name, got)
		}
		if got := rendered.Outputs[0].Value; got != "bootstrap.servers="+test.host+":9092" {
			t.Errorf("%s: published %s", name, got)
		}
	}
}

// TestNoFaultShowsAPlaceholder: whatever is wrong with an input, the fault has no variable in it.
func TestNoFaultShowsAPlaceholder(t *testing.T) {
	t.Parallel()
	catalog, err := Check()
	if err != nil {
		t.Fatal(err)
	}
	values := []string{"", "x", "a.example", "lkc-abc123-4kgzg.us-east-1.aws.confluent.cloud", "lkc-1.other.us-east-1.aws.glb.confluent.cloud",
		"4kgzg.us-east-1.aws.confluent.cloud", "a.privatelink.snowflakecomputing.com", "privatelink.snowflakecomputing.com"}
	for _, id := range catalog.IDs() {
		for _, input := range find(t, id).Inputs {
			for _, value := range values {
				request := sample(t, id)
				request.Inputs[input.Name] = value
				_, faults := find(t, id).Render(request, account)
				if strings.Contains(faults.Error(), "${") {
					t.Errorf("%s, %s = %q: %v", id, input.Name, value, faults)
				}
			}
		}
	}
	request := sample(t, "confluent-cloud")
	request.Inputs["bootstrapHost"] = "lkc-abc123-4kgzg.us-east-1.aws.confluent.cloud"
	_, faults := find(t, "confluent-cloud").Render(request, account)
	want := "inputs.bootstrapHost: lkc-abc123-4kgzg.us-east-1.aws.confluent.cloud has no record in zone 4kgzg.us-east-1.aws.confluent.cloud; write a " +
		"name that one of these records answers: *.4kgzg.us-east-1.aws.confluent.cloud, *.<Availability Zone ID>.4kgzg.us-east-1.aws.confluent.cloud"
	if len(faults) != 1 || faults[0].String() != want {
		t.Errorf("got %v", faults)
	}
}

// TestServiceNamesOfEveryPartition: the name of an endpoint service and its Region are taken in every partition of AWS.
func TestServiceNamesOfEveryPartition(t *testing.T) {
	t.Parallel()
	for region, prefix := range map[string]string{
		"us-east-1": "com.amazonaws", "us-gov-west-1": "com.amazonaws", "mx-central-1": "com.amazonaws", "cn-north-1": "cn.com.amazonaws",
		"cn-northwest-1": "com.amazonaws", "eusc-de-east-1": "eu.amazonaws", "us-iso-east-1": "gov.ic.c2s", "us-isob-east-1": "gov.sgov.sc2s",
		"us-isof-south-1": "gov.ic.hci.csp", "eu-isoe-west-1": "uk.adc-e.cloud",
	} {
		request := monteCarlo()
		request.Inputs["serviceName"], request.Inputs["serviceRegion"] = prefix+".vpce."+region+".vpce-svc-0123456789abcdef0", region
		if _, faults := find(t, "monte-carlo").Render(request, account); len(faults) > 0 {
			t.Errorf("%s: %v", region, faults)
		}
	}
	for _, name := range []string{"com.amazon.vpce.us-east-1.vpce-svc-0123456789abcdef0", "com.amazonaws.us-east-1.s3", "com.amazonaws.vpce.us-east.vpce-svc-01234567"} {
		request := monteCarlo()
		request.Inputs["serviceName"] = name
		want := fmt.Sprintf("%q is not the name of a VPC endpoint service", name)
		if _, faults := find(t, "monte-carlo").Render(request, account); len(faults) != 1 || faults[0].Problem != want {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// What a profile can say that would give no zone that Route 53 takes.
func TestRecordFaultsOfTheProfile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ zone, record, kind, want string }{
		"outside":            {"b.example", "host.a.example", connection.RecordCNAME, "host.a.example is not in zone b.example"},
		"half a label":       {"a.example", "host.ba.example", connection.RecordCNAME, "host.ba.example is not in zone a.example"},
		"a CNAME at the top": {"a.example", "a.example", connection.RecordCNAME, "a.example is the zone's own name, which cannot have a CNAME"},
		"an ALIAS there":     {"a.example", "a.example", connection.RecordAlias, ""},
	} {
		profile := *find(t, "four-ports")
		profile.DNS = DNS{
			Mode: connection.ModePrivateHostedZone, Hostname: parseText(test.record), Zone: parseText(test.zone), TTL: 60,
			Records: []Record{{Name: parseText(test.record), Type: test.kind, Target: TargetRegional}},
		}
		_, faults := profile.Render(requestFor("four-ports"), account)
		if got := faults; test.want == "" && len(got) > 0 || test.want != "" && (len(got) == 0 || got[0].Problem != test.want) {
			t.Errorf("%s: got %v, want %q", name, faults, test.want)
		}
	}
}

// Each case makes one mistake in Confluent's profile and wants the whole error.
func TestLoadRecordErrors(t *testing.T) {
	t.Parallel()
	const file = "profiles/confluent-cloud.yaml:"
	raw, err := os.ReadFile("profiles/confluent-cloud.yaml")
	if err != nil {
		t.Fatal(err)
	}
	zonal := "    - {name: '*.${azId}.${withoutGLB(dnsDomain)}', type: CNAME, target: zonal}"
	tests := map[string]struct{ old, new, want string }{
		"type": {"type: CNAME, target: regional", "type: A, target: regional",
			file + `46: dns.records[0].type: got "A", expected CNAME, or ALIAS, which can stand at the zone's apex too`},
		"target": {"target: zonal", "target: zone",
			file + `48: dns.records[1].target: got "zone", expected regional (the endpoint's name), or zonal (one record for each ` +
				`Availability Zone, with ${azId} in its name)`},
		"no zone": {"  zone: ${withoutGLB(dnsDomain)}\n", "",
			file + "42: dns.zone: missing; expected the name of the zone that records are in, for privateHostedZone with records only"},
		"both forms": {"  ttl: 60", "  zoneScope: {default: parent, allowed: [parent]}\n  ttl: 60",
			file + "49: dns.zoneScope: not allowed here; it is an object with default and allowed, for privateHostedZone only"},
		"one name for all zones": {zonal, strings.ReplaceAll(zonal, "${azId}.", ""),
			file + "48: dns.records[1].name: one name for several records; expected ${azId} in it"},
		"a zone without zonal": {"name: '*.${withoutGLB(dnsDomain)}'", "name: '*.${azId}.${dnsDomain}'",
			file + "46: dns.records[0].name: unknown variable in ${azId}; expected one of awsAccountId, region, vpcId, connectionId, " +
				"bootstrapHost, dnsDomain, networkId, serviceName"},
		"no list": {"type: CNAME, target: regional}", "type: CNAME, target: regional, each: networkId}",
			file + `46: dns.records[0].each: got "networkId", expected the name of an input with list: true` + "\n" +
				file + "46: dns.records[0].name: one name for several records; expected ${item} in it"},
		"records of another mode": {"mode: privateHostedZone", "mode: vendorPrivateDns",
			file + "44: dns.zone: not allowed here; it is the name of the zone that records are in, for privateHostedZone with records only\n" +
				file + "46: dns.records: not allowed here; it is the records of the zone instead of the one that zoneScope gives, for " +
				"privateHostedZone with zone only\n" +
				file + "49: dns.ttl: not allowed here; it is the record's TTL in seconds, for privateHostedZone only, 1 to 86400"},
		"a public name that is not shared": {"sharedWithPublic: false", "sharedWithPublic: false\n  publicName: a.example",
			file + `50: dns.sharedWithPublic: got "false", expected true beside publicName`},
		"a kind of gate": {"kind: portal", "kind: fax",
			file + `54: gates.allowlist.kind: got "fax", expected message (a person at the vendor acts on the text), command (we run ` +
				`what the text says) or portal (we act in the vendor's portal or by its API)`},
		"an input called like a variable": {"name: networkId", "name: azId",
			file + "23: inputs[2].name: azId is taken; expected a name that no other input or variable has"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := strings.Replace(string(raw), test.old, test.new, 1)
			if edited == string(raw) {
				t.Fatalf("%q is not in the profile", test.old)
			}
			_, err := LoadFS(fstest.MapFS{"profiles/confluent-cloud.yaml": {Data: []byte(edited)}})
			if err == nil {
				t.Fatal("no error")
			}
			var lines []string // the renamed input is missed in texts; that is not what is looked at here
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.Contains(line, "unknown variable in ${networkId}") {
					lines = append(lines, line)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
