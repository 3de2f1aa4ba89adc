package connection

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxTargets is how many targets one fleet request has at most: their results must fit the state of one execution (AWS: 262,144
// bytes).
const MaxTargets = 500

// FleetActions lists the actions that a fleet takes.
var FleetActions = []Action{ActionOnboard, ActionPlan}

// FleetRequest is the input of the fleet's state machine: one connection for each target, which are otherwise alike.
type FleetRequest struct {
	SchemaVersion int    `json:"schemaVersion"`
	Action        Action `json:"action"`
	Vendor        string `json:"vendor"`
	// Name begins the names of the connections: name-network. See Request.
	Name      string            `json:"name"`
	Targets   []FleetTarget     `json:"targets"`
	Inputs    map[string]string `json:"inputs,omitempty"`
	Options   map[string]string `json:"options,omitempty"`
	Cutover   bool              `json:"cutover,omitempty"`
	Drift     DriftPolicyOf     `json:"drift,omitempty"`
	Ticket    *Ticket           `json:"ticket,omitempty"`
	Requester string            `json:"requester,omitempty"`
}

// FleetTarget is a target of a fleet, and what is other there.
type FleetTarget struct {
	Target
	// Name is the connection's name, instead of the one made of the fleet's name and the network's.
	Name string `json:"name,omitempty"`
	// AdoptEndpointID is an endpoint of this target's VPC that was created manually. See Request.
	AdoptEndpointID string `json:"adoptEndpointId,omitempty"`
	// Inputs are used instead of the fleet's of the same name, such as the service of another Region.
	Inputs map[string]string `json:"inputs,omitempty"`
}

// DecodeFleetRequest decodes and checks a fleet request as DecodeRequest does a request.
func DecodeFleetRequest(raw []byte) (FleetRequest, error) {
	return decodeChecked[FleetRequest](raw)
}

func (r FleetRequest) check() Faults {
	var faults Faults
	common := r.request(FleetTarget{Name: r.Name})
	if !slices.Contains(FleetActions, r.Action) {
		faults.Addf("action", "write one of "+joined(FleetActions)+"; other actions take one connection at a time",
			"%q is not an action for several targets", clip(string(r.Action)))
		common.Action = ActionOnboard
	}
	for _, fault := range common.check() {
		if !within(fault.Path, "target") {
			faults = append(faults, fault)
		}
	}
	if n := len(r.Targets); n == 0 || n > MaxTargets {
		faults.Addf("targets", fmt.Sprintf("write 1 to %d targets, each as a request's target", MaxTargets), "%d targets", n)
	}
	for i, target := range r.Targets {
		path := index("targets", i)
		var own Faults
		target.check(&own)
		for _, fault := range own {
			fault.Path = path + strings.TrimPrefix(fault.Path, "target")
			faults = append(faults, fault)
		}
		if target.Name != "" && !namePattern.MatchString(target.Name) {
			faults.Addf(path+".name", "write 1 to 40 of a-z, 0-9 and '-', or leave it out", "%q is not a connection name",
				clip(target.Name))
		}
		checkEndpointID(&faults, path+".adoptEndpointId", target.AdoptEndpointID)
		checkText(&faults, path+".inputs", target.Inputs)
	}
	return faults
}

// request is what one target asks of the postern machine. Its inputs are the fleet's.
func (r FleetRequest) request(target FleetTarget) Request {
	return Request{
		SchemaVersion: r.SchemaVersion, Action: r.Action, Vendor: r.Vendor, Name: target.Name, Target: target.Target, Inputs: r.Inputs,
		Options: r.Options, Cutover: r.Cutover, Drift: r.Drift, AdoptEndpointID: target.AdoptEndpointID, Ticket: r.Ticket,
		Requester: r.Requester,
	}
}

// Request returns what one target asks of the postern machine, under a connection's name.
func (r FleetRequest) Request(i int, name string) Request {
	target := r.Targets[i]
	target.Name = name
	one := r.request(target)
	if len(target.Inputs) > 0 {
		one.Inputs = map[string]string{}
		maps.Copy(one.Inputs, r.Inputs)
		maps.Copy(one.Inputs, target.Inputs)
	}
	return one
}
