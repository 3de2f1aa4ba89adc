// Package privatelink simulates EC2, as far as PrivateLink needs it, and the vendors on the other side of it: VPCs,
// subnets, security groups, network ACLs, endpoint services, interface endpoints with their network interfaces, and connection
// notifications. It enforces AWS's rules and speaks EC2's wire protocol (Service); tests and the demo act as the vendor (Vendor)
// or as a person with a console (the methods of World in hand.go).
package privatelink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/cloudtrail"
	"postern/internal/local/wire"
)

// Options are the ways in which this world may differ from another. All delays are simulated time.
type Options struct {
	AccountID string // of the VPCs that name no other

	AvailableAfter time.Duration // from accepted (pending) to available
	ModifiedAfter  time.Duration // ModifyVpcEndpoint: the endpoint is pending for so long; 0: it stays available
	DeletedAfter   time.Duration // from deleting to deleted
	ForgottenAfter time.Duration // from deleted to InvalidVpcEndpointId.NotFound
	VisibleAfter   time.Duration // eventual consistency: a created endpoint is not found for so long

	TitleCaseStates    bool // states are spelled PendingAcceptance, as some AWS answers do, and not pendingAcceptance
	EarlyDNSEntries    bool // the DNS entries are there before the endpoint is accepted
	ShuffledDNSEntries bool // the Regional name is not the first DNS entry

	NotificationDelay   time.Duration // from an event to its SNS message
	LoseNotifications   bool          // no connection notification arrives
	RepeatNotifications bool          // every connection notification arrives twice

	EndpointQuota int // interface endpoints per VPC
	PageSize      int // most items of one answer when the caller asks for no fewer
}

// DefaultOptions are AWS's defaults, and delays as they were seen.
func DefaultOptions() Options {
	return Options{
		AccountID:      "111122223333",
		AvailableAfter: 45 * time.Second, ModifiedAfter: 30 * time.Second,
		DeletedAfter: 30 * time.Second, ForgottenAfter: time.Hour,
		NotificationDelay: time.Second,
		EndpointQuota:     50, PageSize: 1000,
	}
}

// Zones tells which names private hosted zones occupy in a VPC. It must not call back into the World.
type Zones interface {
	HasZone(vpcID, name string) bool
}

// World is the state of the consumer's accounts and of the vendors they meet. A call sees what its account has in its Region. It is
// safe for concurrent use; what takes time happens on the clock. Hooks run on the clock too, never during an API call.
type World struct {
	clock *clock.Clock

	mu            sync.Mutex
	options       Options
	zones         Zones
	onNotice      func(topicARN string, message []byte)
	onMutation    func(eventName string, endpointIDs []string, principal string)
	onCall        func(cloudtrail.Call)
	onRequest     func(serviceName, endpointID string)
	made          map[string]int // ids handed out, by prefix
	vpcs          table[VPC]
	subnets       table[Subnet]
	groups        table[SecurityGroup]
	acls          table[NetworkACL]
	prefixLists   map[string][]string // id -> CIDRs
	interfaces    table[NetworkInterface]
	services      table[VendorService] // by name
	endpoints     table[Endpoint]
	notifications table[Notification]
	tokens        map[string]remembered // client tokens
	undeletable   map[string]wireError  // endpoint id -> why DeleteVpcEndpoints refuses it
}

// wireError is the code and message of an error inside an answer.
type wireError struct{ code, message string }

// NewWorld returns an empty world.
func NewWorld(c *clock.Clock, options Options) *World {
	return &World{
		clock: c, options: options, made: map[string]int{}, prefixLists: map[string][]string{},
		tokens: map[string]remembered{}, undeletable: map[string]wireError{},
	}
}

// Configure changes the options of a running world.
func (w *World) Configure(change func(*Options)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.options)
}

// AccountID is the account that owns every VPC that names no other.
func (w *World) AccountID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.options.AccountID
}

// SetZones connects the world with Route 53: private DNS conflicts with a private hosted zone of the same name.
func (w *World) SetZones(zones Zones) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.zones = zones
}

// OnNotification sets who receives connection notifications: the topic and the message as SNS would carry it.
func (w *World) OnNotification(f func(topicARN string, message []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onNotice = f
}

// OnMutation sets who hears of endpoints created, modified or deleted on the consumer's side, which is what CloudTrail records
// in the consumer's account. What the vendor does is not among them.
func (w *World) OnMutation(f func(eventName string, endpointIDs []string, principal string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onMutation = f
}

// OnCall sets who hears of what people change by hand around endpoints: groups, network ACLs, VPCs.
func (w *World) OnCall(f func(cloudtrail.Call)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onCall = f
}

// called reports a change by hand in a VPC. The world is locked.
func (w *World) called(vpcID, name string, parameters map[string]any) {
	f, vpc := w.onCall, w.vpcs.get(vpcID)
	if f == nil || vpc == nil {
		return
	}
	call := cloudtrail.Call{
		Service: "ec2", Name: name, Principal: person(vpc.AccountID), Account: vpc.AccountID, Region: vpc.Region, Parameters: parameters,
		Response: map[string]any{"_return": true},
	}
	w.clock.After(0, "ec2 "+name, func() { f(call) })
}

// OnRequest sets who hears of endpoints that begin to wait for a vendor's acceptance.
func (w *World) OnRequest(f func(serviceName, endpointID string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onRequest = f
}

// mutated reports a consumer's change of endpoints. The world is locked.
func (w *World) mutated(eventName string, endpointIDs []string, principal string) {
	if f := w.onMutation; f != nil && len(endpointIDs) > 0 {
		w.clock.After(0, "ec2 "+eventName, func() { f(eventName, endpointIDs, principal) })
	}
}

// later runs f with the world locked, after d.
func (w *World) later(d time.Duration, label string, f func()) {
	w.clock.After(d, label, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	})
}

// newID returns the next id with a prefix. Ids are a pure function of the order of creation.
func (w *World) newID(prefix string) string {
	w.made[prefix]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", prefix, w.made[prefix]))
	return prefix + "-0" + hex.EncodeToString(sum[:8])
}

// arn is the ARN of an EC2 resource of the caller's account, such as arn:aws:ec2:us-east-1:111122223333:vpc-endpoint/vpce-….
func arn(call *wire.Call, kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", call.Region, call.AccountID, kind, id)
}

// table holds things by id, in the order in which they came.
type table[T any] struct {
	ids  []string
	rows map[string]*T
}

func (t *table[T]) put(id string, row *T) {
	if t.rows == nil {
		t.rows = map[string]*T{}
	}
	if _, known := t.rows[id]; !known {
		t.ids = append(t.ids, id)
	}
	t.rows[id] = row
}

// get returns nil for an unknown id.
func (t *table[T]) get(id string) *T { return t.rows[id] }

func (t *table[T]) remove(id string) {
	delete(t.rows, id)
	for i, known := range t.ids {
		if known == id {
			t.ids = append(t.ids[:i:i], t.ids[i+1:]...)
			return
		}
	}
}

func (t *table[T]) all() []*T {
	rows := make([]*T, len(t.ids))
	for i, id := range t.ids {
		rows[i] = t.rows[id]
	}
	return rows
}
