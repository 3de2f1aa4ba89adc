// Fleet makes one request for each target of a fleet, and reports how the targets ended. It calls nothing.
package main

import (
	"postern/internal/fleet"
	"postern/internal/step"
)

func main() { step.Start(fleet.Function) }
