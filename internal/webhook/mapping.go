package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// Asked is what a ticket asks for.
type Asked struct {
	Request connection.Request
	Action  connection.Action // as the ticket says; a retry's request is to onboard
	Version string            // of the ticket
	Changed time.Time         // when the ticket was changed so; zero when the payload does not say
}

// Ticket returns the ticket's key.
func (a Asked) Ticket() string { return a.Request.Ticket.Key() }

// Execution returns the name and the input of the execution: the same for every delivery of one change of a ticket, and another for
// the next change, so that a ticket can ask for the same again.
func (a Asked) Execution() (name, input string) {
	raw, err := json.Marshal(a.Request)
	if err != nil {
		panic(err) // strings only
	}
	input = string(raw)
	revision := strings.Join([]string{a.Ticket(), string(a.Action), a.Version, input}, "\n")
	return connection.ExecutionName(a.Request.ConnectionID(), revision), input
}

// Map reads a payload. It returns nil and no fault when the payload asks for nothing, such as a comment or a status that the
// table does not have. Faults are all there are, by what the ticket calls its fields.
func (s *Source) Map(body []byte, networks connection.Networks, vendors catalog.Catalog) (*Asked, connection.Faults) {
	m := mapper{source: s, networks: networks, vendors: vendors}
	m.request.Target.SubnetIDs = []string{} // in JSON null is no list
	document, err := parse(body)
	if err != nil {
		m.faults.Addf("body", "send the ticket system's own JSON", "%v", err)
		return nil, m.faults
	}
	m.document = document
	if !m.applies() {
		return nil, nil
	}
	action := m.action()
	if action == "" {
		return nil, s.named(m.faults)
	}
	m.readForm()
	namesOnly := action.NamesOnly() // the connection says the rest
	for _, field := range s.Fields {
		if !namesOnly || field.named(action) {
			m.take(field)
		}
	}
	if namesOnly {
		m.request.Target = connection.Target{}
	} else {
		m.chooseNetwork()
	}
	asked := m.asked(action)
	m.check()
	return asked, s.named(m.faults)
}

// named reports whether a field is read for an action that finds the rest by the connection's id. An approval brings what the vendor
// gave.
func (f Field) named(action connection.Action) bool {
	kind, _, _ := strings.Cut(f.To, ".")
	return slices.Contains([]string{"vendor", "name", "requester"}, f.To) || kind == "inputs" && action == connection.ActionApprove
}

// mapper is one payload on its way to a request. Its faults have the paths of the request.
type mapper struct {
	source   *Source
	networks connection.Networks
	vendors  catalog.Catalog
	document any
	form     form

	network, account, region, vpc string // as the ticket says
	request                       connection.Request
	faults                        connection.Faults
}

func (m *mapper) applies() bool {
	return m.has(m.source.When) && m.transition()
}

// transition reports whether the field that says the action changed in this event; see Transition.
func (m *mapper) transition() bool {
	t := m.source.Action.Transition
	if t == nil {
		return true
	}
	field, known := strings.CutPrefix(m.source.Action.From, t.Of)
	if field, _, _ = strings.Cut(field, "/"); !known || m.has(t.New) {
		return true
	}
	changes, _ := at(m.document, t.Changes).([]any)
	return slices.ContainsFunc(changes, func(change any) bool {
		name, _ := text(at(change, "/field"))
		id, _ := text(at(change, "/fieldId"))
		return name == field || id == field
	})
}

