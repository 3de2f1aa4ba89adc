// Package handlers lists the functions of Postern by their handler names, for running them in process. The names are those of the
// directories under lambdas/, and a test compares the two.
package handlers

import (
	"postern/internal/approval"
	"postern/internal/dns"
	"postern/internal/drift"
	"postern/internal/endpoint"
	"postern/internal/fleet"
	"postern/internal/notice"
	"postern/internal/offboard"
	"postern/internal/orphan"
	"postern/internal/page"
	"postern/internal/plan"
	"postern/internal/probe"
	"postern/internal/publish"
	"postern/internal/relay"
	"postern/internal/rollback"
	"postern/internal/step"
	"postern/internal/ticket"
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
		"relay-probe":     relay.Function,
		"configure-dns":   dns.Function,
		"publish-config":  publish.Function,
		"offboard":        offboard.Function,
		"rollback":        rollback.Function,
		"notify":          notice.Function,
		"comment":         ticket.Function,
		"drift-check":     drift.Function,
		"webhook":         webhook.Function,
		"sweep-orphans":   orphan.Function,
		"plan-fleet":      fleet.PlanFunction,
		"report-target":   fleet.ReportTargetFunction,
		"report-fleet":    fleet.ReportFunction,
		"widget":          page.Function,
	}
}
