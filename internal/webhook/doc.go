// Package webhook is the door for ticket systems: it checks who sent a delivery, maps the ticket to a request, and starts the
// execution. What a ticket says is untrusted even when its signature is right: a signature proves the sender, not the author.
//
// Each source (sources/*.yaml) is data: how its deliveries are signed, which field of the ticket is which field of the request,
// and which status or label asks for what. Nothing is written but the execution, whose name follows from the connection, the
// ticket's change and what it asks: a delivery that comes a thousand times starts one, and the next change of the ticket another.
package webhook
