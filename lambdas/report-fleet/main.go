// Report-fleet says how all targets of a fleet ended; it calls nothing.
package main

import (
	"postern/internal/fleet"
	"postern/internal/step"
)

func main() { step.Start(fleet.ReportFunction) }
