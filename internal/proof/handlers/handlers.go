// Package handlers lists the functions of Postern by their handler names, for running them in process. The names are those of the
// directories under lambdas/, and a test compares the two.
package handlers

import (
	"postern/internal/approval"
	"postern/internal/dns"
	"postern/internal/endpoint"
	"postern/internal/fleet"
	"postern/internal/notify/mail"
	"postern/internal/notify/ticket"
	"postern/internal/page"
	"postern/internal/plan"
	"postern/internal/probe"
	"postern/internal/probe/relay"
	"postern/internal/publish"
	"postern/internal/remove/offboard"
	"postern/internal/remove/rollback"
	"postern/internal/step"
	"postern/internal/watch/drift"
	"postern/internal/watch/orphan"
	"postern/internal/webhook"
)

// All returns the constructor of every function.
func All() map[string]step.Function {
	return map[string]step.Function{
		"plan":            plan.Function,
		"ensure-endpoint": endpoint.EnsureFunction,
		"await-gate":      approval.AwaitGateFunction,
		"acknowledge":     approval.AcknowledgeFunction,
		"observe":         approval.ObserveFunction,
		"resume":          approval.ResumeFunction,
		"await-available": endpoint.AwaitAvailableFunction,
		"probe":           probe.Function,
		"relay":           relay.Function,
		"configure-dns":   dns.Function,
		"publish-config":  publish.Function,
		"offboard":        offboard.Function,
		"rollback":        rollback.Function,
		"mail":            mail.Function,
		"ticket":          ticket.Function,
		"drift":           drift.Function,
		"webhook":         webhook.Function,
		"orphan":          orphan.Function,
		"fleet":           fleet.Function,
		"page":            page.Function,
	}
}
