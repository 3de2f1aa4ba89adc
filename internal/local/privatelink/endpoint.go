package privatelink

import (
	"maps"
	"slices"
	"time"

	"postern/internal/local/wire"
)

// State is the state of an interface endpoint, as the wire spells it.
type State string

// The states of an endpoint's life.
const (
	PendingAcceptance State = "pendingAcceptance"
	Pending           State = "pending"
	Available         State = "available"
	Deleting          State = "deleting"
	Deleted           State = "deleted"
	Rejected          State = "rejected"
	Failed            State = "failed"
	Expired           State = "expired"
)

// Endpoint is an interface endpoint.
type Endpoint struct {
	ID, Region, VPCID          string
	AccountID                  string // the owner's
	ServiceName, ServiceRegion string
	State                      State
	SubnetIDs, GroupIDs        []string
	PrivateDNSEnabled          bool
	CreatedAt                  time.Time
	// AcceptedAt is when the vendor accepted it, zero before; AvailableAt when traffic could first flow.
	AcceptedAt, AvailableAt time.Time
	// Connected is whether traffic flows: it stays so while a modification makes an available endpoint pending.
	Connected          bool
	FailCode, FailText string // DescribeVpcEndpoints.LastError
	Tags               map[string]string
	Policy             string // JSON, "" for a service that takes none

	interfaces     []*NetworkInterface
	suffix         string // the random part of its DNS names
	privateDNSLive bool   // the private name resolves to it
	visibleAt      time.Time
	generation     int // raised with every change of state, so that a timer of an earlier state does nothing
}

// Endpoint returns an endpoint, also one that is deleted but not yet forgotten.
func (w *World) Endpoint(id string) (Endpoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.endpoints.get(id); e != nil {
		return e.clone(), true
	}
	return Endpoint{}, false
}

// Endpoints returns all endpoints in the order of their creation.
func (w *World) Endpoints() []Endpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Endpoint
	for _, e := range w.endpoints.all() {
		all = append(all, e.clone())
	}
	return all
}

func (e *Endpoint) clone() Endpoint {
	copied := *e
	copied.SubnetIDs, copied.GroupIDs = slices.Clone(e.SubnetIDs), slices.Clone(e.GroupIDs)
	copied.Tags = maps.Clone(e.Tags)
	return copied
}

// live reports whether an endpoint still holds its interfaces and its place in the quota.
func (e *Endpoint) live() bool { return e.State != Deleted }

// usable reports whether an endpoint can still be changed.
func (e *Endpoint) usable() bool {
	return e.State == PendingAcceptance || e.State == Pending || e.State == Available
}

// enter puts an endpoint into a state.
func (w *World) enter(e *Endpoint, state State) {
	e.State = state
	e.generation++
}

// unless runs f after d, unless the endpoint has left its present state by then.
func (w *World) unless(e *Endpoint, d time.Duration, label string, f func()) {
	generation := e.generation
	w.later(d, label, func() {
		if e.generation == generation {
			f()
		}
	})
}

// accept begins the way to available. AWS: pendingAcceptance → pending → available, never straight to available.
func (w *World) accept(e *Endpoint) {
	w.enter(e, Pending)
	e.AcceptedAt = w.clock.Now()
	w.unless(e, w.options.AvailableAfter, e.ID+" becomes available", func() {
		w.enter(e, Available)
		e.Connected, e.AvailableAt = true, w.clock.Now()
		w.settle(e)
	})
}

// settle makes what an endpoint was told to be true: its interfaces are in use, and its private name resolves or does not.
func (w *World) settle(e *Endpoint) {
	e.privateDNSLive = e.PrivateDNSEnabled
	for _, eni := range w.interfacesOf(e.ID) {
		eni.Status = "in-use"
	}
}

// modified is the aftermath of ModifyVpcEndpoint: an available endpoint goes back to pending for a while, and traffic flows on.
func (w *World) modified(e *Endpoint) {
	if e.State != Available || w.options.ModifiedAfter == 0 {
		if e.State == Available {
			w.settle(e)
		}
		return
	}
	w.enter(e, Pending)
	w.unless(e, w.options.ModifiedAfter, e.ID+" is modified", func() {
		w.enter(e, Available)
		w.settle(e)
	})
}

// remove deletes an endpoint: it is deleting for a while, then deleted, and later not found.
func (w *World) remove(e *Endpoint) {
	w.enter(e, Deleting)
	e.Connected, e.privateDNSLive = false, false
	w.notify(e, "Delete")
	w.unless(e, w.options.DeletedAfter, e.ID+" is deleted", func() {
		w.enter(e, Deleted)
		for _, eni := range w.interfacesOf(e.ID) {
			w.interfaces.remove(eni.ID)
		}
		e.interfaces = nil
		w.removeNotifications(e.ID)
		w.unless(e, w.options.ForgottenAfter, e.ID+" is forgotten", func() { w.endpoints.remove(e.ID) })
	})
}

// close ends an endpoint's use of the service for good; its interfaces stay until it is deleted.
func (w *World) close(e *Endpoint, state State) {
	w.enter(e, state)
	e.Connected = false
}

func (w *World) interfacesOf(endpointID string) []*NetworkInterface {
	if e := w.endpoints.get(endpointID); e != nil {
		return slices.Clone(e.interfaces)
	}
	return nil
}

// visible returns an endpoint that the API shows the caller in the call's Region, else nil. AWS: EC2 is eventually consistent, so an endpoint may not
// be found just after it was created.
func (w *World) visible(call *wire.Call, id string) *Endpoint {
	e := w.endpoints.get(id)
	if e == nil || !w.sees(call, e.VPCID) || w.clock.Now().Before(e.visibleAt) {
		return nil
	}
	return e
}

// attach makes an endpoint's interface in a subnet.
func (w *World) attach(e *Endpoint, subnet *Subnet) error {
	eni, err := w.plug(subnet, e.GroupIDs)
	if err != nil {
		return err
	}
	eni.EndpointID, eni.Type, eni.Status = e.ID, "vpc_endpoint", "pending"
	eni.Description = "VPC Endpoint Interface " + e.ID
	if e.Connected {
		eni.Status = "in-use"
	}
	e.SubnetIDs, e.interfaces = append(e.SubnetIDs, subnet.ID), append(e.interfaces, eni)
	return nil
}
