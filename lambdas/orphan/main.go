// Sweep-orphans looks for what Postern made and nobody answers for, and reports it.
package main

import (
	"postern/internal/step"
	"postern/internal/watch/orphan"
)

func main() { step.Start(orphan.Function) }
