package publish

import (
	"bytes"
	"strings"
	"testing"

	goccy "github.com/goccy/go-yaml"
	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
	k8s "sigs.k8s.io/yaml"
)

const (
	path = "container.backendServiceUrl"
	url  = "https://artemis.privatelink.getmontecarlo.com"
)

// Golden bytes: what is before, what is after. URL in an after stands for the new value.
var golden = []struct{ name, before, after string }{
	{"empty", "", "container:\n  backendServiceUrl: URL\n"},
	{"blank lines", "\n\n", "\n\ncontainer:\n  backendServiceUrl: URL\n"},
	{"comments only", "# agents\n", "# agents\ncontainer:\n  backendServiceUrl: URL\n"},
	{"comments without line end", "# agents", "# agents\ncontainer:\n  backendServiceUrl: URL\n"},
	{"marker only", "---\n", "---\ncontainer:\n  backendServiceUrl: URL\n"},
	{"markers only", "---\n...\n", "---\ncontainer:\n  backendServiceUrl: URL\n...\n"},
	{"byte order mark only", "\ufeff", "\ufeffcontainer:\n  backendServiceUrl: URL\n"},

	{"plain", "container:\n  backendServiceUrl: https://old\n", "container:\n  backendServiceUrl: URL\n"},
	{"plain without line end", "container:\n  backendServiceUrl: https://old", "container:\n  backendServiceUrl: URL"},
	{"double quotes", "container:\n  backendServiceUrl: \"https://old\"\n", "container:\n  backendServiceUrl: \"URL\"\n"},
	{"single quotes", "container:\n  backendServiceUrl: 'https://old'\n", "container:\n  backendServiceUrl: 'URL'\n"},
	{"escapes in double quotes", "container:\n  backendServiceUrl: \"a\\\"b\\\\\" # c\n",
		"container:\n  backendServiceUrl: \"URL\" # c\n"},
	{"escapes in single quotes", "container:\n  backendServiceUrl: 'it''s' # c\n", "container:\n  backendServiceUrl: 'URL' # c\n"},
	{"double quotes on two lines", "container:\n  backendServiceUrl: \"https:\\\n    //old\"\nb: 1\n",
		"container:\n  backendServiceUrl: \"URL\"\nb: 1\n"},
	{"single quotes on two lines", "container:\n  backendServiceUrl: 'a\n    b'\nb: 1\n",
		"container:\n  backendServiceUrl: 'URL'\nb: 1\n"},
	{"empty quotes", "container:\n  backendServiceUrl: \"\"\n", "container:\n  backendServiceUrl: \"URL\"\n"},
	{"a number", "container:\n  backendServiceUrl: 5\n", "container:\n  backendServiceUrl: URL\n"},
	{"no value", "container:\n  backendServiceUrl:\n  b: 1\n", "container:\n  backendServiceUrl: URL\n  b: 1\n"},
	{"no value, a comment", "container:\n  backendServiceUrl:   # set by Postern\n",
		"container:\n  backendServiceUrl: URL   # set by Postern\n"},
	{"no value, the end", "container:\n  backendServiceUrl:", "container:\n  backendServiceUrl: URL"},
	{"null", "container:\n  backendServiceUrl: null\n", "container:\n  backendServiceUrl: URL\n"},
	{"tilde", "container:\n  backendServiceUrl: ~ # later\n", "container:\n  backendServiceUrl: URL # later\n"},
	{"aligned comments", "container:\n  image:             x    # a\n  backendServiceUrl: old  # b\n  tag:               y    # c\n",
		"container:\n  image:             x    # a\n  backendServiceUrl: URL  # b\n  tag:               y    # c\n"},
	{"blank lines and order", "\n# head\nz: 1\n\n\ncontainer:\n\n  # why\n  backendServiceUrl: old\n\na: [ 1,2 ,3 ]\n# tail\n",
		"\n# head\nz: 1\n\n\ncontainer:\n\n  # why\n  backendServiceUrl: URL\n\na: [ 1,2 ,3 ]\n# tail\n"},
	{"indentless list beside", "list:\n- a\n-   b\ncontainer:\n    backendServiceUrl: old\n",
		"list:\n- a\n-   b\ncontainer:\n    backendServiceUrl: URL\n"},
	{"tabs before a comment", "container:\n  backendServiceUrl: old\t\t# c\n", "container:\n  backendServiceUrl: URL\t\t# c\n"},
	{"tab after the colon", "container:\n  backendServiceUrl:\told\n", "container:\n  backendServiceUrl:\tURL\n"},
	{"trailing spaces", "container:  \n  backendServiceUrl: old  \n", "container:  \n  backendServiceUrl: URL  \n"},
	{"CRLF", "a: 1\r\ncontainer:\r\n  backendServiceUrl: old\r\nb: 2\r\n",
		"a: 1\r\ncontainer:\r\n  backendServiceUrl: URL\r\nb: 2\r\n"},
	{"CR alone", "a: 1\rcontainer:\r  backendServiceUrl: old\rb: 2\r", "a: 1\rcontainer:\r  backendServiceUrl: URL\rb: 2\r"},
	{"byte order mark", "\ufeffcontainer: {backendServiceUrl: old}\n", "\ufeffcontainer: {backendServiceUrl: URL}\n"},
	{"other scripts before it", "größe: 日本 # π\n\"schlüssel\": 'ü'\ncontainer: {name: \"日本\", backendServiceUrl: old}\n",
		"größe: 日本 # π\n\"schlüssel\": 'ü'\ncontainer: {name: \"日本\", backendServiceUrl: URL}\n"},
	{"next line characters", "a: 1\u0085container:\u0085  backendServiceUrl: old\u0085",
		"a: 1\u0085container:\u0085  backendServiceUrl: URL\u0085"},
	{"quoted keys", "\"container\":\n  'backendServiceUrl' : old\n", "\"container\":\n  'backendServiceUrl' : URL\n"},
	{"explicit keys", "? container\n: ? backendServiceUrl\n  : old\n", "? container\n: ? backendServiceUrl\n  : URL\n"},
	{"marker and directive", "%YAML 1.1\n--- # doc\ncontainer:\n  backendServiceUrl: old\n...\n",
		"%YAML 1.1\n--- # doc\ncontainer:\n  backendServiceUrl: URL\n...\n"},
	{"the same words elsewhere",
		"backendServiceUrl: old\nx:\n  container:\n    backendServiceUrl: old\ncontainer:\n  backendServiceUrl: old\n",
		"backendServiceUrl: old\nx:\n  container:\n    backendServiceUrl: old\ncontainer:\n  backendServiceUrl: URL\n"},
	{"block scalars beside", "a: |\n  container:\n    backendServiceUrl: old\ncontainer:\n  backendServiceUrl: old\nb: >-\n  x\n",
		"a: |\n  container:\n    backendServiceUrl: old\ncontainer:\n  backendServiceUrl: URL\nb: >-\n  x\n"},
	{"anchors and aliases elsewhere", "base: &base\n  cpu: 1\nother: *base\ncontainer:\n  <<: *base\n  backendServiceUrl: old\n",
		"base: &base\n  cpu: 1\nother: *base\ncontainer:\n  <<: *base\n  backendServiceUrl: URL\n"},
	{"numbers that are no numbers",
		"nan: .nan\ninf: -.inf\nwhen: 2026-11-21T05:00:00Z\nbig: 0x1F\n1: one\ncontainer:\n  backendServiceUrl: old\n",
		"nan: .nan\ninf: -.inf\nwhen: 2026-11-21T05:00:00Z\nbig: 0x1F\n1: one\ncontainer:\n  backendServiceUrl: URL\n"},

	{"flow, quoted", "{\"container\": {\"backendServiceUrl\": \"old\"}}", "{\"container\": {\"backendServiceUrl\": \"URL\"}}"},
	{"flow, no value", "container: {backendServiceUrl: , b: 1}\n", "container: {backendServiceUrl: URL, b: 1}\n"},
	{"flow, empty", "{}\n", "{container: {backendServiceUrl: URL}}\n"},
	{"flow, missing parent", "{a: 1}\n", "{container: {backendServiceUrl: URL}, a: 1}\n"},
	{"flow, missing key", "container: {a: 1} # c\n", "container: {backendServiceUrl: URL, a: 1} # c\n"},
	{"flow, empty parent", "container: { }\nb: 2\n", "container: {backendServiceUrl: URL }\nb: 2\n"},
	{"flow, parent without value", "{container: , b: 2}\n", "{container: {backendServiceUrl: URL}, b: 2}\n"},
	{"flow on several lines", "container: {\n  a: 1, # one\n}\n", "container: {backendServiceUrl: URL, \n  a: 1, # one\n}\n"},

	{"missing key", "container:\n  image: x\nb: 1\n", "container:\n  backendServiceUrl: URL\n  image: x\nb: 1\n"},
	{"missing key, comments kept with theirs", "container:   # agent\n  # which image\n  image: x\n",
		"container:   # agent\n  backendServiceUrl: URL\n  # which image\n  image: x\n"},
	{"missing key, four spaces", "a:\n    b: 1\ncontainer:\n    image: x\n",
		"a:\n    b: 1\ncontainer:\n    backendServiceUrl: URL\n    image: x\n"},
	{"missing key, CRLF", "container:\r\n  image: x\r\n", "container:\r\n  backendServiceUrl: URL\r\n  image: x\r\n"},
	{"missing key, block scalar beside", "container:\n  script: |\n    a\n\n    b\n",
		"container:\n  backendServiceUrl: URL\n  script: |\n    a\n\n    b\n"},
	{"missing key, given by a merge", "base: &b {backendServiceUrl: old}\ncontainer:\n  <<: *b\n",
		"base: &b {backendServiceUrl: old}\ncontainer:\n  <<: *b\n  backendServiceUrl: URL\n"},
	{"missing key, below a merge and above a comment", "base: &b {backendServiceUrl: old}\ncontainer:\n  <<: *b # shared\n  # which image\n  image: x\n",
		"base: &b {backendServiceUrl: old}\ncontainer:\n  <<: *b # shared\n  backendServiceUrl: URL\n  # which image\n  image: x\n"},
	{"missing key, below a merge of several", "a: &a {backendServiceUrl: old}\nb: &b {x: 1}\ncontainer:\n  <<: [*a, *b]\n  image: x\n",
		"a: &a {backendServiceUrl: old}\nb: &b {x: 1}\ncontainer:\n  <<: [*a, *b]\n  backendServiceUrl: URL\n  image: x\n"},
	{"missing key, a merge at the end", "base: &b {backendServiceUrl: old}\ncontainer:\n  image: x\n  <<: *b",
		"base: &b {backendServiceUrl: old}\ncontainer:\n  image: x\n  <<: *b\n  backendServiceUrl: URL\n"},
	{"flow, given by a merge", "base: &b {backendServiceUrl: old}\ncontainer: {<<: *b, image: x}\n",
		"base: &b {backendServiceUrl: old}\ncontainer: {<<: *b, backendServiceUrl: URL, image: x}\n"},
	{"flow, given by a merge at the end", "base: &b {backendServiceUrl: old}\ncontainer: {image: x, <<: *b}\n",
		"base: &b {backendServiceUrl: old}\ncontainer: {image: x, <<: *b, backendServiceUrl: URL}\n"},
	{"flow, nothing but a merge", "base: &b {backendServiceUrl: old}\ncontainer: {<<: *b}\n",
		"base: &b {backendServiceUrl: old}\ncontainer: {<<: *b, backendServiceUrl: URL}\n"},
	{"a merge of other keys below the value", "base: &b {x: 1}\ncontainer:\n  backendServiceUrl: old\n  <<: *b\n",
		"base: &b {x: 1}\ncontainer:\n  backendServiceUrl: URL\n  <<: *b\n"},
	{"missing parent", "a: 1\n", "a: 1\ncontainer:\n  backendServiceUrl: URL\n"},
	{"missing parent, no line end", "a: 1", "a: 1\ncontainer:\n  backendServiceUrl: URL\n"},
	{"missing parent, three spaces", "a:\n   b: 1\n# end\n", "a:\n   b: 1\n# end\ncontainer:\n   backendServiceUrl: URL\n"},
	{"missing parent, end marker", "a: 1\n...\n# after\n", "a: 1\ncontainer:\n  backendServiceUrl: URL\n...\n# after\n"},
	{"missing parent, CRLF without line end", "a: 1\r\nb: 2", "a: 1\r\nb: 2\r\ncontainer:\r\n  backendServiceUrl: URL\r\n"},
	{"missing parent, indented root", "  a: 1\n  b: 2\n", "  a: 1\n  b: 2\n  container:\n    backendServiceUrl: URL\n"},
	{"missing parent, a literal without line end", "b: 1\na: |\n  x", "b: 1\ncontainer:\n  backendServiceUrl: URL\na: |\n  x"},
	{"missing parent, only a literal without line end", "# agent\na: |\n  x\n\n  y", "container:\n  backendServiceUrl: URL\n# agent\na: |\n  x\n\n  y"},
	{"missing parent, a folded value without line end", "b: 1\n# why\na: >\n  x", "b: 1\ncontainer:\n  backendServiceUrl: URL\n# why\na: >\n  x"},
	{"missing parent, a stripped literal without line end", "a: |-\n  x", "a: |-\n  x\ncontainer:\n  backendServiceUrl: URL\n"},
	{"missing parent, kept blank lines", "a: |+\n  x\n\n", "a: |+\n  x\n\ncontainer:\n  backendServiceUrl: URL\n"},
	{"parent without value", "container:\nb: 1\n", "container:\n  backendServiceUrl: URL\nb: 1\n"},
	{"parent without value, the end", "container:", "container:\n  backendServiceUrl: URL\n"},
	{"parent without value, comments", "container: # ours\n  # nothing yet\nb: 1\n",
		"container: # ours\n  backendServiceUrl: URL\n  # nothing yet\nb: 1\n"},
	{"parent null", "container: null # c\n", "container: {backendServiceUrl: URL} # c\n"},
	{"parent tilde", "container: ~\n", "container: {backendServiceUrl: URL}\n"},
}

