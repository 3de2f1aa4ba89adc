// Notify mails the operators: what to send to the vendor, reminders, what has drifted, and what is nobody's.
package main

import (
	"postern/internal/notify/mail"
	"postern/internal/step"
)

func main() { step.Start(mail.Function) }
