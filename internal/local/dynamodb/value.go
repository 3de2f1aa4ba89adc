package dynamodb

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

// Kind is the type of a value, as the wire names it.
type Kind string

// The kinds.
const (
	String    Kind = "S"
	Number    Kind = "N"
	Binary    Kind = "B"
	Bool      Kind = "BOOL"
	Null      Kind = "NULL"
	List      Kind = "L"
	Map       Kind = "M"
	StringSet Kind = "SS"
	NumberSet Kind = "NS"
	BinarySet Kind = "BS"
)

// Value is an attribute's value.
type Value struct {
	Kind Kind
	Text string // of S; of N in its shortest form; of B the bytes
	Bool bool
	List []Value
	Map  map[string]Value
	Set  []string // sorted, each as Text would be
}

// Item is an item, or a part of one.
type Item map[string]Value

func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationException", format, args...)
}

// UnmarshalJSON reads {"S": "text"} and so on; an error is a ValidationException.
func (v *Value) UnmarshalJSON(raw []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return wire.Errorf("SerializationException", "reading an attribute value: %v", err)
	}
	if len(members) == 0 {
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	if len(members) > 1 {
		return invalid("Supplied AttributeValue has more than one datatypes set, " +
			"must contain exactly one of the supported datatypes")
	}
	for kind, value := range members {
		v.Kind = Kind(kind)
		if err := v.read(value); err != nil {
			return err
		}
	}
	return nil
}

func (v *Value) read(raw json.RawMessage) error {
	var err error
	switch v.Kind {
	case String, Number, Binary:
		var text string
		if err = json.Unmarshal(raw, &text); err == nil {
			v.Text, err = scalar(v.Kind, text)
		}
	case Bool, Null:
		err = json.Unmarshal(raw, &v.Bool)
		if err == nil && v.Kind == Null && !v.Bool {
			return invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
	case List:
		v.List = []Value{}
		err = json.Unmarshal(raw, &v.List)
	case Map:
		v.Map = map[string]Value{}
		err = json.Unmarshal(raw, &v.Map)
	case StringSet, NumberSet, BinarySet:
		err = v.readSet(raw)
	default:
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	var ours *wire.Error
	if err != nil && !errors.As(err, &ours) {
		return wire.Errorf("SerializationException", "reading a %s: %v", v.Kind, err)
	}
	return err
}

// scalar is the text of an S, N or B as it is kept.
func scalar(kind Kind, text string) (string, error) {
	switch kind {
	case Number:
		return canonical(text)
	case Binary:
		raw, err := base64.StdEncoding.DecodeString(text)
		return string(raw), err
	}
	return text, nil
}

// element is the kind of a set's elements.
func (k Kind) element() Kind { return k[:1] }

func (v *Value) readSet(raw json.RawMessage) error {
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return err
	}
	if len(texts) == 0 {
		return invalid("One or more parameter values were invalid: An %s set may not be empty", typeNames[v.Kind.element()])
	}
	for _, text := range texts {
		kept, err := scalar(v.Kind.element(), text)
		if err != nil {
			return err
		}
		v.Set = append(v.Set, kept)
	}
	slices.Sort(v.Set)
	if len(slices.Compact(slices.Clone(v.Set))) != len(v.Set) {
		return invalid("One or more parameter values were invalid: Input collection [%s] contains duplicates.",
			strings.Join(texts, ", "))
	}
	return nil
}

// typeNames are AWS's names of the kinds in messages.
var typeNames = map[Kind]string{
	String: "STRING", Number: "NUMBER", Binary: "BINARY", Bool: "BOOLEAN", Null: "NULL", List: "LIST", Map: "MAP",
	StringSet: "STRING_SET", NumberSet: "NUMBER_SET", BinarySet: "BINARY_SET",
}

// MarshalJSON writes the value as the wire has it.
func (v Value) MarshalJSON() ([]byte, error) {
	written := func(text string) string {
		if v.Kind == Binary || v.Kind == BinarySet {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
		return text
	}
	var value any
	switch v.Kind {
	case String, Number, Binary:
		value = written(v.Text)
	case Bool, Null:
		value = v.Bool
	case List:
		value = append([]Value{}, v.List...)
	case Map:
		value = v.Map
	default:
		texts := make([]string, len(v.Set))
		for i, text := range v.Set {
			texts[i] = written(text)
		}
		value = texts
	}
	return json.Marshal(map[Kind]any{v.Kind: value})
}

// equal reports whether two values are the same, of the same kind.
func (v Value) equal(other Value) bool {
	return v.Kind == other.Kind && v.Text == other.Text && v.Bool == other.Bool && slices.Equal(v.Set, other.Set) &&
		slices.EqualFunc(v.List, other.List, Value.equal) && maps.EqualFunc(v.Map, other.Map, Value.equal)
}

// compare orders two values of the same kind; ok is false when they have no order.
func (v Value) compare(other Value) (order int, ok bool) {
	if v.Kind != other.Kind {
		return 0, false
	}
	switch v.Kind {
	case String, Binary:
		return cmp.Compare(v.Text, other.Text), true
	case Number:
		return parse(v.Text).compare(parse(other.Text)), true
	}
	return 0, false
}

// clone copies a value so that the copy can be changed.
func (v Value) clone() Value {
	v.Set = slices.Clone(v.Set)
	if v.Kind == List {
		list := make([]Value, len(v.List))
		for i, element := range v.List {
			list[i] = element.clone()
		}
		v.List = list
	}
	if v.Kind == Map {
		v.Map = Item(v.Map).clone()
	}
	return v
}

func (i Item) clone() Item {
	if i == nil {
		return nil
	}
	copied := make(Item, len(i))
	for name, value := range i {
		copied[name] = value.clone()
	}
	return copied
}

// maxItem is the largest item, in bytes. AWS: 400 KB, attribute names included.
const maxItem = 400 * 1024

func (i Item) size() int {
	size := 0
	for name, value := range i {
		size += len(name) + value.size()
	}
	return size
}

func (v Value) size() int {
	size := 0
	switch v.Kind {
	case String, Binary:
		return len(v.Text)
	case Number:
		return numberSize(v.Text)
	case Bool, Null:
		return 1
	case List:
		for _, element := range v.List {
			size += 1 + element.size()
		}
		return 3 + size
	case Map:
		for name, member := range v.Map {
			size += 1 + len(name) + member.size()
		}
		return 3 + size
	}
	for _, text := range v.Set {
		if v.Kind == NumberSet {
			size += numberSize(text)
		} else {
			size += len(text)
		}
	}
	return size
}

// maxDepth is how deep values may be nested. AWS: 32 levels.
const maxDepth = 32

func (v Value) depth() int {
	deepest := 0
	for _, element := range v.List {
		deepest = max(deepest, element.depth())
	}
	for _, member := range v.Map {
		deepest = max(deepest, member.depth())
	}
	if v.Kind == List || v.Kind == Map {
		deepest++
	}
	return deepest
}

// check applies the limits of an item.
func (i Item) check(tooLarge string) error {
	for _, value := range i {
		if value.depth() > maxDepth {
			return invalid("Nesting Levels have exceeded supported limits")
		}
	}
	if i.size() > maxItem {
		return invalid("%s", tooLarge)
	}
	return nil
}

// String is the value as AWS's messages show it.
func (v Value) String() string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(raw)
}
