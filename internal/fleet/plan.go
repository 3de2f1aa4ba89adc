package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/internal/connection"
)

// Mode is how the targets are gone through.
type Mode string

// The modes. AWS: an inline Map runs 40 iterations at a time and shares the execution's history of 25,000 events; a distributed
// one has executions of its own.
const (
	Inline      Mode = "inline"
	Distributed Mode = "distributed"

	maxInline = 40
)

// maxPlan is the most bytes of a plan. AWS: 262,144 for the state of an execution, with what the machine puts around it.
const maxPlan = 256_000

// Plan is which executions of the postern machine to start. What the requests have in common is there once: the machine merges it
// with each item's own, so that many targets fit the state of one execution.
type Plan struct {
	Mode       Mode           `json:"mode"`
	Shared     map[string]any `json:"shared"`     // of every request
	Executions string         `json:"executions"` // ARN of an execution without its name
	Items      []Item         `json:"items"`
}

// Item is one execution to start.
type Item struct {
	Execution string         `json:"execution"` // its name
	Request   map[string]any `json:"request"`   // what it has besides the shared
}

// Make makes the plan. The error is connection.Faults with every fault of the request.
func Make(in Input, networks connection.Networks) (Plan, error) {
	request, err := connection.DecodeFleetRequest(in.Request)
	var faults connection.Faults
	if err != nil && !errors.As(err, &faults) {
		return Plan{}, err
	}
	names := name(request, networks, &faults)
	if len(faults) > 0 {
		return Plan{}, faults
	}
	plan := Plan{Mode: Inline, Executions: strings.Replace(in.Machine, ":stateMachine:", ":execution:", 1)}
	if len(names) > maxInline {
		plan.Mode = Distributed
	}
	for i, name := range names {
		one := request.Request(i, name)
		one.StartedBy = in.Execution
		shared, own := split(one)
		if len(request.Targets[i].Inputs) > 0 {
			own["inputs"] = one.Inputs
		}
		if plan.Shared == nil {
			plan.Shared = shared
			if len(request.Inputs) > 0 {
				plan.Shared["inputs"] = request.Inputs
			}
		}
		plan.Items = append(plan.Items, Item{Execution: connection.ExecutionName(one.ConnectionID(), in.Execution), Request: own})
	}
	return plan, plan.checkSize()
}

// name gives each target the name of its connection.
func name(request connection.FleetRequest, networks connection.Networks, faults *connection.Faults) []string {
	names, seen := make([]string, len(request.Targets)), map[string]int{}
	for i, target := range request.Targets {
		path := fmt.Sprintf("targets[%d]", i)
		if faults.Within(path+".region") || faults.Within(path+".vpcId") || faults.Within(path+".name") || faults.Covers("name") {
			continue
		}
		network, registered := networks.Find(target.Region, target.VPCID)
		if !registered {
			faults.Addf(path+".vpcId", known(networks), "%s in %s is not a registered network", target.VPCID, target.Region)
			continue
		}
		names[i] = target.Name
		if names[i] == "" {
			names[i] = request.Name + "-" + network.Name
		}
		if len(names[i]) > connection.MaxName {
			faults.Addf(path+".name", "give the target a name of its own", "%s is longer than %d characters", names[i], connection.MaxName)
		}
		if first, twice := seen[names[i]]; twice {
			faults.Addf(path, "name each VPC once, or give the target a name of its own",
				"its connection would be %s, as that of targets[%d]", names[i], first)
			continue
		}
		seen[names[i]] = i
	}
	return names
}

func known(networks connection.Networks) string {
	names := make([]string, len(networks))
	for i, network := range networks {
		names[i] = fmt.Sprintf("%s in %s (%s)", network.VPCID, network.Region, network.Name)
	}
	return "use one of " + strings.Join(names, ", ") + ", or register it in the postern block of cdk.json and deploy"
}

// own are the fields of a request in which targets differ.
var own = []string{"name", "target"}

// split parts a request, as JSON, into what all of a fleet share and what is its own. Inputs are in neither.
func split(request connection.Request) (shared, differing map[string]any) {
	raw, err := json.Marshal(request)
	if err == nil {
		err = json.Unmarshal(raw, &shared)
	}
	if err != nil {
		panic(err) // texts and a number
	}
	delete(shared, "inputs")
	differing = maps.Clone(shared)
	maps.DeleteFunc(differing, func(field string, _ any) bool { return !slices.Contains(own, field) })
	maps.DeleteFunc(shared, func(field string, _ any) bool { return slices.Contains(own, field) })
	return shared, differing
}

func (p Plan) checkSize() error {
	raw, err := json.Marshal(p)
	if err == nil && len(raw) > maxPlan {
		var faults connection.Faults
		faults.Addf("targets", "send them as two requests", "the plan for %d targets is %d bytes, more than the %d of one execution",
			len(p.Items), len(raw), maxPlan)
		return faults
	}
	return err
}
