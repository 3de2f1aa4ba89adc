package events_test

import (
	"strings"
	"testing"

	"postern/internal/local/events"
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
		{`{"source": [{"prefix": {"equals-ignore-case": "POST"}}]}`, true},
		{`{"source": [{"suffix": "ern"}]}`, true},
		{`{"source": [{"suffix": {"equals-ignore-case": "ERN"}}]}`, true},
		{`{"source": [{"suffix": {"equals-ignore-case": "ER"}}]}`, false},
		{`{"detail": {"count": [{"prefix": "3"}]}}`, false},
		{`{"source": [{"equals-ignore-case": "POSTERN"}]}`, true},
		{`{"detail": {"tags": [{"equals-ignore-case": "green"}]}}`, true},

		{`{"detail": {"state": [{"anything-but": "pending"}]}}`, true},
		{`{"detail": {"state": [{"anything-but": "available"}]}}`, false},
		{`{"detail": {"state": [{"anything-but": ["available", "pending"]}]}}`, false},
		{`{"detail": {"missing": [{"anything-but": "x"}]}}`, false},
		{`{"detail": {"count": [{"anything-but": [1, 2]}]}}`, true},
		{`{"detail": {"count": [{"anything-but": 3}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"prefix": "avail"}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"prefix": ["x", "y"]}}]}}`, true},
		{`{"detail": {"state": [{"anything-but": {"suffix": "able"}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["AVAILABLE"]}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"wildcard": "*vail*"}}]}}`, false},

		{`{"detail": {"count": [{"numeric": ["=", 3]}]}}`, true},
		{`{"detail": {"huge": [{"numeric": ["=", 300]}]}}`, true},
		{`{"detail": {"count": [{"numeric": [">", 3]}]}}`, false},
		{`{"detail": {"count": [{"numeric": [">=", 3, "<", 4]}]}}`, true},
		{`{"detail": {"count": [{"numeric": [">", 0, "<=", 2]}]}}`, false},
		{`{"detail": {"state": [{"numeric": [">", 0]}]}}`, false},

		{`{"detail": {"state": [{"exists": true}]}}`, true},
		{`{"detail": {"state": [{"exists": false}]}}`, false},
		{`{"detail": {"missing": [{"exists": true}]}}`, false},
		{`{"detail": {"missing": [{"exists": false}]}}`, true},
		{`{"detail": {"missing": {"deep": [{"exists": false}]}}}`, true},
		{`{"detail": {"none": [{"exists": false}]}}`, true},
		{`{"detail": {"endpoint": [{"exists": true}]}}`, false}, // a leaf only
		{`{"detail": {"missing": ["x", {"exists": false}]}}`, true},

		{`{"detail": {"state": [{"wildcard": "av*b*e"}]}}`, true},
		{`{"detail": {"state": [{"wildcard": "av*c"}]}}`, false},
		{`{"detail": {"path": [{"wildcard": "a\\*b\\\\c"}]}}`, true},
		{`{"detail": {"state": [{"wildcard": "a\\*"}]}}`, false},

		{`{"$or": [{"source": ["x"]}, {"detail": {"state": ["available"]}}]}`, true},
		{`{"$or": [{"source": ["x"]}, {"source": ["y"]}]}`, false},
		{`{"source": ["postern"], "detail": {"$or": [{"count": [9]}, {"state": ["available"]}]}}`, true},
		{`{"source": ["other"], "$or": [{"account": ["111122223333"]}, {"source": ["y"]}]}`, false},
	}
	for _, test := range tests {
		got, err := events.Match([]byte(test.pattern), []byte(sample))
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
		{`{"source": [["x"]]}`, "match value must be"},
		{`{"source": [{"glob": "x"}]}`, `unknown operator "glob"`},
		{`{"source": [{"cidr": "10.0.0.0/8"}]}`, `unknown operator "cidr"`},
		{`{"source": [{"prefix": "x", "suffix": "y"}]}`, "one member"},
		{`{"source": [{"exists": "yes"}]}`, "exists must be"},
		{`{"source": [{"prefix": 3}]}`, "prefix takes a string"},
		{`{"source": [{"prefix": ""}]}`, "not empty"},
		{`{"source": [{"prefix": {"suffix": "x"}}]}`, "equals-ignore-case"},
		{`{"source": [{"wildcard": "a**b"}]}`, "consecutive"},
		{`{"source": [{"wildcard": "a\\b"}]}`, "backslash"},
		{`{"source": [{"wildcard": "a\\"}]}`, "backslash"},
		{`{"source": [{"anything-but": []}]}`, "at least one"},
		{`{"source": [{"anything-but": [true]}]}`, "strings and numbers"},
		{`{"source": [{"anything-but": {"numeric": ["=", 1]}}]}`, "anything-but takes"},
		{`{"source": [{"anything-but": {"prefix": [3]}}]}`, "prefix takes"},
		{`{"source": [{"numeric": ["=", "3"]}]}`, "numeric takes numbers"},
		{`{"source": [{"numeric": ["!=", 3]}]}`, "numeric takes <"},
		{`{"source": [{"numeric": ["=", 6e9]}]}`, "between -5e9"},
		{`{"source": [{"numeric": ["<", 3, ">", 1]}]}`, "lower bound"},
		{`{"source": [{"numeric": ["<", 3, ">"]}]}`, "comparisons"},
		{`{"$or": [{"source": ["x"]}]}`, "at least two"},
		{`{"$or": ["x", "y"]}`, "must hold objects"},
		{`{"source": ["` + strings.Repeat("x", 4096) + `"]}`, "4096"},
	}
	for _, test := range tests {
		if _, err := events.Match([]byte(test.pattern), []byte(sample)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: got %v, want %q", test.pattern, err, test.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"detail": {"a": [{"wildcard": "a*"}, {"anything-but": {"prefix": "x"}}, {"numeric": [">", 1]}]}}`, sample)
	f.Add(`{"$or": [{"source": [{"exists": false}]}, {"detail": {"b": [null]}}]}`, `{"detail": [[{"b": [[]]}]]}`)
	f.Fuzz(func(_ *testing.T, pattern, event string) {
		_, _ = events.Match([]byte(pattern), []byte(event)) // must not panic
	})
}
