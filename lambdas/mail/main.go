// Mail mails the operators: texts for vendors, reminders, drift, and orphaned resources.
package main

import (
	"postern/internal/notify/mail"
	"postern/internal/step"
)

func main() { step.Start(mail.Function) }
