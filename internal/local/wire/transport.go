package wire

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Transport returns an http.RoundTripper that hands requests to the server in memory, without a socket.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

// RoundTrip answers r, or returns io.ErrUnexpectedEOF where the server closes the connection without an answer.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	a := t.server.serve(r)
	if a == nil {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

type lateKey struct{}

// Late says in a request's context that its caller has waited for d since its invocation began. Simulated time stands still while
// a function runs, so what it waits between tries is counted and not slept.
func Late(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, lateKey{}, d)
}

func late(ctx context.Context) time.Duration {
	d, _ := ctx.Value(lateKey{}).(time.Duration)
	return d
}

// AWS returns an SDK configuration whose clients call the server in memory with an access key. Its retries never sleep: waiting
// would cost wall time and change nothing, since simulated time stands still during a call.
func (s *Server) AWS(accessKeyID string) aws.Config { return s.AWSOver(accessKeyID, s.Transport()) }

// AWSOver is AWS with a transport around the server's own.
func (s *Server) AWSOver(accessKeyID string, transport http.RoundTripper) aws.Config {
	return aws.Config{
		Region: s.config.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKeyID, SecretAccessKey: "embedded", Source: "simulation"}, nil
		}),
		HTTPClient:   &http.Client{Transport: transport},
		BaseEndpoint: aws.String("http://aws.embedded"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff, o.Backoff = 0, noDelay{} })
		},
	}
}

type noDelay struct{}

// BackoffDelay is no delay.
func (noDelay) BackoffDelay(int, error) (time.Duration, error) { return 0, nil }
