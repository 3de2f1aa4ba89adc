package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"time"

	"postern/internal/local/template"
)

// rounds is how often each function is started; the median counts.
const rounds = 7

// patience is how long a start may take.
const patience = 10 * time.Second

// starts compares the functions' starts with that of hello, each as the median of several. Hello is started next to each start of a
// function, so that whatever else the machine does slows both.
func starts(ctx context.Context, hello, directory string, stack *template.Stack) ([]figure, error) {
	api, err := newRuntimeAPI(ctx)
	if err != nil {
		return nil, err
	}
	defer api.server.Close() //nolint:errcheck // it served its purpose
	var figures []figure
	seen := map[string]bool{}
	for _, f := range template.All[template.Function](stack) {
		name := f.Properties.Handler
		if seen[name] {
			continue
		}
		seen[name] = true
		var ours, theirs []time.Duration
		for range rounds {
			least, err := api.start(ctx, hello, nil)
			if err != nil {
				return nil, err
			}
			took, err := api.start(ctx, bootstrap(directory, name), environment(stack, f.Properties))
			if err != nil {
				return nil, err
			}
			ours, theirs = append(ours, took), append(theirs, least)
		}
		figures = append(figures, figure{start, name, float64(median(ours)) / float64(median(theirs))})
	}
	return figures, nil
}

// environment is what a function needs to start.
func environment(stack *template.Stack, p *template.Function) []string {
	env := []string{"AWS_REGION=" + stack.Region, "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "_HANDLER=" + p.Handler}
	for name, value := range p.Environment.Variables {
		env = append(env, name+"="+value)
	}
	return env
}

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// runtimeAPI is a Lambda Runtime API that only notes when a function asks for its first invocation, and never has one.
type runtimeAPI struct {
	address string
	server  *http.Server
	polled  chan time.Time
}

func newRuntimeAPI(ctx context.Context) (*runtimeAPI, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runtime API: %w", err)
	}
	api := &runtimeAPI{address: listener.Addr().String(), polled: make(chan time.Time, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(_ http.ResponseWriter, r *http.Request) {
		api.polled <- time.Now()
		<-r.Context().Done()
	})
	api.server = &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go api.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return api, nil
}

// start starts an executable and returns the time to its first poll.
func (a *runtimeAPI) start(ctx context.Context, path string, env []string) (time.Duration, error) {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+a.address)
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the output says why it ended by itself
		close(exited)
	}()
	defer func() {
		_ = cmd.Process.Kill() // fails only when it has ended
		<-exited
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case at := <-a.polled:
		return at.Sub(began), nil
	case <-exited:
		return 0, fmt.Errorf("%s ended before it asked for work: %s", path, output.String())
	case <-late.C:
		return 0, fmt.Errorf("%s did not ask for work within %s", path, patience)
	}
}
