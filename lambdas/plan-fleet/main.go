// Plan-fleet makes one request for each target of a fleet; it calls nothing.
package main

import (
	"postern/internal/fleet"
	"postern/internal/step"
)

func main() { step.Start(fleet.PlanFunction) }
