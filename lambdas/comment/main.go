// Comment tells a ticket what becomes of the connection that was asked for, each state once.
package main

import (
	"postern/internal/step"
	"postern/internal/ticket"
)

func main() { step.Start(ticket.Function) }
