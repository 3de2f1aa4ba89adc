package connection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxRequest is the largest request read, in bytes: AWS's limit on the input of an execution is 262,144.
const maxRequest = 262_144

// decodeStrict decodes JSON into the struct that into points to and returns every unknown field and every value of the wrong
// type as a fault with its path. encoding/json stops at the first fault and names no path, so this function walks the document along
// the type instead. Field names are compared exactly: encoding/json alone would take "VENDOR" for "vendor".
func decodeStrict(raw []byte, into any) Faults {
	var faults Faults
	if len(raw) > maxRequest {
		faults.Add("", "larger than 262144 bytes", "send one request")
		return faults
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		faults.Addf("", "send one JSON object, such as events/onboard.monte-carlo.json", "not JSON: %v", err)
		return faults
	}
	if _, err := decoder.Token(); err != io.EOF {
		faults.Add("", "more than one JSON value", "send one JSON object")
		return faults
	}
	if _, ok := document.(map[string]any); !ok {
		faults.Addf("", "send a JSON object, such as events/onboard.monte-carlo.json",
			"%s where an object is expected", kindOf(document))
		return faults
	}
	fill(&faults, "", document, reflect.ValueOf(into).Elem())
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Path, b.Path) })
	return faults
}

// expected says in words what JSON a Go type is read from.
var expected = map[reflect.Kind]string{
	reflect.Struct: "an object", reflect.Map: "an object of strings", reflect.Slice: "a list",
	reflect.String: "a string", reflect.Int: "a whole number", reflect.Bool: "true or false",
}

// fill sets target from value and adds a fault for each part of value that does not fit.
func fill(faults *Faults, path string, value any, target reflect.Value) {
	if target.Kind() == reflect.Pointer {
		if value != nil {
			target.Set(reflect.New(target.Type().Elem()))
			fill(faults, path, value, target.Elem())
		}
		return
	}
	var fits bool
	switch target.Kind() {
	case reflect.Struct:
		fits = fillStruct(faults, path, value, target)
	case reflect.Map:
		fits = fillMap(faults, path, value, target)
	case reflect.Slice:
		fits = fillSlice(faults, path, value, target)
	default:
		fits = set(value, target)
	}
	if !fits {
		want := expected[target.Kind()]
		faults.Addf(path, "write "+want, "%s where %s is expected", kindOf(value), want)
	}
}

func fillStruct(faults *Faults, path string, value any, target reflect.Value) bool {
	object, ok := value.(map[string]any)
	fields := map[string]reflect.Value{}
	var names []string
	for _, field := range reflect.VisibleFields(target.Type()) { // those of an embedded struct too
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = target.FieldByIndex(field.Index)
		if !strings.HasPrefix(name, "AWS_") { // such a name is for AWS to write, not for people
			names = append(names, name)
		}
	}
	for key, item := range object {
		if field, known := fields[key]; known {
			fill(faults, join(path, key), item, field)
			continue
		}
		faults.Add(join(path, fieldName(key)), "unknown field", "use one of "+strings.Join(names, ", "))
	}
	return ok
}

func fillMap(faults *Faults, path string, value any, target reflect.Value) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	target.Set(reflect.MakeMap(target.Type()))
	for key, item := range object {
		element := reflect.New(target.Type().Elem()).Elem()
		fill(faults, join(path, fieldName(key)), item, element)
		target.SetMapIndex(reflect.ValueOf(key).Convert(target.Type().Key()), element)
	}
	return true
}

func fillSlice(faults *Faults, path string, value any, target reflect.Value) bool {
	list, ok := value.([]any)
	if !ok {
		return false
	}
	target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
	for i, item := range list {
		fill(faults, index(path, i), item, target.Index(i))
	}
	return true
}

// set sets a text, a whole number or a truth value, and reports whether value is one.
func set(value any, target reflect.Value) bool {
	switch target.Kind() {
	case reflect.String:
		text, ok := value.(string)
		target.SetString(text)
		return ok
	case reflect.Int:
		number, _ := value.(json.Number)
		whole, err := number.Int64()
		target.SetInt(whole)
		return err == nil
	case reflect.Bool:
		truth, ok := value.(bool)
		target.SetBool(truth)
		return ok
	default:
		panic("connection: no rule to decode " + target.Type().String())
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// fieldName returns a field's name as it can stand in a path. The sender of the request chose it, and a line break in it would forge a fault.
func fieldName(key string) string {
	if key != "" && !strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`."[]`, r) }) {
		return clip(key)
	}
	return strconv.Quote(clip(key))
}

// clip shortens text of a request before it is repeated in a message.
func clip(text string) string {
	const most = 64
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}

func joined[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return strings.Join(texts, ", ")
}