func TestSplice(t *testing.T) {
	t.Parallel()
	for _, test := range golden {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := strings.ReplaceAll(test.after, "URL", url)
			got, err := Splice(test.before, path, url)
			if err != nil || got != want {
				t.Fatalf("got  %q\nwant %q\nerror %v", got, want, err)
			}
			if again, err := Splice(got, path, url); err != nil || again != got {
				t.Errorf("a second time %q, %v", again, err)
			}
		})
	}
}

// readers are those that agents read their configuration with: Helm's, and the usual ones.
var readers = map[string]func(text string) (map[string]any, error){
	"go.yaml.in/yaml/v3": func(text string) (read map[string]any, err error) { return read, yaml.Unmarshal([]byte(text), &read) },
	"go.yaml.in/yaml/v2": func(text string) (map[string]any, error) {
		var read struct{ Container map[string]any }
		err := yamlv2.Unmarshal([]byte(text), &read)
		return map[string]any{"container": read.Container}, err
	},
	"sigs.k8s.io/yaml": func(text string) (read map[string]any, err error) { return read, k8s.Unmarshal([]byte(text), &read) },
	"github.com/goccy/go-yaml": func(text string) (read map[string]any, err error) {
		return read, goccy.Unmarshal([]byte(text), &read)
	},
}

