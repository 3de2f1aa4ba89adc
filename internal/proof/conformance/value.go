package conformance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// checker checks values against the shapes of a model and notes what is wrong, with where. Values are maps by member names, lists,
// and json.Number, bool and string; in the protocols that are all text, every scalar is a string.
type checker struct {
	service string
	model   *Model
	textual bool
	wrong   []string

	answering bool // the value is of an answer
}

func (c *checker) fault(path, format string, args ...any) {
	c.wrong = append(c.wrong, path+": "+fmt.Sprintf(format, args...))
}

// value checks a value.
func (c *checker) value(path, shapeName string, value any) {
	shape := c.model.Shapes[shapeName]
	switch shape.Type {
	case "structure":
		c.structure(path, shape, value)
	case "list":
		list, ok := value.([]any)
		if !ok {
			c.fault(path, "a list is expected, not %T", value)
			return
		}
		if !c.answering || len(list) > 0 { // answers have empty lists where requests may not, of the same shape
			c.bounds(path, "items", shape, float64(len(list)))
		}
		for i, item := range list {
			c.value(fmt.Sprintf("%s[%d]", path, i), shape.Member.Shape, item)
		}
	case "map":
		object, ok := value.(map[string]any)
		if !ok {
			c.fault(path, "a map is expected, not %T", value)
			return
		}
		c.bounds(path, "entries", shape, float64(len(object)))
		for _, key := range slices.Sorted(maps.Keys(object)) {
			c.value(path+" key", shape.Key.Shape, key)
			c.value(path+"."+key, shape.Value.Shape, object[key])
		}
	default:
		c.scalar(path, shapeName, shape, value)
	}
}

func (c *checker) structure(path string, shape *Shape, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.fault(path, "a structure is expected, not %T", value)
		return
	}
	for _, name := range shape.Required {
		if _, present := object[name]; !present {
			c.fault(path, "the required member %s is missing", name)
		}
	}
	if shape.Union && len(object) != 1 {
		c.fault(path, "a union has one member, not %d", len(object))
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if ref := shape.Members[name]; ref != nil {
			c.value(path+"."+name, ref.Shape, object[name])
		} else {
			c.fault(path, "there is no member %s", name)
		}
	}
}

func (c *checker) scalar(path, shapeName string, shape *Shape, value any) {
	switch shape.Type {
	case "string":
		text, ok := value.(string)
		if !ok {
			c.fault(path, "a string is expected, not %T", value)
			return
		}
		c.text(path, shapeName, shape, text)
	case "blob":
		text, ok := value.(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			c.fault(path, "base64 is expected, not %v", value)
		}
		c.bounds(path, "bytes", shape, float64(len(raw)))
	case "boolean":
		_, ok := value.(bool)
		if c.textual {
			ok = value == "true" || value == "false"
		}
		if !ok {
			c.fault(path, "true or false is expected, not %v", value)
		}
	case "timestamp":
		c.timestamp(path, value)
	case "integer", "long", "float", "double":
		c.number(path, shape, value)
	default:
		c.fault(path, "the type %s is not known here", shape.Type)
	}
}

func (c *checker) number(path string, shape *Shape, value any) {
	text := ""
	if number, ok := value.(json.Number); ok {
		text = number.String()
	} else if c.textual {
		text, _ = value.(string)
	}
	number, err := strconv.ParseFloat(text, 64)
	if _, fraction := strconv.ParseInt(text, 10, 64); err != nil || (fraction != nil && (shape.Type == "integer" || shape.Type == "long")) {
		c.fault(path, "a number (%s) is expected, not %v", shape.Type, value)
		return
	}
	c.bounds(path, "", shape, number)
}

// timestamp checks a time: ISO 8601 in XML and forms, seconds in JSON.
func (c *checker) timestamp(path string, value any) {
	if !c.textual {
		if _, ok := value.(json.Number); !ok {
			c.fault(path, "a time in seconds is expected, not %v", value)
		}
		return
	}
	text, _ := value.(string)
	if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
		c.fault(path, "a time in ISO 8601 is expected, not %v", value)
	}
}

func (c *checker) text(path, shapeName string, shape *Shape, text string) {
	c.bounds(path, "characters", shape, float64(utf8.RuneCountInString(text)))
	enum := shape.Enum
	if onWire := spelled[c.service+"."+shapeName]; onWire != nil {
		enum = onWire
	}
	if len(enum) > 0 && !slices.Contains(enum, text) {
		c.fault(path, "%q is none of %s", text, strings.Join(enum, ", "))
	}
	if p := pattern(shape.Pattern); p != nil && !p.MatchString(text) {
		c.fault(path, "%q does not match %s", text, shape.Pattern)
	}
}

// spelled are enums that services spell otherwise than their models do, by service and shape.
var spelled = map[string][]string{
	// aws/aws-sdk-go-v2#2864: the model has PendingAcceptance, answers have pendingAcceptance.
	"ec2.State": {
		"pendingAcceptance", "pending", "available", "deleting", "deleted", "rejected", "failed", "expired", "partial",
	},
	// Of a new interface: https://docs.aws.amazon.com/cli/latest/reference/ec2/create-network-interface.html, in the example.
	"ec2.NetworkInterfaceStatus": {"available", "associated", "attaching", "in-use", "detaching", "pending"},
}

// bounds checks a length or a number.
func (c *checker) bounds(path, what string, shape *Shape, n float64) {
	if (shape.Min != nil && n < *shape.Min) || (shape.Max != nil && n > *shape.Max) {
		c.fault(path, "%v %s; allowed are %s to %s", n, what, bound(shape.Min), bound(shape.Max))
	}
}

func bound(n *float64) string {
	if n == nil {
		return "any"
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// pattern compiles a pattern of a model, which is one of Java and must match as a whole; nil for none, and for one that Go's
// regular expressions do not know.
func pattern(java string) *regexp.Regexp {
	if java == "" {
		return nil
	}
	if known, ok := patterns.Load(java); ok {
		return known.(*regexp.Regexp)
	}
	compiled, err := regexp.Compile(`\A(?:` + unicodeEscape.ReplaceAllString(java, `\x{$1}`) + `)\z`)
	if err != nil {
		compiled = nil
	}
	patterns.Store(java, compiled)
	return compiled
}

var patterns sync.Map // of *regexp.Regexp by pattern
