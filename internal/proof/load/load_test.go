package load_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/internal/proof/load"
)

// Many at once all get through, and AWS is not stormed. make bench does the same with 500, within budgets.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const many = 40
	template, err := os.ReadFile(filepath.Join("..", "..", "..", "infra", "testdata", "postern.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := load.Run(template, load.Kinds, false)
	if err != nil || alone.Onboarded != load.Kinds || alone.Throttled > 0 {
		t.Fatalf("one of each kind, without limits: %+v, %v", alone, err)
	}
	got, err := load.Run(template, many, true)
	if err != nil {
		t.Fatal(err)
	}
	if got.Onboarded != many || len(got.Failures) > 0 {
		t.Errorf("%d of %d are onboarded: %q", got.Onboarded, many, got.Failures)
	}
	if got.Throttled == 0 {
		t.Error("nothing was throttled: are there limits?")
	}
	// Forty endpoints at 0.3 a second are created after two minutes: no onboarding waits long.
	if late := got.Last - alone.Last; late > 10*time.Minute {
		t.Errorf("the last ends %s later than it would alone", late)
	}
	if calls, one := got.Calls/many, alone.Calls/load.Kinds; calls > 2*one {
		t.Errorf("%d calls for each, %d alone; throttled: %v", calls, one, got.ByOperation)
	}
}
