package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/internal/connection"
)

// OptionZoneScope is the option that chooses the zone of a private hosted zone: ScopeParent or ScopeHostname.
const OptionZoneScope = "zoneScope"

const secondsPerDay = 86_400

// Rendered is a profile with the values of a request.
type Rendered struct {
	Inputs        map[string]string // with defaults
	Awaited       []string          // inputs that were left out until the vendor gives them; the service is not known before
	Service       Value
	ServiceRegion Value
	Hostname      Value
	// DNS has the records that point to the whole endpoint; RecordsIn gives those of the zones too.
	DNS connection.DNSPlan
	// SharedWithPublic is whether the hostname exists in public DNS too, so that switching it moves clients at once.
	SharedWithPublic bool
	Siblings         []string // names that a parent zone hides and clients may need
	// Gates have the profile's timeouts and no heartbeat.
	Gates connection.Gates
	// Outputs have no parameter names yet.
	Outputs       []connection.Output
	ClientActions []string
	// Zonal are the records that point to one Availability Zone each, still with ${azId} in their names, which no message shows.
	Zonal []connection.NameRecord
}

// Value is a value, with the path of the request's field that gave it.
type Value struct {
	Text  string
	Path  string // inputs.<name>; "" when no single input gave it
	Known bool   // false when a fault or an awaited input left a part of it open
}

// Render checks the inputs and options of a request against the profile and puts them into its texts. Faults are returned all at
// once, with paths inputs.<name> and options.<name>; with faults the rendering is not to be used.
func (p *Profile) Render(request connection.Request, accountID string) (Rendered, connection.Faults) {
	var faults connection.Faults
	values := map[string]string{
		varAccount: accountID, varRegion: request.Target.Region, varVPC: request.Target.VPCID, varConnection: request.ConnectionID(),
	}
	inputs, awaited := p.resolve(&faults, request, values)
	dns, zonal := p.renderDNS(&faults, request.Options, values)
	out := Rendered{
		Inputs:        inputs,
		Awaited:       awaited,
		Service:       p.Service.Name.value(values),
		ServiceRegion: p.Service.Region.value(values),
		Hostname:      p.DNS.Hostname.value(values),
		DNS:           dns,
		Zonal:         zonal,
	}
	inTexts := maps.Clone(values)
	for _, name := range awaited {
		inTexts[name] = toBeGiven
	}
	out.Gates = connection.Gates{Allowlist: p.Gates.Allowlist.render(inTexts), Approval: p.Gates.Approval.render(inTexts)}
	public := p.DNS.PublicName.value(values)
	out.SharedWithPublic = p.DNS.SharedWithPublic && (public.Text == "" || public.Text == dns.Hostname)
	for _, sibling := range p.DNS.KnownSiblings {
		out.Siblings = append(out.Siblings, sibling.render(values))
	}
	for _, output := range p.Outputs {
		out.Outputs = append(out.Outputs, connection.Output{
			Key: output.Key, Format: output.Format, YAMLPath: output.YAMLPath, Value: output.Value.render(values),
		})
	}
	for _, action := range p.ClientActions {
		out.ClientActions = append(out.ClientActions, action.render(values))
	}
	return out, faults
}

// toBeGiven replaces an awaited input in the text to the vendor.
const toBeGiven = "(to be given by you)"

// resolve returns the value of each input, and adds them to values; and the inputs that may still be left out. A value that is wrong
// is left out of values, so that no text ever contains it.
func (p *Profile) resolve(faults *connection.Faults, request connection.Request, values map[string]string) (
	inputs map[string]string, awaited []string) {
	inputs = map[string]string{}
	given, beforehand := request.Inputs, request.Action == connection.ActionOnboard || request.Action == connection.ActionPlan
	names := make([]string, len(p.Inputs))
	for i, input := range p.Inputs {
		names[i] = input.Name
		path := "inputs." + input.Name
		value := input.normal(given[input.Name])
		if value == "" && beforehand && input.Required == RequiredAfterAllowlisting {
			awaited = append(awaited, input.Name)
			continue
		}
		if value == "" && input.Required == "" {
			made := input.Default.value(values)
			if !made.Known {
				continue // what it is made of has a fault already
			}
			value = made.Text
		}
		switch {
		case value == "":
			faults.Add(path, "missing", input.Help)
		case input.MaxLength > 0 && len(value) > input.MaxLength:
			faults.Addf(path, input.Help, "%d characters, more than %d", len(value), input.MaxLength)
		case input.wrong(value) != "":
			faults.Add(path, input.wrong(value), input.Help)
		default:
			inputs[input.Name], values[input.Name] = value, value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			faults.Addf("inputs."+printable(name), "use "+strings.Join(names, ", "), "%s has no such input", p.ID)
		}
	}
	return inputs, awaited
}

