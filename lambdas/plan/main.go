// Plan reports every fault of a request at once and computes all that a run will do; it writes nothing.
package main

import (
	"postern/internal/plan"
	"postern/internal/step"
)

func main() { step.Start(plan.Function) }
