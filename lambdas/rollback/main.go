// Rollback undoes what an execution made, newest first, and says in words what happened.
package main

import (
	"postern/internal/remove/rollback"
	"postern/internal/step"
)

func main() { step.Start(rollback.Function) }
