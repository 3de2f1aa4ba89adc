package catalog

import (
	"slices"
	"strconv"
	"strings"
)

// check finds what the schema cannot: patterns that do not compile, variables that do not exist, names given twice, choices
// that contradict each other.
func (p *Profile) check(d document) error {
	var problems []problem
	wrong := func(path []string, format string, args ...any) {
		problems = append(problems, d.problemf(path, format, args...))
	}
	text := func(t Text, known []string, path ...string) {
		if problem := t.check(known); problem != "" {
			wrong(path, "%s", problem)
		}
	}
	known, late := p.checkInputs(wrong)
	all := slices.Concat(known, late)
	text(p.Service.Name, all, "service", "name")
	text(p.Service.Region, all, "service", "region")
	text(p.DNS.Hostname, known, "dns", "hostname")
	text(p.DNS.Zone, known, "dns", "zone")
	text(p.DNS.PublicName, known, "dns", "publicName")
	p.checkRecords(wrong, known)
	for i, sibling := range p.DNS.KnownSiblings {
		text(sibling, known, "dns", "knownSiblings", strconv.Itoa(i))
	}
	if scope := p.DNS.ZoneScope; len(scope.Allowed) > 0 && !slices.Contains(scope.Allowed, scope.Default) {
		wrong([]string{"dns", "zoneScope", "default"}, "got %q, expected one of allowed: %s",
			scope.Default, strings.Join(scope.Allowed, ", "))
	}
	text(p.Gates.Allowlist.Subject, all, "gates", "allowlist", "subject")
	text(p.Gates.Allowlist.Body, all, "gates", "allowlist", "body")
	text(p.Gates.Approval.Subject, all, "gates", "approval", "subject")
	withEndpoint := append(slices.Clone(all), varEndpoint)
	text(p.Gates.Approval.Body, withEndpoint, "gates", "approval", "body")
	if !strings.Contains(p.Gates.Approval.Body.String(), "${"+varEndpoint+"}") {
		wrong([]string{"gates", "approval", "body"}, "does not name the endpoint; expected ${vpcEndpointId} in it")
	}
	p.checkPortsAndOutputs(wrong, func(t Text, path ...string) { text(t, known, path...) })
	for i, action := range p.ClientActions {
		text(action, known, "clientActions", strconv.Itoa(i))
	}
	return joined(problems)
}

// checkInputs also compiles the patterns, and returns the variables that texts may use; those of late inputs apart, which only the
// service and the texts to the vendor may use: the rest is planned without them. A default may use the inputs before it only, so
// defaults cannot depend on each other in a circle.
func (p *Profile) checkInputs(wrong func(path []string, format string, args ...any)) (known, late []string) {
	known = slices.Clone(commonVariables)
	for i := range p.Inputs {
		input := &p.Inputs[i]
		at := func(field string) []string { return []string{"inputs", strconv.Itoa(i), field} }
		if slices.Contains(slices.Concat(known, late, []string{varEndpoint, varItem, varZone}), input.Name) {
			wrong(at("name"), "%s is taken; expected a name that no other input or variable has", input.Name)
		}
		if (input.Pattern == "") == (input.Format == "") {
			wrong(at("pattern"), "missing, or given with a format; expected one of pattern and format")
		}
		if err := input.compile(); err != nil {
			wrong(at("pattern"), "%v; expected a regular expression of Go", err)
		}
		if problem := input.Default.check(known); problem != "" {
			wrong(at("default"), "%s", problem)
		}
		if input.Required != RequiredAfterAllowlisting {
			known = append(known, input.Name)
			continue
		}
		late = append(late, input.Name)
		if !p.Service.Name.uses(input.Name) && !p.Service.Region.uses(input.Name) {
			wrong(at("required"), "%s is no part of the service; expected true, or ${%s} in service.name or service.region",
				input.Name, input.Name)
		}
	}
	return known, late
}

// checkRecords checks that a record is made for each of what its name tells apart, and of nothing else.
func (p *Profile) checkRecords(wrong func([]string, string, ...any), known []string) {
	for i, record := range p.DNS.Records {
		at := func(field string) []string { return []string{"dns", "records", strconv.Itoa(i), field} }
		variables := slices.Clone(known)
		for _, required := range []struct {
			variable string
			is       bool
		}{{varZone, record.Target == TargetZonal}, {varItem, record.Each != ""}} {
			if !required.is {
				continue
			}
			variables = append(variables, required.variable)
			if !record.Name.uses(required.variable) {
				wrong(at("name"), "one name for several records; expected ${%s} in it", required.variable)
			}
		}
		if problem := record.Name.check(variables); problem != "" {
			wrong(at("name"), "%s", problem)
		}
		list := slices.ContainsFunc(p.Inputs, func(input Input) bool { return input.Name == record.Each && input.List })
		if record.Each != "" && !list {
			wrong(at("each"), "got %q, expected the name of an input with list: true", record.Each)
		}
	}
}

func (p *Profile) checkPortsAndOutputs(wrong func([]string, string, ...any), text func(Text, ...string)) {
	ports := map[int]bool{}
	for i, port := range p.Ports {
		if ports[port.Number] {
			wrong([]string{"ports", strconv.Itoa(i), "number"}, "%d is there twice; expected each port once", port.Number)
		}
		ports[port.Number] = true
	}
	keys := map[string]bool{}
	for i, output := range p.Outputs {
		if keys[output.Key] {
			wrong([]string{"outputs", strconv.Itoa(i), "key"}, "%s is there twice; expected each key once", output.Key)
		}
		keys[output.Key] = true
		text(output.Value, "outputs", strconv.Itoa(i), "value")
	}
}
