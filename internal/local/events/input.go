package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// InputTransformer writes a target's input from parts of the event.
type InputTransformer struct {
	InputPathsMap map[string]string // variable -> path
	InputTemplate string
}

// inputOf is what a target's input is made from.
type inputOf struct {
	event          Event
	rule, ruleName string
	ingested       time.Time
}

// input makes what a target receives.
type input interface {
	payload(inputOf) ([]byte, error)
}

// maxInput is the longest input and template. AWS: 8,192 characters.
const maxInput = 8192

func parseInput(t *Target) (input, error) {
	set := 0
	for _, given := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if given {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, errors.New("only one of Input, InputPath and InputTransformer must be set")
	case t.InputTransformer != nil:
		return parseTemplate(*t.InputTransformer)
	case t.InputPath != "":
		return parsePath(t.InputPath)
	case t.Input == "":
		return path(nil), nil
	case len(t.Input) > maxInput:
		return nil, fmt.Errorf("the Input has %d characters, at most %d are allowed", len(t.Input), maxInput)
	case !json.Valid([]byte(t.Input)):
		return nil, errors.New("the Input is not JSON")
	}
	return constant(t.Input), nil
}

type constant string

func (c constant) payload(inputOf) ([]byte, error) { return []byte(c), nil }

// payload is the part of the event at the path.
//
// AWS does not say what a target gets for a path that leads nowhere; here that is a failed delivery.
func (p path) payload(in inputOf) ([]byte, error) {
	part, found := p.find(in.event.JSON())
	if !found {
		return nil, errors.New("the event has nothing at the InputPath")
	}
	return part, nil
}

// template is a text with variables in it.
type template []piece

// piece is text, and the variable that follows it, if any.
type piece struct {
	text     string
	variable string
	path     path // of a variable of the map, else nil
	own      bool // it is one of the map
	quoted   bool // the variable stands inside a JSON string
}

var (
	placeholder = regexp.MustCompile(`<([A-Za-z0-9_.-]+)>`)
	reserved    = []string{
		"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event", "aws.events.event.json", "aws.events.event.ingestion-time",
	}
)

func parseTemplate(t InputTransformer) (template, error) {
	if t.InputTemplate == "" || len(t.InputTemplate) > maxInput {
		return nil, fmt.Errorf("the InputTemplate has %d characters, 1 to %d are allowed", len(t.InputTemplate), maxInput)
	}
	paths := map[string]path{}
	for name, text := range t.InputPathsMap {
		if strings.HasPrefix(strings.ToLower(name), "aws") {
			return nil, fmt.Errorf("the InputPathsMap: names beginning with AWS are reserved, %q", name)
		}
		parsed, err := parsePath(text)
		if err != nil {
			return nil, fmt.Errorf("the InputPathsMap %s: %w", name, err)
		}
		paths[name] = parsed
	}
	var parsed template
	var sample strings.Builder
	rest, inString := t.InputTemplate, false
	for rest != "" {
		p := piece{text: rest}
		at := placeholder.FindStringSubmatchIndex(rest)
		if at != nil {
			p.text, p.variable = rest[:at[0]], rest[at[2]:at[3]]
			rest = rest[at[1]:]
		} else {
			rest = ""
		}
		inString = endsInString(p.text, inString)
		p.quoted = inString
		p.path, p.own = paths[p.variable]
		if err := p.check(); err != nil {
			return nil, err
		}
		sample.WriteString(p.text + p.sample())
		parsed = append(parsed, p)
	}
	if !json.Valid([]byte(sample.String())) {
		return nil, errors.New("the InputTemplate is not JSON; a text needs quotes")
	}
	return parsed, nil
}

// endsInString reports whether a JSON string is open after a text, given whether one was before it.
func endsInString(text string, inString bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && inString:
			i++
		case text[i] == '"':
			inString = !inString
		}
	}
	return inString
}

func (p piece) check() error {
	switch {
	case p.variable == "" || p.own:
		return nil
	case !slices.Contains(reserved, p.variable):
		return fmt.Errorf("the InputTemplate: the variable <%s> is not in the InputPathsMap", p.variable)
	case p.quoted && strings.HasPrefix(p.variable, "aws.events.event") && p.variable != "aws.events.event.ingestion-time":
		// AWS: its contents are not escaped.
		return fmt.Errorf("the InputTemplate: <%s> can only be the value of a JSON member", p.variable)
	}
	return nil
}

// sample stands for the variable when the template is checked.
func (p piece) sample() string {
	switch {
	case p.variable == "":
		return ""
	case p.quoted:
		return "x"
	}
	return "null"
}

// payload fills the template.
//
// AWS: the input is minified, and values inside strings are not escaped, so that a quote in one breaks the JSON.
func (t template) payload(in inputOf) ([]byte, error) {
	var filled bytes.Buffer
	for _, p := range t {
		filled.WriteString(p.text)
		filled.Write(p.value(in))
	}
	var minified bytes.Buffer
	if err := json.Compact(&minified, filled.Bytes()); err != nil {
		return nil, fmt.Errorf("the filled InputTemplate is not JSON: %w", err)
	}
	return minified.Bytes(), nil
}

// value is what takes the variable's place. AWS: what the event does not have leaves nothing behind.
func (p piece) value(in inputOf) []byte {
	if p.variable == "" {
		return nil
	}
	raw, found := p.lookup(in)
	if !found {
		raw = []byte(`""`)
	}
	var text *string
	if p.quoted && json.Unmarshal(raw, &text) == nil && text != nil {
		return []byte(*text)
	}
	return raw
}

// lookup returns a variable as JSON.
func (p piece) lookup(in inputOf) ([]byte, bool) {
	if p.own {
		return p.path.find(in.event.JSON())
	}
	switch p.variable {
	case "aws.events.rule-arn":
		return encode(in.rule), true
	case "aws.events.rule-name":
		return encode(in.ruleName), true
	case "aws.events.event":
		return in.event.withoutDetail(), true
	case "aws.events.event.json":
		return in.event.JSON(), true
	default:
		return encode(in.ingested.UTC().Format(time.RFC3339)), true
	}
}