// has reports whether the payload has values, by pointer: one of each list.
func (m *mapper) has(wanted map[string][]string) bool {
	for pointer, values := range wanted {
		value, ok := text(at(m.document, pointer))
		if !ok || !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

// action returns what is asked for, "" for nothing.
func (m *mapper) action() connection.Action {
	table := m.source.Action
	values := []any{at(m.document, table.From)}
	if list, isList := values[0].([]any); isList {
		values = list
	}
	var found connection.Action
	for _, value := range values {
		word, _ := text(value)
		action, known := table.Values[word]
		switch {
		case !known && table.Strict:
			m.faults.Addf(actionPath, "write one of "+strings.Join(wordsOf(table.Values), ", "), "%.64q asks for nothing", word)
		case known && found != "" && found != action:
			m.faults.Addf(actionPath, "ask for one thing at a time", "asks for both %s and %s", found, action)
		case known:
			found = action
		}
	}
	if found != "" && found != connection.ActionRetry && !slices.Contains(connection.Actions, found) {
		m.faults.Addf(actionPath, "ask an operator", "%s is not taken from tickets yet", found)
	}
	if len(m.faults) > 0 {
		return ""
	}
	return found
}

func wordsOf(values map[string]connection.Action) []string {
	var words []string
	for word := range values {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

func (m *mapper) readForm() {
	if m.source.Form != "" {
		body, _ := text(at(m.document, m.source.Form))
		m.form = formOf(body)
	}
}

// unsafe is what no ticket may bring: an ARN, an address, or what a template engine or a shell would take for its own.
var unsafe = regexp.MustCompile(`(?i)\barn:|://|[$#]\{|\{\{|\{%|<%|\$\(`)

// take puts a field of the ticket into the request.
func (m *mapper) take(field Field) {
	value, ok := m.value(field)
	if !ok {
		return
	}
	var good bool
	var whole string
	var list []string
	var named map[string]string
	switch field.To {
	case "subnetIds", "securityGroupIds", "clientCidrs", "clientSecurityGroupIds":
		list, good = texts(value)
	case "inputs", "options":
		named, good = pairs(value)
	default:
		whole, good = text(value)
	}
	if !good {
		m.faults.Add(field.path(), "cannot be read", "write it as plain text")
		return
	}
	if !m.safe(field, whole, list, named) {
		return
	}
	m.set(field, whole, list, named)
}

// value finds a field in the payload; false when the form has it twice.
func (m *mapper) value(field Field) (any, bool) {
	heading, inForm := strings.CutPrefix(field.From, headingMark)
	if !inForm {
		return at(m.document, field.From), true
	}
	answers := m.form[heading]
	if len(answers) > 1 {
		m.faults.Add(field.path(), "is there twice", "keep one answer below the heading")
		return nil, false
	}
	return strings.Join(answers, ""), true
}

func (m *mapper) safe(field Field, whole string, list []string, named map[string]string) bool {
	all := append([]string{whole}, list...)
	for name, value := range named {
		all = append(all, name, value)
	}
	if slices.ContainsFunc(all, unsafe.MatchString) {
		m.faults.Add(field.path(), "contains an ARN, an address or a template", "write the plain value")
		return false
	}
	return true
}

func (m *mapper) set(field Field, whole string, list []string, named map[string]string) {
	r := &m.request
	words := map[string]*string{
		"vendor": &r.Vendor, "name": &r.Name, "requester": &r.Requester, "adoptEndpointId": &r.AdoptEndpointID,
		"network": &m.network, "accountId": &m.account, "region": &m.region, "vpcId": &m.vpc,
	}
	lists := map[string]*[]string{
		"subnetIds": &r.Target.SubnetIDs, "securityGroupIds": &r.Target.SecurityGroupIDs, "clientCidrs": &r.Target.ClientCIDRs,
		"clientSecurityGroupIds": &r.Target.ClientSecurityGroupIDs,
	}
	kind, name, single := strings.Cut(field.To, ".")
	if single && whole != "" {
		named = map[string]string{name: whole}
	}
	switch {
	case words[field.To] != nil:
		*words[field.To] = whole
	case lists[field.To] != nil:
		*lists[field.To] = append(*lists[field.To], list...)
	case kind == "inputs":
		r.Inputs = merged(r.Inputs, named)
	case kind == "options":
		r.Options = merged(r.Options, named)
	case field.To == "cutover":
		m.setCutover(whole)
	}
}

func (m *mapper) setCutover(whole string) {
	switch strings.ToLower(whole) {
	case "", "no", "false":
	case "yes", "true":
		m.request.Cutover = true
	default:
		m.faults.Addf("cutover", "write yes or no", "%.64q is neither yes nor no", whole)
	}
}

func merged(into, from map[string]string) map[string]string {
	for name, value := range from {
		if into == nil {
			into = map[string]string{}
		}
		into[name] = value
	}
	return into
}

// chooseNetwork takes the place from the registered networks only: the ticket says which, and everything else that it says about
// the place must agree.
func (m *mapper) chooseNetwork() {
	const path = "target.vpcId"
	if m.faults.Covers(path) {
		return
	}
	chosen := m.network != "" || m.vpc != "" // the Region or the account alone is no choice
	var names []string
	for _, network := range m.networks {
		names = append(names, network.Name)
		if chosen && agrees(m.network, network.Name) && agrees(m.vpc, network.VPCID) && agrees(m.region, network.Region) &&
			agrees(m.account, network.AccountID) {
			m.request.Target.Region, m.request.Target.VPCID = network.Region, network.VPCID
			return
		}
	}
	remedy := "write the name of a registered network, with its own VPC, Region and account or without: " + strings.Join(names, ", ")
	if !chosen {
		m.faults.Add(path, "missing", remedy)
		return
	}
	m.faults.Add(path, "is not a registered network", remedy)
}

// agrees reports whether a ticket says nothing of a network's property, or what it is.
func agrees(said, is string) bool { return said == "" || said == is }

func (m *mapper) asked(action connection.Action) *Asked {
	m.request.SchemaVersion, m.request.Action = connection.SchemaVersion, action
	asked := &Asked{Action: action}
	texts := m.source.Ticket
	id, err := m.fill(texts.ID)
	if err != nil {
		m.faults.Addf("ticket.id", "send the ticket system's own payload", "%v", err)
	}
	m.request.Ticket = &connection.Ticket{System: m.source.System, ID: id}
	if texts.URL != "" && err == nil {
		// What the address needs and the payload lacks leaves the address out: it is for people only.
		m.request.Ticket.URL, _ = m.fill(texts.URL)
	}
	if action == connection.ActionRetry {
		m.request.Action = connection.ActionOnboard
	}
	if asked.Version, err = m.fill(texts.Version); err != nil {
		m.faults.Addf(actionPath, "send the ticket system's own payload", "%s needs the ticket's version: %v", action, err)
	}
	if texts.At != "" {
		if asked.Changed, err = m.time(texts.At); err != nil {
			m.faults.Addf(actionPath, "send the ticket system's own payload", "%s needs the time of the ticket's change: %v", action, err)
		}
	}
	asked.Request = m.request
	return asked
}

// jiraTime is how Jira writes a time in an issue.
const jiraTime = "2006-01-02T15:04:05.999-0700"

// time returns the time at a pointer.
func (m *mapper) time(pointer string) (time.Time, error) {
	value, _ := text(at(m.document, pointer))
	if milliseconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.UnixMilli(milliseconds), nil
	}
	for _, layout := range []string{time.RFC3339Nano, jiraTime} {
		if found, err := time.Parse(layout, value); err == nil {
			return found, nil
		}
	}
	return time.Time{}, fmt.Errorf("there is no usable value at %s", pointer)
}

// stale returns the fault of a change that is too old when its delivery is received. A ticket system, or an attacker who has a copy, may
// deliver a change again when AWS has forgotten the execution that the first delivery started.
func (a Asked) stale(ticket TicketTexts, received time.Time) connection.Faults {
	var faults connection.Faults
	if !a.Changed.IsZero() && received.Sub(a.Changed) > time.Duration(ticket.Days)*24*time.Hour {
		faults.Addf(actionPath, "ask for it again on the ticket", "the ticket asked for this on %s, more than %d days before this delivery",
			a.Changed.UTC().Format("2 January 2006"), ticket.Days)
	}
	return faults
}

var (
	placeholder = regexp.MustCompile(`\{(/[^{}]*)\}`)
	// ticketPart is what a ticket's id and version are made of.
	ticketPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:+-]{0,127}$`)
)

// fill puts values of the payload into one of the source's texts.
func (m *mapper) fill(pattern string) (string, error) {
	var fault error
	filled := placeholder.ReplaceAllStringFunc(pattern, func(found string) string {
		pointer := found[1 : len(found)-1]
		value, _ := text(at(m.document, pointer))
		if !ticketPart.MatchString(value) || strings.Contains(value, "..") {
			fault = fmt.Errorf("there is no usable value at %s", pointer)
		}
		return value
	})
	if fault == nil && filled == "" {
		fault = errors.New("the source gives none")
	}
	if fault != nil {
		return "", fault
	}
	return filled, nil
}

// check adds what connection.DecodeRequest and the vendor's profile find, but for fields that have a fault already: so a ticket
// learns at once of all that it lacks.
func (m *mapper) check() {
	raw, err := json.Marshal(m.request)
	if err != nil {
		panic(err) // strings only
	}
	_, err = connection.DecodeRequest(raw)
	var found connection.Faults
	errors.As(err, &found)
	if !m.request.Action.NamesOnly() || len(m.request.Inputs) > 0 {
		found = append(found, m.profileFaults()...)
	}
	empty := map[string]bool{"vendor": m.request.Vendor == "", "name": m.request.Name == "",
		"target.subnetIds": len(m.request.Target.SubnetIDs) == 0}
	for _, fault := range found {
		if empty[fault.Path] {
			fault.Problem = "missing"
		}
		place := fault.Path == "target.region" && m.request.Target.Region == "" // chooseNetwork named it
		if !m.faults.Covers(fault.Path) && !place {
			m.faults = append(m.faults, fault)
		}
	}
}

func (m *mapper) profileFaults() connection.Faults {
	profile, known := m.vendors.Find(m.request.Vendor)
	if known && m.request.Action == connection.ActionApprove {
		return profile.CheckInputs(m.request.Inputs)
	}
	if known {
		network, _ := m.networks.Find(m.request.Target.Region, m.request.Target.VPCID)
		_, faults := profile.Render(m.request, network.AccountID)
		return faults
	}
	return connection.Faults{{
		Path: "vendor", Problem: "there is no profile for this vendor", Remedy: "use one of " + strings.Join(m.vendors.IDs(), ", "),
	}}
}

// actionPath stands for the status or label that says what is asked for.
const actionPath = "action"

// named returns faults with their paths turned into what the ticket calls its fields.
func (s *Source) named(faults connection.Faults) connection.Faults {
	named := slices.Clone(faults)
	for i, fault := range named {
		named[i].Path = s.label(fault.Path)
	}
	return named
}

// label returns what the ticket calls the field at a path of the request.
func (s *Source) label(path string) string {
	if path == actionPath && s.Action.Label != "" {
		return s.Action.Label
	}
	best, rest := "", path
	longest := -1
	for _, field := range s.Fields {
		after, ok := strings.CutPrefix(path, field.path())
		if !ok || after != "" && after[0] != '.' && after[0] != '[' || len(field.path()) <= longest {
			continue
		}
		best, rest, longest = field.label(), after, len(field.path())
	}
	if longest < 0 {
		return path
	}
	return best + rest
}
