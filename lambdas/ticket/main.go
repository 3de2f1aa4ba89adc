// Comment tells a ticket what becomes of the connection that was asked for, each state once.
package main

import (
	"postern/internal/notify/ticket"
	"postern/internal/step"
)

func main() { step.Start(ticket.Function) }
