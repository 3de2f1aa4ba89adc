// Package moto deploys the stack to moto, an independent simulation of AWS, and runs it there: a second check in addition to the
// embedded cloud. The CDK command line bootstraps and deploys; moto creates the resources, interprets the state machine, and keeps
// tables, topics, zones and parameters. The functions are the same executables as everywhere. What moto lacks, a gateway adds: it
// runs the functions, is PrivateLink and the inside of the VPC with packages of the embedded cloud, and delivers events and
// messages by the rules as moto deployed them. internal/local/fidelity.md says what this proves and what it does not.
package moto

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrMissing says that moto is not on this machine.
var ErrMissing = errors.New("moto is not installed: pip install 'moto[server]==5.2.1'")

//go:embed launch.py
var launcher []byte

// Server is a running moto_server.
type Server struct {
	URL string

	command *exec.Cmd
	log     *os.File
}

// Find returns the version of the moto that python3 would run, or ErrMissing.
func Find(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "python3", "-c", "import moto, moto.server; print(moto.__version__)").Output()
	if err != nil {
		return "", ErrMissing
	}
	return strings.TrimSpace(string(out)), nil
}

// Start starts moto for an account. A state machine's tasks call gatewayPort. Its log goes to dir.
func Start(ctx context.Context, dir, account string, gatewayPort int) (*Server, error) {
	script := filepath.Join(dir, "launch.py")
	if err := os.WriteFile(script, launcher, 0o600); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "moto.log"))
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://127.0.0.1:" + strconv.Itoa(port), log: log}
	s.command = exec.Command("python3", script, strconv.Itoa(port)) //nolint:noctx // Close ends it
	s.command.Env = append(os.Environ(), "MOTO_PORT="+strconv.Itoa(gatewayPort), "MOTO_ACCOUNT_ID="+account)
	s.command.Stdout, s.command.Stderr = log, log
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting moto, see %s: %w", log.Name(), err), s.Close())
	}
	return s, nil
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// ready waits until moto answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/moto-api/", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			return answer.Body.Close()
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits, in real time: moto has no other.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends moto.
func (s *Server) Close() error {
	err := s.command.Process.Kill()
	_ = s.command.Wait() // it says only that it was killed
	return errors.Join(err, s.log.Close())
}

// Region is where everything is deployed.
const Region = "us-east-1"

// credentials are made up: moto checks none.
var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example", Source: "moto"}, nil
})

// Client returns the configuration of SDK clients that call an endpoint: moto's, or the gateway's.
func Client(endpoint string) aws.Config {
	return aws.Config{Region: Region, Credentials: credentials, BaseEndpoint: aws.String(endpoint)}
}
