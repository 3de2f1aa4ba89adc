// Observe looks at endpoints and services when woken, and reports on the bus what it saw.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.ObserveFunction) }
