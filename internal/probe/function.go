package probe

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"postern/internal/step"
)

// Function builds probe: Input in, connection.Proof or, for ModeDiagnose, connection.Diagnosis out.
func Function(r step.Runtime) (lambda.Handler, error) {
	resolver, err := newResolver(r.Env.Optional(step.EnvResolver, ""))
	if err != nil {
		return nil, err
	}
	roots, err := rootsOf(r.Env.Optional("SSL_CERT_FILE", ""))
	if err != nil {
		return nil, err
	}
	network := vpc{resolver: resolver, gateway: r.Env.Optional(step.EnvGateway, "")}
	prober := New(network, roots)
	return step.Handle(r.Log, func(ctx context.Context, in Input) (any, error) {
		if in.Mode == ModeDiagnose {
			return prober.Diagnose(ctx, in)
		}
		return prober.Probe(ctx, in)
	}), nil
}

// rootsOf returns the certificates in a file, or nil when none is named: the system's, which crypto/tls reads at the first
// handshake and not at every cold start. The variable is read here and not by crypto/x509, which sees only the process's own
// environment.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the stack names the file, no request does
	if err != nil {
		return nil, fmt.Errorf("reading the trusted certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the trusted certificates: %s holds none", file)
	}
	return pool, nil
}
