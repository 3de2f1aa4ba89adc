package world

import (
	"cmp"
	"encoding/json"

	"postern/internal/demo/tickets"
	"postern/internal/local"
	"postern/internal/local/clock"
	"postern/internal/step"
)

// Open deploys Postern's template on the simulator, with the world of New unless the configuration has another, and with the ticket
// systems. The caller closes the cloud.
func Open(config local.Config) (*local.Cloud, error) {
	config.StackName = cmp.Or(config.StackName, "Postern")
	if config.World == nil {
		config.World = New
	}
	config.Machine = machine
	config.Shared = []string{"postern-drift"}
	config.ResolverVariable, config.GatewayVariable = step.EnvResolver, step.EnvGateway
	config.Outside = func(c *clock.Clock) (local.Outside, error) {
		systems, err := tickets.New(c.Now)
		if err != nil {
			return nil, err
		}
		return outside{systems}, nil
	}
	return local.Open(config)
}

// Tickets returns the ticket systems of a cloud that Open opened.
func Tickets(c *local.Cloud) *tickets.Systems { return c.Outside.(outside).Systems }

// outside is the ticket systems, as the simulator starts and closes them.
type outside struct{ *tickets.Systems }

// Environment tells the functions the address of the ticket systems.
func (o outside) Environment() map[string]string {
	return map[string]string{step.EnvTickets: o.Address()}
}

// machine is the name of the state machine for an input: a request with targets is a fleet's.
func machine(input []byte) string {
	var fleet struct{ Targets []any }
	if json.Unmarshal(input, &fleet) == nil && fleet.Targets != nil {
		return "postern-fleet"
	}
	return "postern"
}
