// Webhook takes deliveries of ticket systems and starts executions.
package main

import (
	"postern/internal/step"
	"postern/internal/webhook"
)

func main() { step.Start(webhook.Function) }
