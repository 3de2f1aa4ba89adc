// Acknowledge hears operators: the vendor confirmed, or the connection is given up.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.AcknowledgeFunction) }
