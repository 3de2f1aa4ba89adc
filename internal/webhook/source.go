package webhook

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"postern/internal/connection"
	"postern/internal/notify/ticket"
)

//go:embed sources/*.yaml
var embedded embed.FS

// Source is a ticket system's kind of webhook, and how its payload becomes a request.
type Source struct {
	Name   string `yaml:"-"`
	Scheme string `yaml:"scheme"` // of schemes
	Header string `yaml:"header"` // that carries the secret, of the scheme bearer
	// System is the ticket system that the tickets belong to; two sources may speak for one system.
	System string `yaml:"system"`
	// When tells, by pointer, which values a payload must have to ask for anything.
	When   map[string][]string `yaml:"when"`
	Action ActionTable         `yaml:"action"`
	Ticket TicketTexts         `yaml:"ticket"`
	Form   string              `yaml:"form"` // pointer to a text with headings
	Fields []Field             `yaml:"fields"`
}

// ActionTable says what a ticket's status, label or field asks for.
type ActionTable struct {
	From   string                       `yaml:"from"` // pointer to a text, or to a list of texts
	Label  string                       `yaml:"label"`
	Values map[string]connection.Action `yaml:"values"`
	// Strict makes a value that is not in the table a fault; otherwise it asks for nothing.
	Strict bool `yaml:"strict"`
	// Transition is nil for a system that delivers only transitions, or whose own rules choose what it delivers.
	Transition *Transition `yaml:"transition"`
}

// Transition tells the change of a ticket's status from every other change of a ticket that is in that status.
type Transition struct {
	Changes string `yaml:"changes"` // pointer to the list of what the event changed, each with a field or a fieldId
	Of      string `yaml:"of"`      // what the pointers to these fields begin with; a status elsewhere is not checked
	// New has, by pointer, the values in the payload of a new ticket, which was created in its status and lists no changes.
	New map[string][]string `yaml:"new"`
}

// TicketTexts are texts with pointers in braces: {/repository/full_name}#{/issue/number}.
type TicketTexts struct {
	ID      string `yaml:"id"`
	URL     string `yaml:"url"`     // begins with a fixed host; "" for none
	Version string `yaml:"version"` // differs from one change of the ticket to the next, and not from one delivery to the next
	// At is a pointer to the time of the ticket's change: RFC 3339, Jira's form of it, or milliseconds of the epoch. A change that is more
	// than Days days old starts nothing. "" when the payload has no such time.
	At   string `yaml:"at"`
	Days int    `yaml:"days"`
}

// mostDays is the most that Days may be. AWS keeps the name of an execution for 90 days after its end; later the name no longer shows that
// the change was delivered before.
const mostDays = 80

// Field is one field of the ticket.
type Field struct {
	To    string `yaml:"to"`   // field of the request, see targets
	From  string `yaml:"from"` // a pointer, or "### " and a heading of the form
	Label string `yaml:"label"`
}

// targets are the fields that a ticket may fill in, with what each is in a request. Further ones are inputs.<name> and
// options.<name>.
var targets = map[string]string{
	"vendor": "vendor", "name": "name", "requester": "requester", "cutover": "cutover",
	"adoptEndpointId": "adoptEndpointId",
	"network":         "target.vpcId", "accountId": "target.vpcId", "region": "target.region", "vpcId": "target.vpcId",
	"subnetIds": "target.subnetIds", "securityGroupIds": "target.securityGroupIds", "clientCidrs": "target.clientCidrs",
	"clientSecurityGroupIds": "target.clientSecurityGroupIds",
	"inputs":                 "inputs", "options": "options",
}

var namedTarget = regexp.MustCompile(`^(inputs|options)\.[A-Za-z][A-Za-z0-9]{0,39}$`)

// path returns where in a request a field goes.
func (f Field) path() string {
	if path, known := targets[f.To]; known {
		return path
	}
	return f.To
}

// label is what people call the field.
func (f Field) label() string {
	if f.Label != "" {
		return f.Label
	}
	if heading, ok := strings.CutPrefix(f.From, headingMark); ok {
		return heading
	}
	return f.From[strings.LastIndex(f.From, "/")+1:]
}

// Override is what a deployment changes of a source, in the block webhooks of cdk.json. An empty one switches the source on as
// it is.
type Override struct {
	// Fields are pointers or headings by field of the request: they replace the source's, or add to them.
	Fields map[string]string `yaml:"fields" json:"fields,omitempty"`
	// Labels are what the ticket calls these fields.
	Labels map[string]string `yaml:"labels" json:"labels,omitempty"`
	// Actions replace the source's table: status or label to action.
	Actions map[string]connection.Action `yaml:"actions" json:"actions,omitempty"`
	// ActionFrom is where the status or label is.
	ActionFrom string `yaml:"actionFrom" json:"actionFrom,omitempty"`
	// Form is where the text with headings is.
	Form string `yaml:"form" json:"form,omitempty"`
	// TicketURL is a ticket's address, such as https://example.atlassian.net/browse/{/issue/key}.
	TicketURL string `yaml:"ticketUrl" json:"ticketUrl,omitempty"`
	// Header carries the secret, for sources that cannot sign.
	Header string `yaml:"header" json:"header,omitempty"`
	// WriteBack has comments put on the tickets; without it, none are.
	WriteBack *ticket.Settings `yaml:"writeBack" json:"writeBack,omitempty"`
}

