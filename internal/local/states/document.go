package states

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// node is a value of a definition and where it stands. Readers add a fault for what does not fit and return a zero value, so that
// one load reports every fault.
type node struct {
	path   string // JSONPath, such as $.States.Plan.Retry[0]
	value  any
	faults *[]string
}

// fault notes what is wrong with a node.
func (n node) fault(format string, args ...any) {
	*n.faults = append(*n.faults, n.path+": "+fmt.Sprintf(format, args...))
}

// document reads a definition. A field that is given twice is a fault; encoding/json would drop the first in silence.
func document(raw []byte) (node, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	faults := []string{}
	value, err := readValue(decoder, "$", &faults)
	if err == nil {
		if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return node{}, fmt.Errorf("$: not JSON at byte %d: %w", decoder.InputOffset(), err)
	}
	return node{"$", value, &faults}, nil
}

func readValue(decoder *json.Decoder, path string, faults *[]string) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return readObject(decoder, path, faults)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			item, err := readValue(decoder, fmt.Sprintf("%s[%d]", path, len(list)), faults)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := decoder.Token()
		return list, err
	default:
		return token, nil
	}
}

func readObject(decoder *json.Decoder, path string, faults *[]string) (any, error) {
	fields := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder allows nothing else here
		if _, twice := fields[name]; twice {
			*faults = append(*faults, child(path, name)+": is given twice")
		}
		if fields[name], err = readValue(decoder, child(path, name), faults); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return fields, err
}

var bareName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// child is the path of a field.
func child(path, name string) string {
	if bareName.MatchString(name) {
		return path + "." + name
	}
	return path + "['" + strings.ReplaceAll(name, "'", `\'`) + "']"
}

// object is a node with fields. Fields that are never asked for are unknown: close notes them.
type object struct {
	node
	fields map[string]any
	known  map[string]bool
}

// object reads a node as an object; of anything else it is one without fields.
func (n node) object() *object {
	fields, ok := n.value.(map[string]any)
	if !ok {
		n.fault("an object is expected")
	}
	return &object{node: n, fields: fields, known: map[string]bool{}}
}

// field returns a field and whether it is there.
func (o *object) field(name string) (node, bool) {
	o.known[name] = true
	value, present := o.fields[name]
	return node{child(o.path, name), value, o.faults}, present
}

// has reports whether any of the fields is there, without asking for it.
func (o *object) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, present := o.fields[name]; return present })
}

// only notes a fault when more than one of some fields is there.
func (o *object) only(names ...string) {
	var present []string
	for _, name := range names {
		if o.has(name) {
			present = append(present, name)
		}
	}
	if len(present) > 1 {
		o.fault("%s exclude each other", strings.Join(present, " and "))
	}
}

// close adds a fault for every field that was not read.
func (o *object) close(what string) {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if !o.known[name] {
			node{path: child(o.path, name), faults: o.faults}.fault("%s has no such field here", what)
		}
	}
}

// text reads a field as text; "" when it is not there.
func (o *object) text(name string) string {
	n, present := o.field(name)
	if !present {
		return ""
	}
	text, ok := n.value.(string)
	if !ok {
		n.fault("text is expected")
	}
	return text
}

// needed reads a field that must be there and not empty.
func (o *object) needed(name string) string {
	text := o.text(name)
	if text == "" {
		if n, _ := o.field(name); n.value == nil || n.value == "" {
			n.fault("is needed")
		}
	}
	return text
}

// maxNumber is AWS's limit on the numbers of a definition: seconds and attempts.
const maxNumber = 99_999_999

// integer reads a field as a whole number from least to maxNumber, or returns otherwise when it is not there.
func (o *object) integer(name string, least, otherwise int64) int64 {
	n, present := o.field(name)
	if !present {
		return otherwise
	}
	value, ok := whole(plain(n.value))
	if !ok || value < least || value > maxNumber {
		n.fault("a whole number from %d to %d is expected", least, maxNumber)
	}
	return value
}

// float reads a field as a number of at least least, or returns otherwise when it is not there.
func (o *object) float(name string, least, otherwise float64) float64 {
	n, present := o.field(name)
	if !present {
		return otherwise
	}
	value, ok := number(plain(n.value))
	if !ok || value < least || math.IsInf(value, 0) {
		n.fault("a number of at least %v is expected", least)
	}
	return value
}

// truth reads a field as true or false.
func (o *object) truth(name string) bool {
	n, present := o.field(name)
	value, ok := n.value.(bool)
	if present && !ok {
		n.fault("true or false is expected")
	}
	return value
}

// word reads a field that is one of some words, the first of which is meant when it is not there.
func (o *object) word(name string, words ...string) string {
	n, present := o.field(name)
	if !present {
		return words[0]
	}
	text, _ := n.value.(string)
	if !slices.Contains(words, text) {
		n.fault("%v is none of %s", n.value, strings.Join(words, ", "))
	}
	return text
}

// list reads a field as a list of at least least items.
func (o *object) list(name string, least int) []node {
	n, present := o.field(name)
	items, ok := n.value.([]any)
	if (present && !ok) || len(items) < least {
		n.fault("a list of at least %d is expected", least)
	}
	nodes := make([]node, len(items))
	for i, item := range items {
		nodes[i] = node{fmt.Sprintf("%s[%d]", n.path, i), item, n.faults}
	}
	return nodes
}
