package drift

import (
	"context"
	"fmt"
	"time"

	"postern/internal/connection"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/publish"
	"postern/internal/store"
)

// Sources is what the deep checks read in one account and Region.
type Sources struct {
	Interfaces Interfaces
	Zones      Zones
	Parameters Parameters
}

// Interfaces is what the deep checks read of EC2; *endpoint.Client satisfies it.
type Interfaces interface {
	InterfacesByID(ctx context.Context, endpointID string, ids []string) ([]endpoint.Interface, error)
}

// Zones is what the deep checks read of Route 53; *dns.Client satisfies it.
type Zones interface {
	Zones(ctx context.Context, vpcID, region string) ([]dns.Zone, error)
	Look(ctx context.Context, zoneID, connectionID string) (dns.Existing, bool, error)
	Differences(ctx context.Context, zoneID string, written []connection.WrittenRecord) (
		differences []string, forHands bool, err error)
}

// Parameters is what the deep checks read of SSM; *publish.Client satisfies it.
type Parameters interface {
	Read(ctx context.Context, names []string) (map[string]publish.Existing, error)
}

// reserve is what an invocation keeps for reporting and writing what it found: no deep check starts in its last minute, and one
// that runs into the second half of that minute is given up.
const reserve = time.Minute

// silence is how long a connection may be without deep checks before they are unknown.
const silence = 3 * turn

// look is the outcome of the deep checks of one connection.
type look struct {
	answers  []connection.DriftAnswer
	notAfter *time.Time // of the certificate that was shown, or nil
}

// looks makes the deep checks of connections, in this order, for as long as there is time. A connection that is missing in the
// result was not looked at: its findings stay, and its turn comes first the next time.
func (c *Checker) looks(ctx context.Context, links []store.Link, at time.Time) map[string]look {
	deadline, limited := ctx.Deadline()
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve/2))
		defer cancel()
	}
	done := map[string]look{}
	zones := map[string]vpcZones{}
	for i, link := range links {
		if limited && time.Until(deadline) < reserve {
			c.Log.WarnContext(ctx, "no time to check more connections", "left", len(links)-i)
			break
		}
		found, looked := c.look(ctx, link, at, zones)
		if looked && ctx.Err() == nil {
			done[link.ConnectionID] = found
		}
	}
	return done
}

// look makes the deep checks of one connection; false when its ledger is not the one that it was listed with.
func (c *Checker) look(ctx context.Context, link store.Link, at time.Time, zones map[string]vpcZones) (look, bool) {
	ledger, err := c.Registry.Ledger(ctx, link.ConnectionID)
	if err != nil {
		return look{answers: unknown(err, deepChecks()...)}, true
	}
	if ledger == nil || !ledger.At.Equal(link.Expects.At) {
		return look{}, false // offboarded, or onboarded again, a moment ago
	}
	from := c.Sources(ledger.Plan.Network.Access())
	var found look
	found.answers = append(found.answers, interfaces(ctx, from.Interfaces, ledger)...)
	found.answers = append(found.answers, names(ctx, from.Zones, ledger, zones)...)
	found.answers = append(found.answers, parameters(ctx, from.Parameters, ledger)...)
	shown, answers := c.resolve(ctx, ledger, at)
	found.answers = append(found.answers, answers...)
	if shown == nil {
		shown = link.Drift.NotAfter
	}
	if shown == nil {
		shown = ledger.Verification.NotAfter
	}
	found.notAfter = shown
	found.answers = append(found.answers, certificate(shown, answers, at)...)
	return found, true
}

// deepChecks are those that look makes.
func deepChecks() []connection.DriftCheck {
	var checks []connection.DriftCheck
	for _, info := range connection.DriftChecks {
		if info.Deep {
			checks = append(checks, info.Check)
		}
	}
	return checks
}

// unseen are the answers for a connection that had no deep checks for days; none as long as its findings may stay as they are.
func unseen(link store.Link, at time.Time) []connection.DriftAnswer {
	since := looked(link)
	if at.Sub(since) < silence {
		return nil
	}
	return unknown(fmt.Errorf("not checked since %s", since.UTC().Format("2006-01-02 15:04 UTC")), deepChecks()...)
}

// interfaces compares the endpoint's network interfaces with those that were verified.
func interfaces(ctx context.Context, from Interfaces, ledger *connection.Ledger) []connection.DriftAnswer {
	var ids []string
	for _, eni := range ledger.Availability.Interfaces {
		ids = append(ids, eni.ID)
	}
	found, err := from.InterfacesByID(ctx, ledger.Endpoint.ID, ids)
	if err != nil {
		return unknown(err, connection.CheckInterfaces)
	}
	have := map[string]endpoint.Interface{}
	for _, eni := range found {
		have[eni.ID] = eni
	}
	var wrong phrases
	for _, want := range ledger.Availability.Interfaces {
		switch eni, exists := have[want.ID]; {
		case !exists:
			wrong.addf("%s of %s is gone", want.ID, want.SubnetID)
		case eni.Status != "in-use":
			wrong.addf("%s of %s is %s", want.ID, want.SubnetID, eni.Status)
		case eni.IP != want.IP || eni.SubnetID != want.SubnetID:
			wrong.addf("%s is %s in %s instead of %s in %s", want.ID, eni.IP, eni.SubnetID, want.IP, want.SubnetID)
		}
	}
	return wrong.answer(connection.CheckInterfaces)
}

// parameters compares what agents read with what was published. A value is compared, and never written anywhere.
func parameters(ctx context.Context, from Parameters, ledger *connection.Ledger) []connection.DriftAnswer {
	published := map[string]connection.Parameter{}
	var names []string
	for _, parameter := range ledger.Config.Parameters {
		published[parameter.Name] = parameter
		names = append(names, parameter.Name)
	}
	if len(names) == 0 {
		return nil
	}
	found, err := from.Read(ctx, names)
	if err != nil {
		return unknown(err, connection.CheckParameters)
	}
	var wrong phrases
	for _, output := range ledger.Plan.Outputs {
		was, ours := published[output.Parameter]
		switch now, exists := found[output.Parameter]; {
		case !ours:
		case !exists:
			wrong.addf("%s is gone", output.Parameter)
		case !publish.Holds(output, now):
			wrong.addf("%s does not say what was published in version %d: version %d of %s does", output.Parameter, was.Version,
				now.Version, now.Modified.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	return wrong.answer(connection.CheckParameters)
}
