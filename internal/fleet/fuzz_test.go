package fleet

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// Whatever is known of an execution, it is reported in few words, and only one that succeeded with a plan counts as done.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		`{"item":{"execution":"x","request":{"name":"n"}},"execution":{"Status":"SUCCEEDED","Output":{"plan":{"decision":"proceed"}}}}`,
		`{"execution":{"Status":"SUCCEEDED","Output":"{\"plan\":{\"decision\":\"planned\"}}"}}`, `{"execution":{"Status":"SUCCEEDED","Output":null}}`,
		`{"failure":{"Error":"States.TaskFailed","Cause":"{\"Status\":\"FAILED\",\"Error\":\"Conflict\",\"Cause\":\"é\"}"}}`,
		`{"failure":{"Error":"x","Cause":"not JSON"}}`, `{"item":{"request":{"name":7}}}`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ended Ended
		if json.Unmarshal(raw, &ended) != nil {
			return
		}
		result := Target(ended)
		if !utf8.ValidString(result.Cause) && utf8.ValidString(string(raw)) || len(result.Cause) > maxCause+len("…") {
			t.Errorf("cause %q", result.Cause)
		}
		done := result.Status == Onboarded || result.Status == Planned
		if done && result.Error != "" || !done && result.MonthlyUSD != 0 {
			t.Errorf("result %+v", result)
		}
		Fleet(Results{Total: 1, Results: []Result{result}})
	})
}
