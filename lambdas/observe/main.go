// Observe looks at endpoints and services when woken, and says on the bus what it saw.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.ObserveFunction) }
