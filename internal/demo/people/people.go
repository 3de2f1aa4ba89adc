// Package people plays the people of an onboarding on the embedded cloud: the operator who forwards each text to the vendor, and
// the person at the vendor who reads it, after some hours or never.
package people

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/sns"
)

// Behaviour is what the vendor does with what it is asked.
type Behaviour string

// The behaviours.
const (
	Approve Behaviour = "approve" // allow-lists, then accepts
	Reject  Behaviour = "reject"  // allow-lists, then rejects the endpoint
	Silent  Behaviour = "silent"  // never answers
	Expire  Behaviour = "expire"  // allow-lists, then lets the endpoint expire
	Fail    Behaviour = "fail"    // allow-lists; the endpoint fails
	Ignore  Behaviour = "ignore"  // allow-lists, then never answers
	Early   Behaviour = "early"   // allow-lists, then accepts before anybody waits for it
	Lost    Behaviour = "lost"    // allow-lists and accepts, but the notification is lost
	Slow    Behaviour = "slow"    // does nothing until it is reminded that four fifths of its time are over, then does all
	Deleted Behaviour = "deleted" // allow-lists; meanwhile another person deletes the endpoint manually
)

// Behaviours lists every behaviour.
var Behaviours = []Behaviour{Approve, Reject, Silent, Expire, Fail, Ignore, Early, Lost, Slow, Deleted}

// ParseBehaviour reads the name of a behaviour.
func ParseBehaviour(name string) (Behaviour, error) {
	if b := Behaviour(name); slices.Contains(Behaviours, b) {
		return b, nil
	}
	names := make([]string, len(Behaviours))
	for i, b := range Behaviours {
		names[i] = string(b)
	}
	return "", fmt.Errorf("the vendor cannot %q: it can %s", name, strings.Join(names, ", "))
}

// Vendor is the people at the vendors, all of one behaviour.
type Vendor struct {
	Behaviour Behaviour
	In        map[string]Behaviour            // another behaviour towards the endpoints of a VPC, by its id
	After     time.Duration                   // from the operators' mail to the answer, at each gate
	Tell      func(at time.Time, what string) // is called with what people do; nil is fine

	cloud *local.Cloud
}

// Join makes the vendor read the operators' mail. Call it once, before the cloud runs.
func (v *Vendor) Join(cloud *local.Cloud) {
	v.cloud = cloud
	cloud.Topics.OnMail(func(mail sns.Mail) {
		v.tell("mail to the operators: " + mail.Subject)
		if !v.reads(mail) {
			return
		}
		cloud.Clock.After(v.After, "the vendor's answer", func() { v.answer(mail.Body); v.list(mail.Body) })
	})
	switch v.Behaviour {
	case Early:
		cloud.World.OnRequest(func(service, endpointID string) { v.act(cloud.World.Vendor(service), endpointID) })
	case Lost:
		cloud.World.Configure(func(o *privatelink.Options) { o.LoseNotifications = true })
	}
}

// reads reports whether the vendor acts on a mail. What it was asked once it is asked again by reminders, which move only the slow.
func (v *Vendor) reads(mail sns.Mail) bool {
	if strings.HasPrefix(mail.Subject, "Postern drift") {
		return false // for the operators alone
	}
	reminder := strings.HasPrefix(mail.Subject, "Postern reminder: ")
	escalation := strings.HasPrefix(mail.Subject, "Postern escalation: ")
	switch v.Behaviour {
	case Silent:
		return false
	case Slow:
		return reminder && strings.Contains(mail.Body, "past 80 percent") || escalation
	default:
		return !reminder && !escalation
	}
}

// list puts the endpoints that the mail names on the list of a vendor who keeps one.
func (v *Vendor) list(mail string) {
	for _, e := range v.cloud.World.Endpoints() {
		service, _ := v.cloud.World.Service(e.ServiceName)
		if service.ListedOnly && slices.Contains(endpointID.FindAllString(mail, -1), e.ID) && v.Behaviour != Ignore {
			v.did(v.cloud.World.Vendor(service.Name).List(e.ID), e.ID+" is put on the vendor's list")
		}
	}
}

// accountID is an account's id in a text for a vendor, which names the one to allow-list.
var accountID = regexp.MustCompile(`\b\d{12}\b`)

var endpointID = regexp.MustCompile(`vpce-[0-9a-f]{8,17}\b`)

// answer does what the mail asks of the vendor whose service it names: an account that is not allow-listed is, an endpoint that
// waits gets its answer.
func (v *Vendor) answer(mail string) {
	account := v.cloud.World.AccountID()
	if named := accountID.FindString(mail); named != "" {
		account = named
	}
	for _, service := range v.cloud.World.Services() {
		if !concerns(mail, service.Name) {
			continue
		}
		vendor := v.cloud.World.Vendor(service.Name)
		if !slices.Contains(service.AllowedAccounts, account) && !slices.Contains(service.AllowedAccounts, "*") {
			v.did(vendor.Allow(account), "the vendor allow-lists account "+account)
		}
		for _, id := range vendor.Waiting() {
			v.act(vendor, id)
		}
	}
}

// concerns reports whether a mail is about a service: it names it, or leaves the name to Monte Carlo, which gives it with the
// allow-listing.
func concerns(mail, service string) bool {
	return strings.Contains(mail, service) ||
		service == world.MonteCarloService && strings.Contains(mail, "VPC endpoint service: (to be given by you)")
}

// towards is the behaviour towards an endpoint.
func (v *Vendor) towards(id string) Behaviour {
	endpoint, _ := v.cloud.World.Endpoint(id)
	if other, is := v.In[endpoint.VPCID]; is {
		return other
	}
	return v.Behaviour
}

func (v *Vendor) act(vendor *privatelink.Vendor, id string) {
	switch v.towards(id) {
	case Approve, Early, Slow:
		v.did(vendor.Accept(id), "the vendor accepts "+id)
	case Lost:
		v.did(vendor.Accept(id), "the vendor accepts "+id+", and the notification is lost")
	case Reject:
		v.did(vendor.Reject(id, "not a customer"), "the vendor rejects "+id)
	case Expire:
		v.did(vendor.Expire(id), id+" expires unanswered")
	case Fail:
		v.did(vendor.Fail(id, "InternalError", "the endpoint could not be connected"), id+" fails")
	case Deleted:
		v.did(v.cloud.World.DeleteByHand(id), "another person deletes "+id+" manually")
	case Ignore, Silent:
	}
}

func (v *Vendor) did(err error, what string) {
	if err != nil {
		what = err.Error()
	}
	v.tell(what)
}

func (v *Vendor) tell(what string) {
	if v.Tell != nil {
		v.Tell(v.cloud.Clock.Now(), what)
	}
}
