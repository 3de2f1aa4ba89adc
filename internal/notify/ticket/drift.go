package ticket

import (
	"fmt"
	"time"

	"postern/internal/connection"
	"postern/internal/watch/remedy"
)

// The states of drift that a ticket is told.
const (
	stateDrift    = "drift"
	stateFlapping = "drift-flapping"
	stateMended   = "drift-closed"
)

// drift tells a finding once while it lasts, that repairs of it were given up, and that it is over. A check that could
// not run is no news for a ticket, and neither is what the request wants reported only.
func drift(n connection.DriftNotice) (*news, error) {
	f := n.Finding
	if n.Policy == connection.PolicyReport || f.Result != connection.DriftFound {
		return nil, nil
	}
	info, _ := f.Check.Info()
	c := Comment{State: stateDrift, Head: fmt.Sprintf("The connection has drifted: %s (%s)", f.Check, n.Severity)}
	next := "Next: " + remedy.Of(f) + " Action diagnose tells whether the link works."
	switch {
	case n.Status == connection.DriftClosed:
		c = Comment{State: stateMended, Head: fmt.Sprintf("Drift is over: %s is as it was verified", f.Check)}
		next = "Nothing is left to do."
	case n.Status == connection.DriftFlapping:
		c = Comment{State: stateFlapping, Head: fmt.Sprintf("%s drifts again after each repair: it is not repaired any more", f.Check)}
		next = "Next: see how the last repair ended; if it went well, find out who needs it the other way. Postern tries again a day after the first of the three repairs."
	case f.Repair != "":
		next = "Next: a repair was started; this ticket is told when the next check finds it in order."
	}
	facts := facts{}
	facts.add("Connection", n.ConnectionID)
	facts.add("Endpoint", n.EndpointID)
	facts.add("What is checked", info.What)
	if n.Status != connection.DriftClosed {
		facts.add("What is found", f.Detail)
		facts.add("Changed by, as CloudTrail says", f.By)
	}
	facts.add("Since", f.Since.UTC().Format(time.RFC3339))
	c.Blocks = []Block{{Items: facts}, {Text: next}}
	if link := connection.ConsoleLink(f.Repair); link != "" {
		c.Blocks = append(c.Blocks, Block{Text: "The repair, for operators", Link: link})
	}
	return &news{connectionID: n.ConnectionID, ticket: ticketOf(n.Ticket),
		scope: []string{string(f.Check), f.Since.UTC().Format(time.RFC3339Nano)}, comment: c}, nil
}
