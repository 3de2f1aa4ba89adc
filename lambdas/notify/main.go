// Notify mails the operators what to send to the vendor, once for each execution and gate.
package main

import (
	"postern/internal/notice"
	"postern/internal/step"
)

func main() { step.Start(notice.Function) }
