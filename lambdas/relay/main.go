// Relay-probe calls the probe of a network of another Region for the state machine, which reaches functions of its own Region only.
package main

import (
	"postern/internal/probe/relay"
	"postern/internal/step"
)

func main() { step.Start(relay.Function) }
