package connection

import "slices"

// Repair is what a request of ActionRepair asks for.
type Repair struct {
	// Checks are what has drifted and must be repaired; everything else is left as it is.
	Checks []DriftCheck `json:"checks"`
}

func (r Repair) check(faults *Faults) {
	var repairable []DriftCheck
	for _, info := range DriftChecks {
		if info.Repairable {
			repairable = append(repairable, info.Check)
		}
	}
	if len(r.Checks) == 0 {
		faults.Add("repair.checks", "missing", "write one or more of "+joined(repairable))
	}
	for i, check := range r.Checks {
		switch {
		case !slices.Contains(repairable, check):
			faults.Addf(index("repair.checks", i), "write one of "+joined(repairable), "Postern cannot repair %q", clip(string(check)))
		case slices.Contains(r.Checks[:i], check):
			faults.Addf(index("repair.checks", i), "write each check once", "%s is repeated", check)
		}
	}
}

// RepairPlan makes an onboarding's plan a repair's. The steps are the same; each changes only what is named here, and none replaces
// the endpoint.
type RepairPlan struct {
	Checks []DriftCheck `json:"checks"`
	// Endpoint is that of the ledger, and Execution the ARN of the one that wrote it.
	Endpoint  Endpoint `json:"endpoint"`
	Execution string   `json:"execution"`
	// Ticket is the key of the ticket that the ledger names, "" for none: the connection still belongs to it when the repair begins.
	Ticket string `json:"ticket,omitempty"`
	// DNS and Config are those of the ledger, which stay when nothing of them is repaired.
	DNS    DNS    `json:"dns"`
	Config Config `json:"config"`
}

// Names reports whether the plan changes what one of checks looks at: any onboarding does, a repair when it names it.
func (p Plan) Names(checks ...DriftCheck) bool {
	return p.Repair == nil || slices.ContainsFunc(checks, func(c DriftCheck) bool { return slices.Contains(p.Repair.Checks, c) })
}
