package events

import (
	"strings"
	"testing"
)

const sample = `{
	"version": "0", "id": "1", "detail-type": "VPC Endpoint State Change", "source": "postern", "account": "111122223333",
	"time": "2026-11-23T15:05:00Z", "region": "us-east-1", "resources": ["arn:aws:a", "arn:aws:b"],
	"detail": {
		"state": "available", "previous": "", "count": 3, "rate": 2.50, "huge": 300.0, "ok": true, "reason": null,
		"tags": ["red", "Green"], "none": [], "path": "a*b\\c",
		"endpoint": {"id": "vpce-0f1", "zones": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]}
	}
}`

// matched reports whether a pattern matches an event, both as JSON.
func matched(pattern, event string) (bool, error) {
	parsed, err := parsePattern([]byte(pattern))
	if err != nil {
		return false, err
	}
	value, err := decode([]byte(event))
	return err == nil && parsed.match(value, true), err
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		want    bool
	}{
		{`{"source": ["postern"]}`, true},
		{`{"source": ["other", "postern"]}`, true},
		{`{"source": ["Postern"]}`, false},
		{`{"source": ["postern"], "detail-type": ["VPC Endpoint State Change"], "detail": {"state": ["available"]}}`, true},
		{`{"source": ["postern"], "detail": {"state": ["pending"]}}`, false},
		{`{"resources": ["arn:aws:b"]}`, true},
		{`{"resources": ["arn:aws:c"]}`, false},
		{`{"detail": {"tags": ["red"]}}`, true},
		{`{"detail": {"ok": [true]}}`, true},
		{`{"detail": {"ok": ["true"]}}`, false},
		{`{"detail": {"reason": [null]}}`, true},
		{`{"detail": {"missing": [null]}}`, false},
		{`{"detail": {"previous": [""]}}`, true},
		{`{"detail": {"count": [3]}}`, true},
		{`{"detail": {"count": ["3"]}}`, false},
		{`{"detail": {"huge": [300.0]}}`, true},
		{`{"detail": {"huge": [300]}}`, false}, // numbers are compared as they are written
		{`{"detail": {"endpoint": {"id": ["vpce-0f1"]}}}`, true},
		{`{"detail": {"endpoint": ["vpce-0f1"]}}`, false},
		{`{"detail": {"state": {"x": ["available"]}}}`, false},

		{`{"detail": {"endpoint": {"zones": {"name": ["b"]}}}}`, true},
		{`{"detail": {"endpoint": {"zones": {"name": ["b"], "n": [2]}}}}`, true},
		{`{"detail": {"endpoint": {"zones": {"name": ["b"], "n": [1]}}}}`, false}, // not of the same element

		{`{"source": [{"prefix": "post"}]}`, true},
		{`{"source": [{"prefix": "Post"}]}`, false},
		{`{"detail": {"count": [{"prefix": "3"}]}}`, false},
	}
	for _, test := range tests {
		got, err := matched(test.pattern, sample)
		if err != nil || got != test.want {
			t.Errorf("%s: got %v, %v; want %v", test.pattern, got, err, test.want)
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ pattern, want string }{
		{``, "EOF"},
		{`[]`, "not an object"},
		{`{}`, "empty objects"},
		{`{"source": ["a"]} {}`, "more than one"},
		{`{"source": "postern"}`, "source must be an object or an array"},
		{`{"source": []}`, "empty arrays"},
		{`{"detail": {}}`, "detail: empty objects"},
		{`{"detail": {"a": {"b": 3}}}`, "detail.a.b must be"},
		{`{"detail_type": ["x"]}`, `no member "detail_type"`},
		{`{"source": [["x"]]}`, "a match value must be"},
		{`{"source": [{"glob": "x"}]}`, `the operator "glob" is not simulated`},
		{`{"source": [{"suffix": "x"}]}`, `the operator "suffix" is not simulated`},
		{`{"source": [{"exists": true}]}`, `the operator "exists" is not simulated`},
		{`{"source": [{"anything-but": "x"}]}`, `the operator "anything-but" is not simulated`},
		{`{"source": [{"prefix": "x", "suffix": "y"}]}`, "one member"},
		{`{"source": [{"prefix": 3}]}`, "prefix takes a string"},
		{`{"source": [{"prefix": ""}]}`, "not empty"},
		{`{"detail": {"$or": [{"source": ["x"]}, {"source": ["y"]}]}}`, "detail.$or is not simulated"},
		{`{"$or": [{"source": ["x"]}, {"source": ["y"]}]}`, `no member "$or"`},
		{`{"source": ["` + strings.Repeat("x", 4096) + `"]}`, "4096"},
	}
	for _, test := range tests {
		if _, err := matched(test.pattern, sample); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: got %v, want %q", test.pattern, err, test.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"detail": {"a": [{"prefix": "a"}, 1, true, null]}}`, sample)
	f.Add(`{"detail": {"b": {"c": [null]}}}`, `{"detail": [[{"b": [[]]}]]}`)
	f.Fuzz(func(_ *testing.T, pattern, event string) {
		_, _ = matched(pattern, event) // must not panic
	})
}
