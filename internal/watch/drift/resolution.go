package drift

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"postern/internal/connection"
	"postern/internal/probe"
)

// Invoker calls functions; *lambda.Client satisfies it.
type Invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// expiry is how long before its end a certificate is a finding.
const expiry = 14 * 24 * time.Hour

// tries is how often a probe has to fail in one look: one lost packet is no drift.
const tries = 2

// resolve runs the network's probe as VerifyConnectivity does, and returns when the certificate expires that was shown; nil when
// none was.
func (c *Checker) resolve(ctx context.Context, ledger *connection.Ledger, at time.Time) (*time.Time, []connection.DriftAnswer) {
	var failure string
	for range tries {
		proof, failed, err := c.probe(ctx, ledger, at)
		switch {
		case err != nil:
			return nil, unknown(err, connection.CheckResolution)
		case failed == "" && proof.Verdict == connection.Pass:
			return proof.NotAfter, []connection.DriftAnswer{answer(connection.CheckResolution, true, "")}
		case failed == "":
			return nil, unknown(fmt.Errorf("the probe says %q", proof.Verdict), connection.CheckResolution)
		}
		failure = failed
	}
	return nil, []connection.DriftAnswer{answer(connection.CheckResolution, false, "%s", failure)}
}

// probe calls the probe once. Failed is what it says when the connection does not work; an error means that the probe could not
// find out.
//
// The probe of another Region is called by its network's role, any other by our own: these are the callers that it allows.
func (c *Checker) probe(ctx context.Context, ledger *connection.Ledger, at time.Time) (proof connection.Proof, failed string, err error) {
	plan := ledger.Plan
	function, access := plan.Probe.FunctionName, connection.Access{}
	if plan.Probe.RelayTo != "" {
		function, access = plan.Probe.RelayTo, plan.Network.Access()
	}
	payload, err := json.Marshal(probe.Input{Mode: probe.ModeHostname, Input: connection.Input{
		Execution: ledger.Execution, EnteredAt: at,
		State: connection.State{Plan: &plan, Endpoint: &ledger.Endpoint, Availability: &ledger.Availability},
	}})
	if err != nil {
		return proof, "", fmt.Errorf("writing the input of %s: %w", function, err)
	}
	out, err := c.Probes(access).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(function), Payload: payload})
	if err != nil {
		return proof, "", fmt.Errorf("invoking %s: %w", function, err)
	}
	if out.FunctionError == nil {
		if err := json.Unmarshal(out.Payload, &proof); err != nil {
			return proof, "", fmt.Errorf("reading what %s says: %w", function, err)
		}
		return proof, "", nil
	}
	var said messages.InvokeResponse_Error
	if err := json.Unmarshal(out.Payload, &said); err != nil || said.Type != connection.ConnectivityFailed {
		return proof, "", fmt.Errorf("%s could not be run: %s: %s", function, said.Type, said.Message)
	}
	return proof, said.Message, nil
}

// certificate judges the certificate that was seen last. While the connection does not work no client gets one: an
// earlier good one proves nothing now, and the check of the resolution says what is wrong.
func certificate(notAfter *time.Time, resolution []connection.DriftAnswer, at time.Time) []connection.DriftAnswer {
	if notAfter == nil {
		return nil // no TLS is spoken
	}
	check := connection.CheckCertificate
	switch {
	case notAfter.Sub(at) < expiry:
		return []connection.DriftAnswer{answer(check, false, "the vendor's certificate expires on %s",
			notAfter.UTC().Format("2006-01-02 15:04 UTC"))}
	case resolution[0].Result == connection.DriftOK:
		return []connection.DriftAnswer{answer(check, true, "")}
	case resolution[0].Result == connection.DriftUnknown:
		return []connection.DriftAnswer{{Check: check, Result: connection.DriftUnknown, Detail: resolution[0].Detail}}
	}
	return nil
}