// Every reader that could read the document before reads our value after.
func TestSpliceForEveryReader(t *testing.T) {
	t.Parallel()
	for _, test := range golden {
		for name, read := range readers {
			if _, err := read(test.before); err != nil {
				continue // this reader could not read it before
			}
			if name == "github.com/goccy/go-yaml" && strings.HasPrefix(test.before, byteOrderMark) {
				continue // it takes the mark for a part of the first key
			}
			got, err := read(strings.ReplaceAll(test.after, "URL", url))
			container, _ := got["container"].(map[string]any)
			if err != nil || container["backendServiceUrl"] != url {
				t.Errorf("%s, %s: %v, %v", test.name, name, got, err)
			}
		}
	}
}

func TestSpliceRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ document, says string }{
		"not YAML":                 {"a: [", "not YAML"},
		"tab indentation":          {"container:\n\tbackendServiceUrl: old\n", "not YAML"},
		"YAML 1.2":                 {"%YAML 1.2\n---\ncontainer: {}\n", "not YAML"},
		"key twice":                {"container:\n  backendServiceUrl: a\n  backendServiceUrl: b\n", "already defined"},
		"parent twice":             {"container: {}\ncontainer: {}\n", "already defined"},
		"two documents":            {"container: {}\n---\na: 1\n", "several YAML documents"},
		"a second, empty document": {"container: {}\n---\n", "several YAML documents"},
		"broken after the first":   {"container: {}\n---\na: [\n", "not YAML"},
		"a list":                   {"- a\n", "not a YAML mapping"},
		"a word":                   {"text\n", "not a YAML mapping"},
		"null written out":         {"null\n", "not a YAML mapping"},
		"parent is a list":         {"container:\n- a\n", "container (line 2) is not a mapping"},
		"parent is a word":         {"a: 1\ncontainer: text\n", "container (line 2) is not a mapping"},
		"parent is an alias":       {"b: &b {x: 1}\ncontainer: *b\n", "is an alias"},
		"parent anchored and used": {"container: &c\n  image: x\nother: *c\n", "change something else"},
		"value inside an anchor":   {"container: &c\n  backendServiceUrl: old\nother: *c\n", "change something else"},
		"anchored flow parent":     {"container: &c {a: 1}\n", "anchor or a tag"},
		"value is an alias":        {"b: &b x\ncontainer:\n  backendServiceUrl: *b\n", "line 3 is an alias"},
		"value is anchored":        {"container:\n  backendServiceUrl: &b x\n", "an anchor"},
		"value is tagged":          {"container:\n  backendServiceUrl: !!str x\n", "a tag"},
		"value is a literal":       {"container:\n  backendServiceUrl: |\n    x\n", "a block scalar"},
		"value is folded":          {"container:\n  backendServiceUrl: >-\n    x\n", "a block scalar"},
		"value is a mapping":       {"container:\n  backendServiceUrl: {a: 1}\n", "not a single value"},
		"value is a list":          {"container:\n  backendServiceUrl: [a]\n", "not a single value"},
		"value on two lines":       {"container:\n  backendServiceUrl: a\n    b\n", "several lines"},
		"a merge below the value":  {"b: &b {backendServiceUrl: old}\ncontainer:\n  backendServiceUrl: x\n  <<: *b\n", "line 4 merges a value of the same key"},
		"a merge below our value":  {"b: &b {backendServiceUrl: old}\ncontainer:\n  backendServiceUrl: " + url + "\n  <<: *b\n", "line 4 merges a value of the same key"},
		"merges at the end":        {"a: &a {x: 1}\nb: &b {y: 1}\ncontainer: {<<: [*a, *b]}\n", "a merge of several"},
		"a mapping beside its key": {"? container\n: image: x\n", "would break the document"},
		"aliases without end":      {bomb, "not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Splice(test.document, path, url)
			if err == nil || !strings.Contains(err.Error(), test.says) || got != "" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if _, err := Splice("", path, "a\nb: c"); err == nil {
		t.Error("a value with a line end was taken")
	}
}

// bomb is a small document that grows without end when its aliases are followed.
const bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
	"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n" +
	"g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"

func TestSpliceWritesAnyValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		url, "plain", "yes", "no", "null", "~", "5", "0x1F", "1e3", ".nan", "2026-11-21", "", " ", " a", "a ", "a: b", "a #b", "#a",
		"- a",
		"*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "'", "\"", "it's", "say \"hi\"", `back\slash`, "[a]", "{a}", "a,b", "a]b",
		"ü 日本", "? a",
		"grpcs://x.y:443", "a:", ":a", "<<", "=", "true",
	} {
		for _, before := range []string{
			"", "container:\n  backendServiceUrl: old # c\n", "container:\n  backendServiceUrl: \"old\" # c\n",
			"container:\n  backendServiceUrl: 'old' # c\n", "{container: {backendServiceUrl: old, b: 1}}", "container: {b: 1}",
			"container: ~",
		} {
			after, err := Splice(before, path, value)
			if err != nil {
				t.Errorf("%q into %q: %v", value, before, err)
				continue
			}
			for name, read := range readers {
				got, err := read(after)
				if container, _ := got["container"].(map[string]any); err != nil || container["backendServiceUrl"] != value {
					t.Errorf("%q into %q: %q reads as %#v by %s, %v", value, before, after, got, name, err)
				}
			}
		}
	}
}

