package dynamodb

import (
	"encoding/json"
	"testing"
)

// FuzzExpressions reads any text as every kind of expression, and carries out what could be read. Nothing may panic, and an
// update must leave the item it was made from as it was.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"SET a = :n, l[3] = :s, #x.y = :l REMOVE m.k, l[0]", "NOT (a = :n OR l[1].x <= :n) AND attribute_not_exists(m.k)",
		"a, l[0].b[1], #x.k, m", "a = :s AND n > :n", "((", "a.", "[", "SET", ":n", "#", "size(", "a <> b.c",
	} {
		f.Add(seed)
	}
	var item Item
	raw := `{"a": {"S": "x"}, "n": {"N": "1.5"}, "s": {"S": "abc"}, "l": {"L": [{"N": "1"}, {"M": {"x": {"S": "y"}}}]},
		"m": {"M": {"k": {"SS": ["p", "q"]}}}, "ss": {"SS": ["p", "q"]}}`
	if err := json.Unmarshal([]byte(raw), &item); err != nil {
		f.Fatal(err)
	}
	values := map[string]Value{
		":n": {Kind: Number, Text: "2"}, ":s": {Kind: String, Text: "S"}, ":ss": {Kind: StringSet, Set: []string{"p"}},
		":l": {Kind: List, List: []Value{{Kind: Bool}}},
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := func() *scope { return newScope(map[string]string{"#x": "m"}, values) }
		if c, err := parseCondition("ConditionExpression", text, s()); err == nil {
			c.holds(item)
		}
		if paths, err := parseProjection(text, s()); err == nil {
			project(item, paths)
		}
		key := Key{Hash: Attribute{"a", String}, Range: &Attribute{"n", Number}}
		if k, err := parseKeyCondition(text, s()); err == nil {
			if keep, err := k.of(key); err == nil {
				keep(item)
			}
		}
		before := item.clone()
		if u, err := parseUpdate(text, s()); err == nil {
			if after, err := u.apply(item); err == nil {
				after.size()
			}
		}
		if !(Value{Kind: Map, Map: item}).equal(Value{Kind: Map, Map: before}) {
			t.Errorf("%q changed the item it read", text)
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		`{"S": "x"}`, `{"N": "-1.50e3"}`, `{"B": "eA=="}`, `{"M": {"a": {"L": [{"NS": ["1", "2"]}]}}}`, `{"NULL": true}`, `{}`, `null`,
		`{"SS": []}`, `{"N": "1e99999"}`, `{"BS": ["eA==", "eA=="]}`, `{"BOOL": "x"}`, `[]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var v Value
		if json.Unmarshal([]byte(raw), &v) != nil {
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again Value
		if err := json.Unmarshal(written, &again); err != nil || !again.equal(v) || again.size() != v.size() {
			t.Errorf("%s was written as %s, which reads as %v, %v", raw, written, again, err)
		}
	})
}
