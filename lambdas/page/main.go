// Widget shows every connection on a CloudWatch dashboard.
package main

import (
	"postern/internal/page"
	"postern/internal/step"
)

func main() { step.Start(page.Function) }