// CheckInputs checks inputs by themselves, whether or not they are all that a request needs.
func (p *Profile) CheckInputs(given map[string]string) connection.Faults {
	var faults connection.Faults
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(p.Inputs, func(input Input) bool { return input.Name == name })
		if i < 0 {
			faults.Addf("inputs."+printable(name), "leave it out", "%s has no such input", p.DisplayName)
			continue
		}
		switch problem := p.Inputs[i].wrong(p.Inputs[i].normal(given[name])); {
		case p.Inputs[i].MaxLength > 0 && len(given[name]) > p.Inputs[i].MaxLength:
			faults.Addf("inputs."+name, p.Inputs[i].Help, "%d characters, more than %d", len(given[name]), p.Inputs[i].MaxLength)
		case problem != "":
			faults.Add("inputs."+name, problem, p.Inputs[i].Help)
		}
	}
	return faults
}

func (p *Profile) renderDNS(faults *connection.Faults, options, values map[string]string) (
	plan connection.DNSPlan, zonal []connection.NameRecord) {
	hostname := p.DNS.Hostname.value(values)
	plan = connection.DNSPlan{Mode: p.DNS.Mode, Hostname: hostname.Text}
	scope := p.chooseScope(faults, options)
	switch scope {
	case ScopeParent:
		plan.Zone = parentDomain(plan.Hostname)
		plan.Records = []connection.NameRecord{{Name: plan.Hostname, Type: connection.RecordCNAME, TTL: p.DNS.TTL}}
		// A zone of a whole top-level domain would hide half the internet from the VPC.
		if hostname.Known && !strings.Contains(plan.Zone, ".") {
			faults.Addf("options."+OptionZoneScope, "write hostname", "the domain above %s is too wide for a zone", plan.Hostname)
		}
	case ScopeHostname:
		plan.Zone = plan.Hostname
		plan.Records = []connection.NameRecord{{Name: plan.Hostname, Type: connection.RecordAlias}}
	}
	if len(p.DNS.Records) > 0 {
		zonal = p.renderRecords(faults, values, &plan)
	}
	return plan, zonal
}

// chooseScope returns the scope a request chose, the profile's default, or "" when the profile makes no zone.
func (p *Profile) chooseScope(faults *connection.Faults, options map[string]string) string {
	scope := p.DNS.ZoneScope
	for _, name := range slices.Sorted(maps.Keys(options)) {
		switch path := "options." + printable(name); {
		case len(scope.Allowed) == 0:
			faults.Add(path, p.ID+" has no options", "leave options out")
		case name != OptionZoneScope:
			faults.Add(path, p.ID+" has no such option", "use "+OptionZoneScope)
		case !slices.Contains(scope.Allowed, options[name]):
			faults.Addf(path, "write one of "+strings.Join(scope.Allowed, ", "), "%.80q is not a zone scope of %s", options[name], p.ID)
		}
	}
	if chosen := options[OptionZoneScope]; slices.Contains(scope.Allowed, chosen) {
		return chosen
	}
	return scope.Default
}

func (g Gate) render(values map[string]string) connection.GatePlan {
	return connection.GatePlan{
		To: g.To, Subject: g.Subject.render(values), Body: g.Body.render(values),
		SLAHours: g.SLAHours, Calendar: g.Calendar, TimeoutSeconds: int64(g.TimeoutDays) * secondsPerDay,
		ByConnection: g.PassedBy == PassedByConnection,
	}
}

func (t Text) value(values map[string]string) Value {
	value := Value{Text: t.render(values), Known: true}
	for _, p := range t.pieces {
		if _, ok := values[p.variable]; p.dynamic && !ok {
			value.Known = false
		}
	}
	if name := t.only(); name != "" && !slices.Contains(commonVariables, name) {
		value.Path = "inputs." + name
	}
	return value
}

// printable returns a name of a request in a form that is safe in a message.
func printable(name string) string {
	quoted := fmt.Sprintf("%.64q", name)
	if plain := quoted[1 : len(quoted)-1]; plain == name && name != "" {
		return name
	}
	return quoted
}
