package drift

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/dns"
)

// vpcZones are the private zones of a VPC, read once in a run.
type vpcZones struct {
	zones []dns.Zone
	err   error
}

// names compares what makes the names lead to the endpoint: our zone and its records, and the other zones of the VPC.
func names(ctx context.Context, from Zones, ledger *connection.Ledger, known map[string]vpcZones) []connection.DriftAnswer {
	if ledger.DNS.Mode == connection.ModeNone {
		return nil // nothing of it leads anywhere
	}
	network := ledger.Plan.Network
	of, read := known[network.VPCID]
	if !read {
		of.zones, of.err = from.Zones(ctx, network.VPCID, network.Region)
		known[network.VPCID] = of
	}
	var answers []connection.DriftAnswer
	if ledger.DNS.ZoneID != "" {
		answers = zone(ctx, from, ledger, of.zones)
	}
	if of.err != nil {
		return append(answers, unknown(of.err, connection.CheckShadowing)...)
	}
	return append(answers, shadowing(ledger, of.zones)...)
}

// zone compares our zone: that it is there, is ours, answers in the VPCs of the plan and in no other, and what it holds. Another
// zone of the VPC may have taken its name.
func zone(ctx context.Context, from Zones, ledger *connection.Ledger, zones []dns.Zone) []connection.DriftAnswer {
	id, name := ledger.DNS.ZoneID, ledger.DNS.ZoneName
	have, exists, err := from.Look(ctx, id, ledger.Plan.ConnectionID)
	if err != nil {
		return unknown(err, connection.CheckZone, connection.CheckRecord)
	}
	if !exists {
		taken := slices.ContainsFunc(zones, func(z dns.Zone) bool { return z.Name == name })
		return forHands(taken,
			answer(connection.CheckZone, false, "hosted zone %s (%s) is gone", name, id),
			answer(connection.CheckRecord, false, "hosted zone %s (%s) is gone, and its records with it", name, id),
		)
	}
	var wrong phrases
	if !have.Ours {
		wrong.addf("hosted zone %s (%s) is not one that was made for this connection", name, id)
	}
	want := []string{ledger.Plan.Network.VPCID}
	for _, association := range ledger.Plan.DNS.Associations {
		want = append(want, association.VPCID)
	}
	lacking := false
	for _, vpc := range want {
		if !slices.Contains(have.VPCIDs, vpc) {
			lacking = true
			wrong.addf("hosted zone %s (%s) does not answer in %s", name, id, vpc)
		}
	}
	for _, vpc := range have.VPCIDs {
		if !slices.Contains(want, vpc) {
			wrong.addf("hosted zone %s (%s) answers in %s too", name, id, vpc)
		}
	}
	answers := forHands(!have.Ours || len(wrong) > 0 && !lacking, wrong.answer(connection.CheckZone)...)
	differences, hands, err := from.Differences(ctx, id, ledger.DNS.Records)
	if err != nil {
		return append(answers, unknown(err, connection.CheckRecord)...)
	}
	return append(answers, forHands(hands || !have.Ours, phrases(differences).answer(connection.CheckRecord)...)...)
}

// shadowing looks for a zone of the VPC that answers for a name of the connection in the stead of its own.
//
// AWS: of the zones that answer for a name the one with the longest name is asked. Zones that come by a Route 53 Profile, and
// Resolver rules, are not listed: what they do is seen by resolution.
func shadowing(ledger *connection.Ledger, zones []dns.Zone) []connection.DriftAnswer {
	hostnames := []string{ledger.DNS.Hostname}
	for _, record := range ledger.Plan.DNS.Records {
		if !slices.Contains(hostnames, record.Name) {
			hostnames = append(hostnames, record.Name)
		}
	}
	own, kept := ownZone(ledger), ledger.Plan.DNS.Kept
	byAWS := ledger.DNS.Mode == connection.ModeVendorPrivateDNS || kept != nil && len(kept.Records) == 0
	var wrong phrases
	for _, zone := range zones {
		managed := zone.OwningService != ""
		switch {
		case zone.ID == ledger.DNS.ZoneID, len(zone.Name) < len(own), kept != nil && zone.ID == kept.ZoneID:
		case managed && zone.Name == own && byAWS: // made for the endpoint
		default:
			if i := slices.IndexFunc(hostnames, zone.Answers); i >= 0 {
				owner := "account " + zone.OwningAccount
				if managed {
					owner = zone.OwningService
				}
				wrong.addf("hosted zone %s (%s of %s) answers for %s", zone.Name, zone.ID, owner, hostnames[i])
			}
		}
	}
	return wrong.answer(connection.CheckShadowing)
}

// ownZone is the name of the zone that should answer: ours, the one that was there before and was kept, or the one that AWS
// makes for the endpoint's private DNS.
//
// AWS: that zone has the service's private DNS name, for a wildcard without its star.
func ownZone(ledger *connection.Ledger) string {
	switch kept := ledger.Plan.DNS.Kept; {
	case kept != nil:
		return kept.ZoneName
	case ledger.DNS.Mode == connection.ModePrivateHostedZone:
		return ledger.DNS.ZoneName
	}
	private := dns.Zone{Name: strings.TrimPrefix(dns.Name(ledger.Plan.Service.PrivateDNSName), "*.")}
	if private.Name != "" && private.Answers(ledger.DNS.Hostname) {
		return private.Name
	}
	return dns.Name(ledger.DNS.Hostname)
}

// phrases are what is wrong about one check.
type phrases []string

func (p *phrases) addf(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// answer is ok when there is nothing to say.
func (p phrases) answer(check connection.DriftCheck) []connection.DriftAnswer {
	return []connection.DriftAnswer{answer(check, len(p) == 0, "%s", strings.Join(p, "; "))}
}
