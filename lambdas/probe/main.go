// Probe proves the link from inside the VPC: name, TCP and TLS. It is deployed once for each network.
package main

import (
	"postern/internal/probe"
	"postern/internal/step"
)

func main() { step.Start(probe.Function) }
