package rollback

import (
	"encoding/json"
	"testing"
)

// Whatever state a failed run left, there is an error's name for it, and a state that it failed in.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{
		`{"state":{"Error":"InvalidRequest","Cause":"{\"errorMessage\":\"no\"}"},"request":[1]}`, `{"request":null}`, `{}`,
		`{"state":{"plan":{"decision":"allowlist"},"failure":{"Error":"States.Timeout","Cause":""}},"request":{"vendor":"v","name":"n"}}`,
		`{"state":{"plan":{"decision":"frobnicate"}}}`, `{"state":{"failure":{"Error":"","Cause":"x"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in Input
		if json.Unmarshal(raw, &in) != nil {
			return
		}
		in.connectionID()
		in.diagnoses()
		failed := in.State.failure()
		message(failed.Cause)
		if in.State.State.Failure == nil && failed.Error == "" {
			t.Error("the failure has no name")
		}
		if in.State.failedAt() == "" {
			t.Error("it failed in no state")
		}
	})
}
