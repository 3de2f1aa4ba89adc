package privatelink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// endpointZones are the ids of the public zones that endpoint names lie in, by the service's Region; an ALIAS to an endpoint
// names one of them. For other Regions an id is made up.
var endpointZones = map[string]string{
	"us-east-1": "Z7HUB22UULQXV", "us-east-2": "ZC8PG0KIFKBRI", "us-west-2": "Z1YSA3EXCYUU9Z",
	"eu-west-1": "Z38GZ743OKFT7T", "eu-central-1": "Z273ZU8SZ5RJPC",
}

func endpointZone(region string) string {
	if id, known := endpointZones[region]; known {
		return id
	}
	return zoneID("vpce " + region)
}

// zoneID makes a hosted zone id out of a seed.
func zoneID(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return "Z0" + strings.ToUpper(hex.EncodeToString(sum[:9]))
}

// nameSuffix is the random-looking part of an endpoint's DNS names: eight characters.
func nameSuffix(endpointID string) string {
	sum := sha256.Sum256([]byte("dns " + endpointID))
	return hex.EncodeToString(sum[:4])
}

// dnsEntry is one name of an endpoint, and the zone it lies in.
type dnsEntry struct{ name, zoneID string }

// dnsName is the endpoint's own name: the Regional one, or with az the one of a zone.
func (w *World) dnsName(e *Endpoint, az string) string {
	if az != "" {
		az = "-" + az
	}
	serviceID := e.ServiceName[strings.LastIndex(e.ServiceName, ".")+1:]
	return fmt.Sprintf("%s-%s%s.%s.%s.vpce.amazonaws.com", e.ID, e.suffix, az, serviceID, e.ServiceRegion)
}

// DNSName returns an endpoint's Regional name, "" for an endpoint that does not exist.
func (w *World) DNSName(endpointID string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.endpoints.get(endpointID); e != nil {
		return w.dnsName(e, "")
	}
	return ""
}

// dnsEntries are the names that DescribeVpcEndpoints shows: Regional, zonal, private. AWS does not promise that order, shows none
// before acceptance, and gives a cross-Region endpoint no zonal names.
func (w *World) dnsEntries(e *Endpoint) []dnsEntry {
	if e.AcceptedAt.IsZero() && !w.options.EarlyDNSEntries || !e.live() || len(e.SubnetIDs) == 0 {
		return nil
	}
	zone := endpointZone(e.ServiceRegion)
	entries := []dnsEntry{{w.dnsName(e, ""), zone}}
	if e.ServiceRegion == e.Region {
		for _, eni := range w.interfacesOf(e.ID) {
			entries = append(entries, dnsEntry{w.dnsName(e, eni.AZ), zone})
		}
	}
	if e.PrivateDNSEnabled {
		if service := w.services.get(e.ServiceName); service != nil {
			entries = append(entries, dnsEntry{service.PrivateDNSName, managedZoneID(e)})
		}
	}
	if w.options.ShuffledDNSEntries {
		slices.Reverse(entries)
	}
	return entries
}

// AliasZone returns the hosted zone that an ALIAS to an endpoint's own name must give; false when no endpoint has that name.
func (w *World) AliasZone(name string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e, _ := w.named(name); e != nil {
		return endpointZone(e.ServiceRegion), true
	}
	return "", false
}

// Resolve returns the addresses behind an endpoint's own name. AWS publishes such names; they resolve once the endpoint was
// available, and as long as its interfaces exist.
func (w *World) Resolve(name string) (addresses []string, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, az := w.named(name)
	if e == nil || e.AvailableAt.IsZero() || !e.live() {
		return nil, false
	}
	for _, eni := range w.interfacesOf(e.ID) {
		if az == "" || eni.AZ == az {
			addresses = append(addresses, eni.IP)
		}
	}
	return addresses, len(addresses) > 0
}

// named finds the endpoint with a name of its own, and for a zonal name the zone.
func (w *World) named(name string) (e *Endpoint, az string) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	for _, e := range w.endpoints.all() {
		if !strings.HasPrefix(name, e.ID) {
			continue
		}
		if name == w.dnsName(e, "") {
			return e, ""
		}
		for _, eni := range w.interfacesOf(e.ID) {
			if e.ServiceRegion == e.Region && name == w.dnsName(e, eni.AZ) {
				return e, eni.AZ
			}
		}
	}
	return nil, ""
}

// ManagedZone is the private hosted zone that AWS makes for an endpoint with private DNS. It belongs to vpce.amazonaws.com.
type ManagedZone struct {
	ID   string
	Name string // without trailing dot
	// Record is the one name in it: the zone's own, or *.zone for a service with a wildcard name.
	Record string
	// Addresses are the endpoint's, none while the name does not resolve yet.
	Addresses []string
}

// ManagedZones returns the zones that AWS made for the endpoints of a VPC.
func (w *World) ManagedZones(vpcID string) []ManagedZone {
	w.mu.Lock()
	defer w.mu.Unlock()
	var zones []ManagedZone
	for _, e := range w.endpoints.all() {
		service := w.services.get(e.ServiceName)
		if e.VPCID != vpcID || !e.PrivateDNSEnabled || e.State == Deleting || !e.live() || service == nil {
			continue
		}
		zone := ManagedZone{ID: managedZoneID(e), Name: zoneName(service.PrivateDNSName), Record: service.PrivateDNSName}
		if e.privateDNSLive {
			for _, eni := range w.interfacesOf(e.ID) {
				zone.Addresses = append(zone.Addresses, eni.IP)
			}
		}
		zones = append(zones, zone)
	}
	return zones
}

func managedZoneID(e *Endpoint) string { return zoneID("private dns " + e.ID) }

// zoneName is the zone of a private DNS name.
func zoneName(privateDNSName string) string { return strings.TrimPrefix(privateDNSName, "*.") }
