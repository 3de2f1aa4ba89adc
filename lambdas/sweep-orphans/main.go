// Sweep-orphans looks for what Postern made and nobody answers for, and reports it.
package main

import (
	"postern/internal/orphan"
	"postern/internal/step"
)

func main() { step.Start(orphan.Function) }
