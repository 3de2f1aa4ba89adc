// Drift-check compares every onboarded connection with what was verified, says what differs, and starts the repairs that were asked for.
package main

import (
	"postern/internal/step"
	"postern/internal/watch/drift"
)

func main() { step.Start(drift.Function) }
