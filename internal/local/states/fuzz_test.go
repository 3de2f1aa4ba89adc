package states

import (
	"os"
	"testing"
)

// Whatever the definition, it loads or is refused.
func FuzzDefinition(f *testing.F) {
	for _, name := range []string{"workflow", "fleet"} {
		raw, err := os.ReadFile("testdata/" + name + ".asl.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, seed := range []string{
		`{}`, `null`, `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`, `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":-1,"Next":"A"}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{}},"End":true}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Not":{"Not":{}},"Next":"A"}]}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"a.$":"States.Format('{}', States.Array(1, $.x['y'][-1]))"},"End":true}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, definition []byte) {
		graph, _, err := load(definition)
		if (graph == nil) == (err == nil) {
			t.Errorf("graph %v, error %v", graph, err)
		}
	})
}
