// Await-gate stores a task token, looks once, and tells the operators what to send to the vendor.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.AwaitGateFunction) }
