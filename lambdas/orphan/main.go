// Orphan looks for orphaned resources, and reports them.
package main

import (
	"postern/internal/step"
	"postern/internal/watch/orphan"
)

func main() { step.Start(orphan.Function) }
