package proof_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	profiles "postern/internal/catalog"
	"postern/internal/demo/people"
)

// The samples of every vendor run one after the other: planned, onboarded, diagnosed as well, and offboarded, which leaves the
// account as it was.
func TestSamplesOfEveryVendor(t *testing.T) {
	t.Parallel()
	catalog, err := profiles.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range catalog.IDs() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			c := open(t, nil)
			(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(c)
			before := c.Inventory()
			for _, step := range []struct{ action, end string }{
				{"plan", "Planned"}, {"onboard", "Onboarded"}, {"diagnose", "Diagnosed"}, {"repair", "Onboarded"},
				{"offboard", "Offboarded"},
			} {
				ended := onboard(t, c, step.action+"."+id+".json")
				if got := ended.Path[len(ended.Path)-1]; got != step.end {
					t.Fatalf("%s ended %s %s: %s", step.action, got, ended.Error, ended.Cause)
				}
			}
			if diff := cmp.Diff(before, c.Inventory()); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
			for _, action := range []string{"approve", "cancel"} { // there is nothing left that could wait
				if ended := onboard(t, c, action+"."+id+".json"); ended.Error != "NotWaiting" {
					t.Errorf("%s: %v %s: %s", action, ended.Path, ended.Error, ended.Cause)
				}
			}
		})
	}
}
