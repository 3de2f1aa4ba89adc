// Ticket comments on a ticket what becomes of its connection, each state once.
package main

import (
	"postern/internal/notify/ticket"
	"postern/internal/step"
)

func main() { step.Start(ticket.Function) }
