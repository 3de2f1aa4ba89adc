package connection

import "time"

// ProbePlan is how the link is verified from inside the VPC.
type ProbePlan struct {
	// FunctionName is what the state machine calls: the probe function of the registered network, or the relay to it.
	FunctionName string `json:"functionName"`
	// RelayTo is the ARN of the probe function that the relay calls; "" for a network of the stack's Region.
	RelayTo  string   `json:"relayTo,omitempty"`
	Ports    []int    `json:"ports"`
	TLSPorts []int    `json:"tlsPorts"`       // ports on which TLS is spoken
	ALPN     []string `json:"alpn,omitempty"` // protocols that must be negotiated, such as h2
	SNI      string   `json:"sni"`
}

// Verdict is the result of one check. A check that was not run is Unknown, never a pass.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Unknown Verdict = "unknown"
)

// Proof is what a probe saw from inside the VPC. It is the section of both ProbeEndpoint and VerifyConnectivity.
type Proof struct {
	Verdict   Verdict   `json:"verdict"`
	At        time.Time `json:"at"`
	Host      string    `json:"host"`      // the name that was tried
	Chain     []string  `json:"chain"`     // names passed on the way to the addresses, CNAMEs included
	Addresses []string  `json:"addresses"` // what the name resolved to
	Checks    []Check   `json:"checks"`
	// NotAfter is when the vendor's certificate expires.
	NotAfter *time.Time `json:"notAfter"`
}

// Check is one thing a probe tried.
type Check struct {
	Kind    string  `json:"kind"`   // dns, tcp, tls, alpn
	Target  string  `json:"target"` // name or address:port
	Verdict Verdict `json:"verdict"`
	Cause   string  `json:"cause,omitempty"`  // dns, security-group, network, vendor-allowlist, tls
	Detail  string  `json:"detail,omitempty"` // for people
}
