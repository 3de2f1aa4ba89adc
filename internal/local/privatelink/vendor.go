package privatelink

import (
	"fmt"
	"slices"
	"time"
)

// VendorService is an endpoint service of a vendor, and how what stands behind it behaves.
type VendorService struct {
	Name, Region       string   // com.amazonaws.vpce.us-east-1.vpce-svc-…
	ID, Owner          string   // vpce-svc-…; the vendor's account
	AZIDs              []string // where it is offered
	AcceptanceRequired bool
	AllowedAccounts    []string // accounts that may see it; "*" is every account
	ConsumerRegions    []string // other Regions that may reach it
	RemoteAZIDs        []string // zones of those Regions that may; nil means all
	PolicySupported    bool
	Tags               map[string]string

	PrivateDNSName         string // "" when it has none; may begin with *.
	PrivateDNSVerification string // verified, pendingVerification, failed
	CrossRegionPrivateDNS  bool

	Hostnames   []string // what its certificate is valid for
	Ports       []int    // where it listens; other ports refuse
	PlainPorts  []int    // those of Ports that do not speak TLS
	ALPN        []string
	Certificate Certificate
	DownAZIDs   []string      // zones in which nothing answers
	WarmUp      time.Duration // connections fail for so long after the endpoint became available
	// ListedOnly: the vendor resets connections of endpoints that are not in Listed.
	ListedOnly bool
	Listed     []string
}

// Certificate is the kind of certificate that a vendor shows.
type Certificate string

// The kinds of certificate.
const (
	ValidCertificate   Certificate = ""
	ExpiredCertificate Certificate = "expired"
	// ExpiringCertificate is good for ten more days.
	ExpiringCertificate Certificate = "expiring"
	WrongName           Certificate = "wrong-name"
	UnknownAuthority    Certificate = "unknown-authority"
)

// visibleTo reports whether an account sees the service in one of its Regions. The three reasons why it does not look the same.
func (s *VendorService) visibleTo(accountID, region string) bool {
	allowed := slices.Contains(s.AllowedAccounts, "*") || slices.Contains(s.AllowedAccounts, accountID)
	return allowed && (s.Region == region || slices.Contains(s.ConsumerRegions, region))
}

func (s *VendorService) clone() VendorService {
	copied := *s
	copied.AllowedAccounts, copied.Listed = slices.Clone(s.AllowedAccounts), slices.Clone(s.Listed)
	return copied
}

// AddService adds a vendor's service.
func (w *World) AddService(service VendorService) {
	w.mu.Lock()
	defer w.mu.Unlock()
	copied := service.clone()
	w.services.put(service.Name, &copied)
}

// Service returns a vendor's service by name, whether or not the account may see it.
func (w *World) Service(name string) (VendorService, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if service := w.services.get(name); service != nil {
		return service.clone(), true
	}
	return VendorService{}, false
}

// Services returns all vendors' services.
func (w *World) Services() []VendorService {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []VendorService
	for _, service := range w.services.all() {
		all = append(all, service.clone())
	}
	return all
}

// Vendor acts for the owner of a service.
type Vendor struct {
	world *World
	name  string
}

// Vendor returns the owner of the service with a name. Its methods fail when there is no such service.
func (w *World) Vendor(serviceName string) *Vendor { return &Vendor{world: w, name: serviceName} }

// Update changes the service.
func (v *Vendor) Update(change func(*VendorService)) error {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	service := v.world.services.get(v.name)
	if service == nil {
		return fmt.Errorf("service %s does not exist", v.name)
	}
	change(service)
	return nil
}

// Allow lets an account see the service and ask for connections.
func (v *Vendor) Allow(accountID string) error {
	return v.Update(func(s *VendorService) {
		if !slices.Contains(s.AllowedAccounts, accountID) {
			s.AllowedAccounts = append(s.AllowedAccounts, accountID)
		}
	})
}

// Withdraw hides the service from an account. Endpoints that exist stay.
func (v *Vendor) Withdraw(accountID string) error {
	return v.Update(func(s *VendorService) {
		s.AllowedAccounts = slices.DeleteFunc(s.AllowedAccounts, func(id string) bool { return id == accountID })
	})
}

// List lets an endpoint's connections through to a service with ListedOnly.
func (v *Vendor) List(endpointID string) error {
	return v.Update(func(s *VendorService) { s.Listed = append(s.Listed, endpointID) })
}

// Waiting returns the ids of the endpoints that wait for acceptance.
func (v *Vendor) Waiting() []string {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	var ids []string
	for _, e := range v.world.endpoints.all() {
		if e.ServiceName == v.name && e.State == PendingAcceptance {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// Accept accepts an endpoint that waits for it.
func (v *Vendor) Accept(endpointID string) error {
	return v.act("accepting", endpointID, []State{PendingAcceptance}, func(w *World, e *Endpoint) {
		w.accept(e)
		w.notify(e, "Accept")
	})
}

// Reject rejects an endpoint, waiting or in use. AWS: the owner can do that at any time. The reason is the vendor's own: AWS does
// not show it to the consumer, so it goes nowhere but into the synthetic notification.
func (v *Vendor) Reject(endpointID, reason string) error {
	return v.act("rejecting", endpointID, []State{PendingAcceptance, Pending, Available}, func(w *World, e *Endpoint) {
		w.close(e, Rejected)
		w.notifyBecause(e, "Reject", reason)
	})
}

// Expire ends an endpoint's wait for acceptance. AWS sends no notification.
func (v *Vendor) Expire(endpointID string) error {
	return v.act("expiring", endpointID, []State{PendingAcceptance}, func(w *World, e *Endpoint) { w.close(e, Expired) })
}

// Fail makes an endpoint fail on its way, with DescribeVpcEndpoints' LastError. AWS sends no notification.
func (v *Vendor) Fail(endpointID, code, message string) error {
	return v.act("failing", endpointID, []State{PendingAcceptance, Pending}, func(w *World, e *Endpoint) {
		w.close(e, Failed)
		e.FailCode, e.FailText = code, message
	})
}

// act does something to an endpoint of the service that is in one of the states.
func (v *Vendor) act(doing, endpointID string, from []State, do func(*World, *Endpoint)) error {
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	e := v.world.endpoints.get(endpointID)
	if e == nil || e.ServiceName != v.name {
		return fmt.Errorf("%s %s: %s has no such endpoint", doing, endpointID, v.name)
	}
	if !slices.Contains(from, e.State) {
		return fmt.Errorf("%s %s: it is %s", doing, endpointID, e.State)
	}
	do(v.world, e)
	return nil
}
