// Await-gate stores a task token, looks once, and reports on the bus what to send to the vendor.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.AwaitGateFunction) }
