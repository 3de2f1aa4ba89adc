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
// type as a fault with its path. encoding/json stops at the first fault and names no path, so the document is walked beside the
// type instead. Field names are compared exactly: encoding/json alone would take "VENDOR" for "vendor".
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

// fill sets target from value and adds a fault for each part of value that does not fit.
func fill(faults *Faults, path string, value any, target reflect.Value) {
	wrong := func(expected string) {
		faults.Addf(path, "write "+expected, "%s where %s is expected", kindOf(value), expected)
	}
	switch target.Kind() {
	case reflect.Pointer:
		if value == nil {
			return
		}
		target.Set(reflect.New(target.Type().Elem()))
		fill(faults, path, value, target.Elem())
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			wrong("an object")
			return
		}
		fillStruct(faults, path, object, target)
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			wrong("an object of strings")
			return
		}
		target.Set(reflect.MakeMap(target.Type()))
		for key, item := range object {
			element := reflect.New(target.Type().Elem()).Elem()
			fill(faults, join(path, fieldName(key)), item, element)
			target.SetMapIndex(reflect.ValueOf(key), element)
		}
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			wrong("a list")
			return
		}
		target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
		for i, item := range list {
			fill(faults, index(path, i), item, target.Index(i))
		}
	case reflect.String:
		text, ok := value.(string)
		if !ok {
			wrong("a string")
			return
		}
		target.SetString(text)
	case reflect.Int:
		number, ok := value.(json.Number)
		whole, err := number.Int64()
		if !ok || err != nil {
			wrong("a whole number")
			return
		}
		target.SetInt(whole)
	case reflect.Bool:
		truth, ok := value.(bool)
		if !ok {
			wrong("true or false")
			return
		}
		target.SetBool(truth)
	default:
		panic("connection: no rule to decode " + target.Type().String())
	}
}

func fillStruct(faults *Faults, path string, object map[string]any, target reflect.Value) {
	fields := map[string]reflect.Value{}
	var names []string
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = target.Field(i)
		names = append(names, name)
	}
	for key, value := range object {
		field, ok := fields[key]
		if !ok {
			faults.Add(join(path, fieldName(key)), "unknown field", "use one of "+strings.Join(names, ", "))
			continue
		}
		fill(faults, join(path, key), value, field)
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

// fieldName returns a field's name as it can stand in a path. A stranger chose it, and a line break in it would forge a fault.
func fieldName(key string) string {
	if key != "" && !strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`."[]`, r) }) {
		return clip(key)
	}
	return strconv.Quote(clip(key))
}

// clip shortens text that a stranger sent, before it is repeated in a message.
func clip(text string) string {
	const most = 64
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}

func oneOf[T comparable](value T, of []T) bool { return slices.Contains(of, value) }

func joined[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return strings.Join(texts, ", ")
}
