// Package route53 simulates Route 53: hosted zones, their records and the VPCs they are associated with, and what
// resolvers see of them, which is not what the API shows until a change is in sync. It enforces AWS's rules and speaks the wire
// protocol.
package route53

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/cloudtrail"
	"postern/internal/local/privatelink"
)

// Options are the ways in which this Route 53 may differ from another.
type Options struct {
	AccountID string
	// InSyncAfter is how long a change is PENDING, in simulated time. Resolvers see it when it is INSYNC.
	InSyncAfter time.Duration
	// OneChangeAtATime refuses a change of a zone's records while another is pending, with PriorRequestNotComplete.
	OneChangeAtATime bool
	// RequestsPerSecond is AWS's throttle of five calls a second for an account, here of simulated time; 0 means none, since
	// simulated time stands still while a function runs.
	RequestsPerSecond int
	ZoneQuota         int
	PageSize          int // most items of one answer when the caller asks for no fewer
}

// DefaultOptions are AWS's defaults for an account, without its throttle.
func DefaultOptions(accountID string) Options {
	return Options{AccountID: accountID, InSyncAfter: 20 * time.Second, ZoneQuota: 500, PageSize: 100}
}

// EC2 is what Route 53 needs to know of the VPCs and endpoints. It is asked before Route 53 locks its own state, since the
// endpoints ask Route 53 in turn.
type EC2 interface {
	VPC(id string) (privatelink.VPC, bool)
	ManagedZones(vpcID string) []privatelink.ManagedZone
	AliasZone(name string) (zoneID string, known bool)
}

// VPC names a VPC.
type VPC struct {
	Region string `xml:"VPCRegion"`
	ID     string `xml:"VPCId"`
}

// Zone is a hosted zone. Names are canonical: lower case, trailing dot, \052 for *.
type Zone struct {
	ID, Name, CallerReference, Comment string
	Owner                              string // account
	Private                            bool
	VPCs                               []VPC
	Authorized                         []VPC // of other accounts, which may associate themselves
	Records                            []Record
	Tags                               map[string]string

	pending int // changes of records that are not in sync
}

// Record is one record set: values with a TTL in seconds, or an alias.
type Record struct {
	Name, Type string
	TTL        int64
	Values     []string
	Alias      *Alias
}

// Alias is the target of an alias record.
type Alias struct {
	ZoneID               string `xml:"HostedZoneId"`
	DNSName              string `xml:"DNSName"`
	EvaluateTargetHealth bool   `xml:"EvaluateTargetHealth"`
}

// Service is Route 53: its state, and its wire.Service. It is safe for concurrent use.
type Service struct {
	clock *clock.Clock
	ec2   EC2

	mu      sync.Mutex
	options Options
	made    int
	zones   map[string]*Zone
	order   []string // ids in order of creation
	live    map[string]Zone
	changes map[string]*change
	onCall  func(cloudtrail.Call)
	second  time.Time // of the throttle's window
	calls   int       // in that window
}

// change is what GetChange answers.
type change struct {
	id, comment string
	submitted   time.Time
	inSync      bool
}

// New returns a Route 53 without zones.
func New(c *clock.Clock, ec2 EC2, options Options) *Service {
	return &Service{
		clock: c, ec2: ec2, options: options, zones: map[string]*Zone{}, live: map[string]Zone{}, changes: map[string]*change{},
	}
}

// Configure changes the options.
func (s *Service) Configure(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.options)
}

// HasZone reports whether a private zone of that name is associated with a VPC.
func (s *Service) HasZone(vpcID, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conflict(vpcID, Canonical(name)) != nil
}

// conflict is the private zone with a canonical name that a VPC is associated with, or nil.
func (s *Service) conflict(vpcID, name string) *Zone {
	for _, id := range s.order {
		if zone := s.zones[id]; zone.Name == name && zone.has(vpcID) {
			return zone
		}
	}
	return nil
}

func (z *Zone) has(vpcID string) bool {
	return slices.ContainsFunc(z.VPCs, func(v VPC) bool { return v.ID == vpcID })
}

// AddZone adds a zone that was made manually, in sync at once, and returns its ID. Without an owner it is the account's own.
func (s *Service) AddZone(zone Zone) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone.Name = Canonical(zone.Name)
	zone.Owner = cmp.Or(zone.Owner, s.options.AccountID)
	zone.CallerReference = cmp.Or(zone.CallerReference, "made manually")
	records := zone.Records
	s.add(&zone)
	for _, record := range records {
		record.Name = Canonical(record.Name)
		zone.put(record)
	}
	s.live[zone.ID] = zone.clone()
	for _, vpc := range zone.VPCs {
		s.called(&zone, "CreateHostedZone", map[string]any{
			"name": zone.Name, "callerReference": zone.CallerReference, "vPC": named(vpc),
			"hostedZoneConfig": map[string]any{"privateZone": zone.Private},
		})
	}
	return zone.ID
}

