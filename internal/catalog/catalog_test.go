package catalog

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"postern/internal/catalog/calendar"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	catalog, err := Check()
	if err != nil {
		t.Fatal(err)
	}
	ids := catalog.IDs()
	want := []string{"clickhouse-cloud", "confluent-cloud", "elastic-cloud", "engflow", "monte-carlo", "snowflake"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids (-want +got)\n%s", diff)
	}
	for _, id := range ids {
		if profile, ok := catalog.Find(id); !ok || profile.ID != id {
			t.Errorf("Find(%s): got %v", id, ok)
		}
	}
	if _, ok := catalog.Find("monte"); ok {
		t.Error("Find(monte) found something")
	}
}

// A vendor is added by a file: this one is known to no line of Go.
func TestLoadAddsVendorsByFile(t *testing.T) {
	t.Parallel()
	catalog, err := LoadFS(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"four-ports"}, catalog.IDs()); diff != "" {
		t.Errorf("ids (-want +got)\n%s", diff)
	}
	profile, _ := catalog.Find("four-ports")
	all, tls := profile.PortNumbers()
	if !slices.Equal(all, []int{443, 8443, 9440, 80}) || !slices.Equal(tls, []int{443, 8443, 9440}) {
		t.Errorf("ports %v, with TLS %v", all, tls)
	}
}

// The calendars that a profile may name are those that can be counted in.
func TestCalendarsAreKnown(t *testing.T) {
	t.Parallel()
	for _, calendar := range calendar.Calendars {
		err := loadEdited(t, "timeoutDays: 1}\noutputs", "slaHours: 1, calendar: "+calendar+", timeoutDays: 1}\noutputs")
		if err != nil {
			t.Errorf("%s: %v", calendar, err)
		}
	}
}

// loadEdited loads four-ports.yaml with one change.
func loadEdited(t *testing.T, old, replacement string) error {
	t.Helper()
	raw, err := os.ReadFile("testdata/profiles/four-ports.yaml")
	if err != nil {
		t.Fatal(err)
	}
	edited := replacement
	if old != "" {
		if edited = strings.Replace(string(raw), old, replacement, 1); edited == string(raw) {
			t.Fatalf("%q is not in the profile", old)
		}
	}
	_, err = LoadFS(fstest.MapFS{"profiles/four-ports.yaml": {Data: []byte(edited)}})
	return err
}

