package plan

import (
	"fmt"
	"math"

	"postern/internal/connection"
)

// Prices in US dollars, us-east-1, read on 2026-11-21.
const (
	pricePerZoneHour   = 0.01 // of an interface endpoint: https://aws.amazon.com/privatelink/pricing/
	pricePerHostedZone = 0.50 // a month, of the first 25 zones: https://aws.amazon.com/route53/pricing/
	hoursPerMonth      = 730
)

// CostOf returns what a connection costs a month in a number of Availability Zones, with or without a hosted zone.
func CostOf(zones int, hostedZone bool) connection.Cost {
	monthly := float64(zones) * hoursPerMonth * pricePerZoneHour
	basis := fmt.Sprintf("%d zones × %d h × $%.2f (https://aws.amazon.com/privatelink/pricing/)",
		zones, hoursPerMonth, pricePerZoneHour)
	if hostedZone {
		monthly += pricePerHostedZone
		basis += fmt.Sprintf(" + $%.2f for the hosted zone (https://aws.amazon.com/route53/pricing/)", pricePerHostedZone)
	}
	return connection.Cost{
		MonthlyUSD: math.Round(monthly*100) / 100,
		Basis:      basis + "; prices of us-east-1, traffic not included",
	}
}
