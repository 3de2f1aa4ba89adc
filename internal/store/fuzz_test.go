package store

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Whatever an item holds, a wait is read that began at a time, or it is an error; so is a ledger that cannot be read.
func FuzzItem(f *testing.F) {
	for _, seed := range []string{
		`{"id":"v/n","waitGate":"approval","waitSince":"2026-11-02T14:00:00.000000000Z","waitHours":"48","reminderPercent":"050"}`,
		`{"waitSince":"yesterday"}`, `{"waitSince":"2026-11-02T14:00:00Z","waitAsked":"never","waitHours":"many","lastSeen":"Frobnicated"}`,
		`{"ledger":"[]"}`, `{"ledger":"{\"plan\":{\"dns\":null}}"}`, `{"ledger":"{"}`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var texts map[string]string
		if json.Unmarshal(raw, &texts) != nil {
			return
		}
		found := item{}
		for name, value := range texts {
			found[name] = &types.AttributeValueMemberS{Value: value}
		}
		if wait, err := waitOf(found); err == nil {
			again, err := waitOf(item{"waitSince": &types.AttributeValueMemberS{Value: stamp(wait.Since)}})
			if err != nil || !again.Since.Equal(wait.Since) {
				t.Errorf("%s is written %s and read %s, %v", wait.Since, stamp(wait.Since), again.Since, err)
			}
		}
		if ledger, err := ledgerOf("v/n", item{"ledger": &types.AttributeValueMemberS{Value: found.text("ledger")}}); (ledger == nil) != (err != nil || found.text("ledger") == "") {
			t.Errorf("ledger %v, %v", ledger, err)
		}
	})
}
