// Resume sends the task token of a wait that has ended; it alone may.
package main

import (
	"postern/internal/approval"
	"postern/internal/step"
)

func main() { step.Start(approval.ResumeFunction) }
