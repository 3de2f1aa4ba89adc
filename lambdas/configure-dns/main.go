// Configure-dns makes the vendor's name resolve to the endpoint.
package main

import (
	"postern/internal/dns"
	"postern/internal/step"
)

func main() { step.Start(dns.Function) }