func TestSpliceDepth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ before, path, after string }{
		{"", "a", "a: v\n"},
		{"", "a.b.c", "a:\n  b:\n    c: v\n"},
		{"a:\n    x: 1\n", "a.b.c", "a:\n    b:\n        c: v\n    x: 1\n"},
		{"a: {x: 1}\n", "a.b.c", "a: {b: {c: v}, x: 1}\n"},
		{"a:\n  b:\n  x: 1\n", "a.b.c", "a:\n  b:\n    c: v\n  x: 1\n"},
		{"b: 1\n", "a", "b: 1\na: v\n"},
		{"", "on.5", "\"on\":\n  \"5\": v\n"},
	} {
		if got, err := Splice(test.before, test.path, "v"); err != nil || got != test.after {
			t.Errorf("%q at %s: %q, %v", test.before, test.path, got, err)
		}
	}
}

// FuzzSplice: whatever the document, the result differs from it at the path and nowhere else, or it is refused.
func FuzzSplice(f *testing.F) {
	for _, test := range golden {
		f.Add(test.before)
	}
	f.Add(bomb)
	f.Fuzz(func(t *testing.T, before string) {
		after, err := Splice(before, path, url)
		if err != nil {
			return
		}
		var was, is map[any]any
		if yaml.Unmarshal([]byte(before), &was) != nil || yaml.Unmarshal([]byte(after), &is) != nil {
			t.Fatalf("%q became %q, which does not read", before, after)
		}
		if value, ok := get(is, []string{"container", "backendServiceUrl"}); !ok || value != url {
			t.Fatalf("%q became %q, without the value", before, after)
		}
		for key, value := range was {
			if key != "container" && !alike(value, is[key]) {
				t.Fatalf("%q became %q: %v differs", before, after, key)
			}
		}
		if again, err := Splice(after, path, url); err != nil || again != after {
			t.Fatalf("%q became %q and then %q, %v", before, after, again, err)
		}
	})
}

// alike compares as YAML: .nan is not equal to itself in Go.
func alike(a, b any) bool {
	x, errA := yaml.Marshal(a)
	y, errB := yaml.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}
