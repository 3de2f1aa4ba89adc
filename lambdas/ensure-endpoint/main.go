// Ensure-endpoint makes or adopts the interface endpoint and its connection notification.
package main

import (
	"postern/internal/endpoint"
	"postern/internal/step"
)

func main() { step.Start(endpoint.EnsureFunction) }
