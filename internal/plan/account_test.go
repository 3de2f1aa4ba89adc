package plan

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/catalog"
	"postern/internal/connection"
)

// A network of another account is read there and nowhere else, and the plan keeps how it is reached. When its account is closed to
// us, that is all there is to say: nothing else was asked.
func TestPlanInAnotherAccount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reach  error
		faults []string
		name   string // of an error that is no fault
	}{
		"open": {},
		"closed": {reach: &smithy.GenericAPIError{Code: "AccessDenied"}, faults: []string{
			"target.vpcId: the role arn:aws:iam::222233334444:role/r, through which " + vpcID + " is reached, cannot be assumed; deploy " +
				"the network stack of prod in account 222233334444 again, with the externalId that the postern block of cdk.json has for it"}},
		"throttled": {reach: &smithy.GenericAPIError{Code: "Throttling"}, name: "Throttling"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, home := newWorld(), newWorld()
			w.fail["Reach"] = test.reach
			settings := config()
			network := &settings.Networks[0]
			network.AccountID, network.RoleARN, network.ExternalID = "222233334444", "arn:aws:iam::222233334444:role/r", "0d2b7c9e"
			vendors, err := catalog.Load()
			if err != nil {
				t.Fatal(err)
			}
			want := connection.Access{RoleARN: network.RoleARN, ExternalID: network.ExternalID, Region: "us-east-1"}
			planner := New(vendors, settings, home, func(access connection.Access) Sources {
				if access != want {
					t.Errorf("read through %+v", access)
				}
				return Sources{Account: w, Endpoints: w, Zones: zonesOf{w}, Parameters: w}
			}, slog.New(slog.DiscardHandler))
			plan, err := planner.Plan(t.Context(), first(request(t, nil)))
			switch {
			case test.name != "":
				if err == nil || !strings.Contains(err.Error(), test.name) {
					t.Errorf("got %v", err)
				}
			case test.faults != nil:
				if diff := cmp.Diff(test.faults, lines(t, err)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if len(w.calls) > 0 {
					t.Errorf("asked %v of an account that is closed", w.calls)
				}
			case err != nil || plan.Network.Access() != want:
				t.Errorf("network %+v, %v", plan.Network, err)
			}
			for _, line := range plan.Creates {
				if strings.Contains(line, "notification") {
					t.Errorf("no notification is made there: %s", line)
				}
			}
		})
	}
}
