package store

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExpression(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change change
		want   string
		names  int
		values []string
	}{
		"set":              {change{set: map[string]string{"b": "2", "a": "1"}}, "SET a = :a, b = :b", 0, []string{":a", ":b"}},
		"empty removes":    {change{set: map[string]string{"a": "1", "b": ""}}, "SET a = :a REMOVE b", 0, []string{":a"}},
		"remove only":      {change{remove: []string{"b", "a"}}, "REMOVE a, b", 0, nil},
		"a reserved word":  {change{set: map[string]string{"status": "failed"}}, "SET #status = :status", 1, []string{":status"}},
		"condition values": {change{remove: []string{"a"}, values: map[string]string{"x": "1"}}, "REMOVE a", 0, []string{":x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, names, values := test.change.expression()
			var keys []string
			for key := range values {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			if got != test.want || len(names) != test.names || !slices.Equal(keys, test.values) {
				t.Errorf("got %q, names %v, values %v; want %q, %d names, %v", got, names, keys, test.want, test.names, test.values)
			}
			if test.values == nil && values != nil {
				t.Error("AWS refuses an empty map of values")
			}
		})
	}
}

// TestStampsSortAsTimes: DynamoDB compares strings. RFC 3339 as Go writes it would put 01.5 before 01.
func TestStampsSortAsTimes(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 21, 5, 0, 1, 0, time.UTC)
	times := []time.Time{
		base, base.Add(1), base.Add(500 * time.Millisecond), base.Add(time.Second - 1), base.Add(time.Second),
		base.Add(9 * time.Second).In(time.FixedZone("", -5*3600)), base.Add(time.Hour).In(time.FixedZone("", 14*3600)),
	}
	for i := 1; i < len(times); i++ {
		if a, b := stamp(times[i-1]), stamp(times[i]); strings.Compare(a, b) >= 0 {
			t.Errorf("%s does not sort before %s", a, b)
		}
	}
	for _, at := range times {
		back, err := time.Parse(time.RFC3339Nano, stamp(at))
		if err != nil || !back.Equal(at) {
			t.Errorf("%s reads back as %s, %v", stamp(at), back, err)
		}
	}
}
