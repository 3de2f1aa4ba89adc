// Publish-config writes the SSM parameters that agents read, and ends the connection's record.
package main

import (
	"postern/internal/publish"
	"postern/internal/step"
)

func main() { step.Start(publish.Function) }
