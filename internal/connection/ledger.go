package connection

import (
	"slices"
	"time"
)

// Ledger is what is known about an onboarded connection: its plan, what was made, and what was there before. The execution's last
// write contains it, and it outlives the execution; offboarding and the drift check read nothing else of the past. Once released,
// fields are added, never renamed or retyped.
type Ledger struct {
	SchemaVersion int       `json:"schemaVersion"`
	At            time.Time `json:"at"`        // when it was written
	Execution     string    `json:"execution"` // ARN of the execution that wrote it
	// Plan is the plan without what is for people only: texts, findings, actions.
	Plan         Plan         `json:"plan"`
	Endpoint     Endpoint     `json:"endpoint"`
	Availability Availability `json:"availability"`
	DNS          DNS          `json:"dns"`
	Verification Proof        `json:"verification"`
	// Config's parameters have in PreviousVersion the version before the first onboarding of the connection.
	Config Config `json:"config"`
	// Open says that the security groups which the request named allow any client: the plan warned of it.
	Open bool `json:"open,omitempty"`
}

// NewLedger returns the ledger of an execution that published config. Earlier is the connection's ledger before, or nil.
func NewLedger(in Input, config Config, earlier *Ledger) Ledger {
	ledger := Ledger{SchemaVersion: SchemaVersion, At: in.EnteredAt, Execution: in.Execution, Config: config}
	state := in.State
	if state.Plan != nil {
		ledger.Plan = *state.Plan
	}
	for _, gate := range []*GatePlan{&ledger.Plan.Gates.Allowlist, &ledger.Plan.Gates.Approval} {
		gate.To, gate.Subject, gate.Body = "", "", ""
	}
	ledger.Plan.Repair, ledger.Plan.TakenFrom = nil, time.Time{}
	ledger.Open = slices.ContainsFunc(ledger.Plan.Findings, func(f Finding) bool { return f.Code == FindingOpen })
	ledger.Plan.Findings, ledger.Plan.Creates, ledger.Plan.ClientActions = nil, nil, nil
	if state.Endpoint != nil {
		ledger.Endpoint = *state.Endpoint
	}
	if state.Availability != nil {
		ledger.Availability = *state.Availability
	}
	if state.DNS != nil {
		ledger.DNS = *state.DNS
	}
	if state.Verification != nil {
		ledger.Verification = *state.Verification
	}
	if earlier != nil {
		ledger.Config = config.after(earlier.Config)
	}
	return ledger
}

// Continues reports whether some parameter existed before, so that only an earlier ledger knows what was there at first.
func (c Config) Continues() bool {
	for _, parameter := range c.Parameters {
		if !parameter.Changed || parameter.PreviousVersion > 0 {
			return true
		}
	}
	return false
}

// Over returns an earlier configuration with what was published since.
func (c Config) Over(earlier Config) Config {
	all := c.after(earlier)
	for _, parameter := range earlier.Parameters {
		if !slices.ContainsFunc(c.Parameters, func(p Parameter) bool { return p.Name == parameter.Name }) {
			all.Parameters = append(all.Parameters, parameter)
		}
	}
	return all
}

// after carries over the versions before the connection's first onboarding.
func (c Config) after(earlier Config) Config {
	known := map[string]Parameter{}
	for _, parameter := range earlier.Parameters {
		known[parameter.Name] = parameter
	}
	parameters := make([]Parameter, len(c.Parameters))
	for i, parameter := range c.Parameters {
		if before, ok := known[parameter.Name]; ok {
			parameter.PreviousVersion = before.PreviousVersion
			parameter.Changed = before.Changed || parameter.Changed
		}
		parameters[i] = parameter
	}
	return Config{Parameters: parameters}
}
