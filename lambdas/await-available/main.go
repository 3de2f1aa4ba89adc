// Await-available reads the endpoint once; the state machine's Retry is its loop.
package main

import (
	"postern/internal/endpoint"
	"postern/internal/step"
)

func main() { step.Start(endpoint.AwaitAvailableFunction) }