// Each case makes one mistake and wants the whole error: file, line, path, what is wrong and what is expected.
func TestLoadErrors(t *testing.T) {
	t.Parallel()
	const file = "profiles/four-ports.yaml:"
	tests := map[string]struct{ old, new, want string }{
		"empty":    {"", " ", file + "1: not a YAML mapping; a profile begins with id"},
		"a list":   {"", "- id", file + "1: not a YAML mapping; a profile begins with id"},
		"not YAML": {"version: 0.1.0", "version: [", "profiles/four-ports.yaml: yaml: line 3: did not find expected ',' or ']'"},
		"other file": {"id: four-ports", "id: five-ports",
			file + `2: id: got "five-ports", expected "four-ports", the file's name without .yaml`},
		"id": {"id: four-ports", "id: Four Ports",
			file + `2: id: got "Four Ports", expected the profile's id, 1 to 40 of a-z, 0-9 and '-', equal to the file's ` +
				`name without .yaml`},
		"day": {"2026-11-21", "2026-13-01",
			file + `5: verifiedAt: got "2026-13-01", expected the day the profile was last compared with its sources, such ` +
				`as 2026-11-21`},
		"source": {"https://example.com", "http://example.com",
			file + `6: sources[0]: got "http://example.com/privatelink", expected an https URL`},
		"unknown field": {"version: 0.1.0", "version: 0.1.0\ncolour: red",
			file + "5: colour: unknown field; expected one of acceptance, alpn, az, clientActions, displayName, dns, gates, " +
				"id, inputs, outputs, ports, regions, requires, service, sources, symptoms, verifiedAt, version"},
		"inner unknown": {"minZones: 1", "minZones: 1, maxZones: 2",
			file + "28: az.maxZones: unknown field; expected one of minZones"},
		"missing": {"acceptance: auto\n", "",
			file + "2: acceptance: missing; expected required when the vendor accepts each endpoint by hand, auto when the " +
				"service does, discover when it is not documented"},
		"inner missing": {"{number: 80, tls: false}", "{number: 80}",
			file + "26: ports[3].tls: missing; expected true when TLS is spoken on the port, else false"},
		"port too large": {"number: 8443", "number: 84430", file + `24: ports[1].number: got "84430", expected a TCP port, 1 to 65535`},
		"port as text":   {"number: 8443", "number: https", file + `24: ports[1].number: got "https", expected a TCP port, 1 to 65535`},
		"port twice":     {"number: 8443", "number: 443", file + "24: ports[1].number: 443 is there twice; expected each port once"},
		"no ports": {
			"ports:\n  - {number: 443, tls: true}\n  - {number: 8443, tls: true}\n" +
				"  - {number: 9440, tls: true}\n  - {number: 80, tls: false}",
			"ports: []", file + "22: ports: got a list of 0, expected the TCP ports that clients use"},
		"mode": {"mode: crossRegionAllowed", "mode: anywhere",
			file + `20: regions.mode: got "anywhere", expected sameRegionOnly, or crossRegionAllowed when the vendor serves ` +
				`endpoints of other Regions`},
		"no scope for a zone": {"  zoneScope: {default: hostname, allowed: [hostname]}\n", "",
			file + "30: dns.zoneScope: missing; expected an object with default and allowed, for privateHostedZone only"},
		"scope without a zone": {"mode: privateHostedZone", "mode: none",
			file + "32: dns.zoneScope: not allowed here; it is an object with default and allowed, for privateHostedZone " +
				"only\n" + file + "33: dns.ttl: not allowed here; it is the record's TTL in seconds, for privateHostedZone " +
				"only, 1 to 86400"},
		"default not allowed": {"default: hostname", "default: parent",
			file + `32: dns.zoneScope.default: got "parent", expected one of allowed: hostname`},
		"yaml without path": {"format: text", "format: yaml",
			file + "39: outputs[0].yamlPath: missing; expected the dotted path of the key in the document, such as " +
				"container.backendServiceUrl"},
		"text with path": {"format: text", "format: text, yamlPath: a.b",
			file + "39: outputs[0].yamlPath: not allowed here; it is the dotted path of the key in the document, such as " +
				"container.backendServiceUrl"},
		"key leaves the prefix": {"key: host", "key: ../host",
			file + `39: outputs[0].key: got "../host", expected the end of the parameter's name, 1 to 4 parts of letters, ` +
				`digits, '_', '.' and '-', such as values/url`},
		"output twice": {
			"  - {key: host, format: text, value: '${host}'}",
			"  - {key: host, format: text, value: a}\n  - {key: host, format: text, value: b}",
			file + "40: outputs[1].key: host is there twice; expected each key once"},
		"pattern not anchored": {"'^[a-z0-9.-]+$'", "'[a-z0-9.-]+'",
			file + `18: inputs[2].pattern: got "[a-z0-9.-]+", expected a regular expression of the whole value, from ^ to $`},
		"pattern not compiling": {"'^[a-z0-9.-]+$'", "'^[a-z$'",
			file + "18: inputs[2].pattern: error parsing regexp: missing closing ]: `[a-z$`; expected a regular expression of Go"},
		"neither required": {"    required: true\n    pattern: '^[a-z0-9.-]+$'", "    pattern: '^[a-z0-9.-]+$'",
			file + "16: inputs[2]: got a mapping, expected an object with name, a pattern or a format, help, and either required or a default"},
		"both": {"default: ${region}", "default: ${region}\n    required: true",
			file + "12: inputs[1]: got a mapping, expected an object with name, a pattern or a format, help, and either required or a default"},
		"late input that is no part of the service": {"  - name: host\n    required: true", "  - name: host\n    required: afterAllowlisting",
			file + "17: inputs[2].required: host is no part of the service; expected true, or ${host} in service.name or service.region\n" +
				file + "31: dns.hostname: unknown variable in ${host}; expected one of awsAccountId, region, vpcId, connectionId, " +
				"serviceName, serviceRegion\n" +
				file + "39: outputs[0].value: unknown variable in ${host}; expected one of awsAccountId, region, vpcId, connectionId, " +
				"serviceName, serviceRegion"},
		"input twice": {"  - name: host", "  - {name: serviceName, required: true, pattern: '^x$', help: x}\n  - name: host",
			file + "16: inputs[2].name: serviceName is taken; expected a name that no other input or variable has"},
		"pattern and format": {"  - name: host", "  - {name: other, required: true, pattern: '^x$', format: region, help: x}\n  - name: host",
			file + "16: inputs[2].pattern: missing, or given with a format; expected one of pattern and format"},
		"input named region": {"  - name: host", "  - {name: region, required: true, pattern: '^x$', help: x}\n  - name: host",
			file + "16: inputs[2].name: region is taken; expected a name that no other input or variable has"},
		"later input": {"default: ${region}", "default: ${host}",
			file + "14: inputs[1].default: unknown variable in ${host}; expected one of awsAccountId, region, vpcId, " +
				"connectionId, serviceName"},
		"unknown variable": {"name: '${serviceName}'", "name: '${servicename}'",
			file + "21: service.name: unknown variable in ${servicename}; expected one of awsAccountId, region, vpcId, " +
				"connectionId, serviceName, serviceRegion, host"},
		"no variable": {"value: '${host}'", "value: '${}'",
			file + "39: outputs[0].value: unknown variable in ${}; expected one of awsAccountId, region, vpcId, " +
				"connectionId, serviceName, serviceRegion, host"},
		"open variable": {"value: '${host}'", "value: 'x${host'",
			file + "39: outputs[0].value: ${ without }; expected ${name}"},
		"unknown function": {"value: '${host}'", "value: '${upper(host)}'",
			file + "39: outputs[0].value: unknown function in ${upper(host)}; expected one of parentDomain, withoutGLB"},
		"endpoint too early": {"body: '${awsAccountId}'", "body: '${vpcEndpointId}'",
			file + "36: gates.allowlist.body: unknown variable in ${vpcEndpointId}; expected one of awsAccountId, region, " +
				"vpcId, connectionId, serviceName, serviceRegion, host"},
		"endpoint not named": {"body: '${vpcEndpointId}'", "body: please",
			file + "37: gates.approval.body: does not name the endpoint; expected ${vpcEndpointId} in it"},
		"hours without calendar": {"body: '${vpcEndpointId}'", "body: '${vpcEndpointId}', slaHours: 48",
			file + "37: gates.approval.calendar: missing; expected us-business (the hours of US business days) or 24x7"},
		"an alias": {"sources: [https://example.com/privatelink]", "sources: &s [https://example.com/privatelink]\nrequires: *s",
			file + "7: an alias; expected the value itself"},
		"a binary": {"displayName: Four Ports", "displayName: !!binary aGk=",
			file + "3: a value with tag !!binary; expected plain text, a number, true or false"},
		"null": {"displayName: Four Ports", "displayName:",
			file + `3: displayName: got "", expected the vendor's name for people, on one line`},
		"a key twice": {"version: 0.1.0", "version: 0.1.0\nversion: 0.2.0",
			"profiles/four-ports.yaml: yaml: unmarshal errors:\n  line 5: mapping key \"version\" already defined at line 4"},
		"two mistakes": {"ports:\n  - {number: 443, tls: true}", "az2: 1\nports:\n  - {number: 0, tls: true}",
			file + "22: az2: unknown field; expected one of acceptance, alpn, az, clientActions, displayName, dns, gates, " +
				"id, inputs, outputs, ports, regions, requires, service, sources, symptoms, verifiedAt, version\n" +
				file + `24: ports[0].number: got "0", expected a TCP port, 1 to 65535`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := loadEdited(t, tt.old, tt.new)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestLoadNothing(t *testing.T) {
	t.Parallel()
	if _, err := LoadFS(fstest.MapFS{}); err == nil || err.Error() != "no vendor profile in profiles/*.yaml" {
		t.Errorf("got %v", err)
	}
}

// The profile that docs/vendors.md walks through is one.
func TestTheWalkThroughIsAProfile(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/vendors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "```yaml\n")
	block, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/vendors.md has no YAML")
	}
	profile := strings.TrimPrefix(strings.ReplaceAll(block, "\n   ", "\n"), "   ") // it stands in a list
	load := func(old, replacement string) error {
		edited := strings.Replace(profile, old, replacement, 1)
		_, err := LoadFS(fstest.MapFS{"profiles/acme-search.yaml": {Data: []byte(edited)}})
		return err
	}
	if err := load("", ""); err != nil {
		t.Errorf("%v\n%s", err, profile)
	}
	for old, replacement := range map[string]string{"9200": "92000", "{name: '*.": "{name: '${tenants}."} {
		if err := load(old, replacement); err == nil || !strings.Contains(string(document), "   "+err.Error()+"\n") {
			t.Errorf("the document does not show the error as it is:\n%v", err)
		}
	}
}
