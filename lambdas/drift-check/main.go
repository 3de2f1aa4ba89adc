// Drift-check compares every onboarded connection with what was verified, and says what differs.
package main

import (
	"postern/internal/drift"
	"postern/internal/step"
)

func main() { step.Start(drift.Function) }