// WriteBacks returns where comments go, by ticket system, of a block that Load took.
func WriteBacks(overrides map[string]Override) map[string]ticket.Settings {
	systems := map[string]ticket.Settings{}
	for name, override := range overrides {
		if source, err := load(name); err == nil && override.WriteBack != nil {
			systems[source.System] = *override.WriteBack
		}
	}
	return systems
}

// Sources are the sources that are switched on, by name.
type Sources map[string]*Source

// Names returns the names of every source there is, switched on or not.
func Names() []string {
	entries, err := embedded.ReadDir("sources")
	if err != nil {
		panic(fmt.Sprintf("webhook: %v", err)) // embedded
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".yaml")
	}
	slices.Sort(names) // by name, not by file: a full stop comes after a hyphen
	return names
}

// Load returns the sources that the block switches on, changed as it says: JSON or YAML, an Override for each name. The error
// names every fault of the block.
func Load(block string) (Sources, error) {
	var overrides map[string]Override
	if err := decode([]byte(block), &overrides); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	sources := Sources{}
	writers := map[string]string{} // by ticket system: the source that has its settings
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		source, err := load(name)
		if err == nil {
			source.apply(overrides[name])
			err = errors.Join(source.check(), source.checkWriteBack(overrides[name].WriteBack, writers))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("webhooks.%s: %w", name, err))
			continue
		}
		sources[name] = source
	}
	return sources, errors.Join(faults...)
}

func load(name string) (*Source, error) {
	if !slices.Contains(Names(), name) {
		return nil, errors.New("there is no such source; use one of " + strings.Join(Names(), ", "))
	}
	raw, err := embedded.ReadFile("sources/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	source := &Source{Name: name}
	return source, decode(raw, source)
}

func decode(raw []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func (s *Source) apply(o Override) {
	for _, to := range slices.Sorted(maps.Keys(o.Fields)) {
		i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.To == to })
		if i < 0 {
			i, s.Fields = len(s.Fields), append(s.Fields, Field{To: to})
		}
		s.Fields[i].From = o.Fields[to]
		if strings.HasPrefix(o.Fields[to], headingMark) {
			s.Fields[i].Label = ""
		}
	}
	for to, label := range o.Labels {
		for i := range s.Fields {
			if s.Fields[i].To == to {
				s.Fields[i].Label = label
			}
		}
	}
	if o.Actions != nil {
		s.Action.Values = o.Actions
	}
	s.Action.From = cmp.Or(o.ActionFrom, s.Action.From)
	s.Form = cmp.Or(o.Form, s.Form)
	s.Ticket.URL = cmp.Or(o.TicketURL, s.Ticket.URL)
	s.Header = cmp.Or(o.Header, s.Header)
}

// urlPattern is an address whose host is fixed: only its path is of the ticket.
var urlPattern = regexp.MustCompile(`^https://[A-Za-z0-9.-]+(:\d+)?/`)

// check returns every fault of a source, joined.
func (s *Source) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	pointer := func(where, value string) {
		if !pointerPattern.MatchString(value) {
			fault("%s: %q is not a JSON pointer such as /issue/key", where, value)
		}
	}
	if schemes[s.Scheme] == nil {
		fault("scheme: %q is not known", s.Scheme)
	}
	if s.Scheme == "bearer" && s.Header == "" {
		fault("header: missing; write which one carries the secret")
	}
	for from := range s.When {
		pointer("when", from)
	}
	pointer("actionFrom", s.Action.From)
	for value, action := range s.Action.Values {
		if !slices.Contains(connection.TicketActions, action) {
			fault("actions: %q is no action; %q can ask for one of %v", action, value, connection.TicketActions)
		}
	}
	for where, text := range map[string]string{"id": s.Ticket.ID, "version": s.Ticket.Version, "ticketUrl": s.Ticket.URL} {
		for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
			pointer(where, found[1])
		}
	}
	if s.Ticket.URL != "" && !urlPattern.MatchString(s.Ticket.URL) {
		fault("ticketUrl: %q does not begin with https:// and a host", s.Ticket.URL)
	}
	if t := s.Action.Transition; t != nil {
		pointer("transition", t.Changes)
	}
	if s.Form != "" {
		pointer("form", s.Form)
	}
	if s.Ticket.At != "" {
		pointer("at", s.Ticket.At)
		if s.Ticket.Days < 1 || s.Ticket.Days > mostDays {
			fault("days: %d is not from 1 to %d", s.Ticket.Days, mostDays)
		}
	}
	s.checkFields(fault, pointer)
	return errors.Join(faults...)
}

// checkWriteBack: two sources may speak for one ticket system, which is written to in one way.
func (s *Source) checkWriteBack(settings *ticket.Settings, writers map[string]string) error {
	if settings == nil {
		return nil
	}
	if other := writers[s.System]; other != "" {
		return fmt.Errorf("writeBack: %s has it already for tickets of %s", other, s.System)
	}
	writers[s.System] = s.Name
	return settings.Check(s.System)
}

func (s *Source) checkFields(fault func(string, ...any), pointer func(where, value string)) {
	for _, field := range s.Fields {
		if _, known := targets[field.To]; !known && !namedTarget.MatchString(field.To) {
			fault("fields: a ticket cannot fill in %q; use one of %s, inputs.<name>, options.<name>", field.To,
				strings.Join(slices.Sorted(maps.Keys(targets)), ", "))
		}
		switch {
		case !strings.HasPrefix(field.From, headingMark):
			pointer("fields."+field.To, field.From)
		case s.Form == "":
			fault("fields.%s: there is no form to find a heading in", field.To)
		}
	}
}
