package main

import (
	"encoding/json"
	"fmt"
	"time"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/proof/handlers"
)

// templatePath is the golden template, from the project's root.
const templatePath = "infra/testdata/postern.template.json"

// scenario is one story that ends well when nothing goes wrong.
type scenario struct {
	name    string
	vendor  people.Behaviour
	before  []byte // a request that runs undisturbed first, or nil
	request []byte
	end     string // the last state without a fault
	// prepare changes the account before anything runs, and what happens in it; nil for none.
	prepare func(*local.Cloud)
	byHand  bool // the endpoint was created manually before
	// damage is done to what before onboarded, in the place of a request: the drift check finds it, and has it repaired.
	damage string
}

// answered is how long the people at the vendor take, at each gate.
const answered = 40 * time.Minute

func scenarios() []scenario {
	onboard := events.Read("onboard.monte-carlo.json")
	return []scenario{
		{name: "Monte Carlo, both gates", vendor: people.Approve, request: onboard, end: "Onboarded"},
		{name: "EngFlow, live cut-over", vendor: people.Approve, request: events.Read("onboard.engflow.json"), end: "Onboarded"},
		{name: "security group of ours", vendor: people.Approve, request: withoutGroups(onboard), end: "Onboarded"},
		{name: "onboarded again", vendor: people.Approve, before: onboard, request: onboard, end: "Onboarded"},
		{name: "rejected", vendor: people.Reject, request: withoutGroups(onboard), end: failedClean},
		{name: "rejected live cut-over", vendor: people.Reject, request: events.Read("onboard.engflow.json"), end: failedClean},
		{name: "deleted manually", vendor: people.Deleted, request: onboard, end: failedClean},
		{name: "offboarded", vendor: people.Approve, before: withoutGroups(onboard), request: events.Read("offboard.monte-carlo.json"),
			end: "Offboarded"},
		{name: "created manually, adopted", vendor: people.Approve, request: events.Read("onboard.monte-carlo.adopt.json"), end: "Onboarded",
			byHand: true},
		{name: "created manually, released", vendor: people.Approve, before: events.Read("onboard.monte-carlo.adopt.json"),
			request: events.Read("offboard.monte-carlo.json"), end: "Offboarded", byHand: true},
		{name: "record repaired", vendor: people.Approve, before: repairing(onboard, connection.CheckRecord), damage: "record-deleted",
			end: "Onboarded"},
	}
}

// withoutGroups is a request whose security group is made for it.
func withoutGroups(raw []byte) []byte {
	return changed(raw, func(request map[string]any) { delete(request["target"].(map[string]any), "securityGroupIds") })
}

// repairing is a request whose drift of one check is to be repaired.
func repairing(raw []byte, check connection.DriftCheck) []byte {
	return changed(raw, func(request map[string]any) {
		request["drift"] = connection.DriftPolicyOf{check: connection.PolicyRepair}
	})
}

// changed is a sample with a change.
func changed(raw []byte, change func(request map[string]any)) []byte {
	var request map[string]any
	if err := json.Unmarshal(raw, &request); err != nil {
		panic(err) // a sample of ours
	}
	change(request)
	out, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return out
}

// open deploys the template into an account that has things of others in it.
func (s scenario) open(template []byte) (*local.Cloud, error) {
	c, err := world.Open(local.Config{Template: template, Functions: handlers.InProcess()})
	if err != nil {
		return nil, fmt.Errorf("opening the embedded cloud: %w", err)
	}
	c.World.AddSecurityGroup(privatelink.SecurityGroup{ID: "sg-0123456789abcdef0", VPCID: world.VPC, Name: "other-team"})
	c.Zones.AddZone(route53.Zone{
		Name: "corp.example", Private: true, VPCs: []route53.VPC{{ID: world.VPC, Region: world.Region}},
		Records: []route53.Record{{Name: "db.corp.example.", Type: "A", TTL: 60, Values: []string{"10.20.1.9"}}},
	})
	if err := c.Parameters.PutByHand("/other-team/value", "value"); err != nil {
		return nil, err
	}
	if s.byHand {
		if _, err := people.MakeByHand(c, people.HandMade); err != nil {
			return nil, err
		}
	}
	(&people.Vendor{Behaviour: s.vendor, After: answered}).Join(c)
	if s.prepare != nil {
		s.prepare(c)
	}
	return c, nil
}
