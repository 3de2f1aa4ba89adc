package local_test

import (
	"testing"
	"time"

	"postern/internal/local/people"
)

func TestDamagesNow(t *testing.T) {
	t.Parallel()
	for _, damage := range people.Damages {
		t.Run(damage.Name, func(t *testing.T) {
			t.Parallel()
			c := linked(t, "onboard."+damage.Vendor+".json")
			if err := damage.Do(c, c.World.Endpoints()[0].ID); err != nil {
				t.Fatal(err)
			}
			if err := c.Advance(time.Minute); err != nil {
				t.Fatal(err)
			}
			now := drifts(t, c)
			for range 26 {
				if err := c.Advance(time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%s\n  now %q\n  all %q", damage.Name, now, drifts(t, c))
		})
	}
}
