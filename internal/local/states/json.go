package states

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// decode reads one JSON value as the data of a state: whole numbers are int64, others float64, so that identifiers of 64 bits
// survive the way through a machine.
func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return plain(value), nil
}

// plain replaces the json.Numbers in a value.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, field := range value {
			object[name] = plain(field)
		}
		return object
	case []any:
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = plain(item)
		}
		return list
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		float, err := value.Float64()
		if err != nil {
			return string(value) // too large for any number: kept as it was written
		}
		return float
	default:
		return value
	}
}

// encode writes data as Step Functions does: <, > and & stay as they are.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("states: data that came from JSON is none: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// number reads a number wherever it may come from.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case float64:
		return value, true
	case int64:
		return float64(value), true
	default:
		return 0, false
	}
}

// whole reads a number without a fraction.
func whole(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		return int64(value), value == float64(int64(value))
	default:
		return 0, false
	}
}

// equal compares two values of data; 1 and 1.0 are the same number.
func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

// numeral is a number as JSON writes it.
func numeral(value any) string {
	if whole, ok := value.(int64); ok {
		return strconv.FormatInt(whole, 10)
	}
	return string(encode(value))
}
