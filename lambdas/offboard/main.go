// Offboard removes a connection: what agents read, its names, its endpoint, its security group.
package main

import (
	"postern/internal/remove/offboard"
	"postern/internal/step"
)

func main() { step.Start(offboard.Function) }