// OnCall sets who hears of what people change by hand.
func (s *Service) OnCall(f func(cloudtrail.Call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onCall = f
}

// called reports a change of a zone by hand. The service is locked.
func (s *Service) called(zone *Zone, name string, parameters map[string]any) {
	f := s.onCall
	if f == nil {
		return
	}
	call := cloudtrail.Call{
		Service: "route53", Name: name, Principal: "arn:aws:iam::" + zone.Owner + ":user/somebody", Account: zone.Owner,
		Parameters: parameters,
	}
	s.clock.After(0, "route53 "+name, func() { f(call) })
}

// named is a VPC as CloudTrail writes it.
func named(vpc VPC) map[string]any { return map[string]any{"vPCId": vpc.ID, "vPCRegion": vpc.Region} }

// ChangeByHand changes a zone as a person with a console would, in sync at once.
func (s *Service) ChangeByHand(zoneID string, change func(*Zone)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := s.zones[zoneID]
	if zone == nil {
		return fmt.Errorf("changing zone %s by hand: it does not exist", zoneID)
	}
	before := zone.clone()
	change(zone)
	s.live[zoneID] = zone.clone()
	for _, vpc := range before.VPCs {
		if !zone.has(vpc.ID) {
			s.called(zone, "DisassociateVPCFromHostedZone", map[string]any{"hostedZoneId": zoneID, "vPC": named(vpc)})
		}
	}
	for _, vpc := range zone.VPCs {
		if !before.has(vpc.ID) {
			s.called(zone, "AssociateVPCWithHostedZone", map[string]any{"hostedZoneId": zoneID, "vPC": named(vpc)})
		}
	}
	if !reflect.DeepEqual(before.Records, zone.Records) {
		s.called(zone, "ChangeResourceRecordSets", map[string]any{"hostedZoneId": zoneID})
	}
	return nil
}

// DeleteByHand deletes the zones of a name with all their records, in sync at once.
func (s *Service) DeleteByHand(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.order)
	s.order = slices.DeleteFunc(s.order, func(id string) bool {
		gone := s.zones[id].Name == Canonical(name)
		if gone {
			s.called(s.zones[id], "DeleteHostedZone", map[string]any{"id": id})
			delete(s.zones, id)
			delete(s.live, id)
		}
		return gone
	})
	if len(s.order) == before {
		return fmt.Errorf("deleting zone %s by hand: it does not exist", name)
	}
	return nil
}

// Zones returns all zones as the API shows them.
func (s *Service) Zones() []Zone {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Zone
	for _, id := range s.order {
		all = append(all, s.zones[id].clone())
	}
	return all
}

// View returns the private zones that a resolver of a VPC sees at this moment.
func (s *Service) View(vpcID string) []Zone {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seen []Zone
	for _, id := range slices.Sorted(maps.Keys(s.live)) {
		if zone := s.live[id]; zone.Private && zone.has(vpcID) {
			seen = append(seen, zone.clone())
		}
	}
	return seen
}

// soa is the end of every zone's SOA record: the last number is how long a resolver remembers that a name does not exist.
const soa = " awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"

// add gives a zone its id and the two records that every zone has.
func (s *Service) add(zone *Zone) {
	zone.ID = s.newID("Z")
	servers := []string{"ns-0.awsdns-00.com.", "ns-512.awsdns-00.net.", "ns-1024.awsdns-00.org.", "ns-1536.awsdns-00.co.uk."}
	zone.Records = []Record{
		{Name: zone.Name, Type: "NS", TTL: 172800, Values: servers},
		{Name: zone.Name, Type: "SOA", TTL: 900, Values: []string{servers[3] + soa}},
	}
	s.zones[zone.ID] = zone
	s.order = append(s.order, zone.ID)
}

// newID returns the next id with a prefix. Ids are a pure function of the order of creation.
func (s *Service) newID(prefix string) string {
	s.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "route53 %s/%d", prefix, s.made))
	return prefix + "0" + strings.ToUpper(hex.EncodeToString(sum[:9]))
}

func (z *Zone) clone() Zone {
	copied := *z
	copied.VPCs, copied.Authorized = slices.Clone(z.VPCs), slices.Clone(z.Authorized)
	copied.Records, copied.Tags = slices.Clone(z.Records), maps.Clone(z.Tags)
	return copied
}

// index is the position of a record, -1 when the zone does not have it.
func (z *Zone) index(name, kind string) int {
	return slices.IndexFunc(z.Records, func(r Record) bool { return r.Name == name && r.Type == kind })
}

// put adds a record or replaces the one of its name and type.
func (z *Zone) put(record Record) {
	if i := z.index(record.Name, record.Type); i >= 0 {
		z.Records[i] = record
		return
	}
	z.Records = append(z.Records, record)
	slices.SortFunc(z.Records, func(a, b Record) int {
		return cmp.Or(compareNames(a.Name, b.Name), strings.Compare(a.Type, b.Type))
	})
}

// begin records a change of a zone, which resolvers see when it is in sync. The service is locked.
func (s *Service) begin(zone *Zone, comment string) *change {
	c := &change{id: s.newID("C"), comment: comment, submitted: s.clock.Now()}
	s.changes[c.id] = c
	snapshot, exists := zone.clone(), s.zones[zone.ID] != nil
	zone.pending++
	s.clock.After(s.options.InSyncAfter, "route53 change of "+zone.Name+" in sync", func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		zone.pending--
		c.inSync = true
		if exists {
			s.live[zone.ID] = snapshot
		} else {
			delete(s.live, zone.ID)
		}
	})
	return c
}
