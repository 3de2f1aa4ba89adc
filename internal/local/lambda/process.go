package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"postern/internal/local/wire"
)

// Process is a function that runs as a process of its own: the bootstrap executable that would be deployed, talking to a Lambda
// Runtime API endpoint on loopback. It starts at the first invocation and stays until it ends by itself or is closed.
type Process struct {
	spec     Spec
	log      buffer
	listener net.Listener
	server   *http.Server
	next     chan *invocation // handed to the process when it asks for work

	mu      sync.Mutex
	running *invocation // nil between invocations
	child   *child      // the latest
}

// invocation is one invocation on its way through the Runtime API.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time // wall time: the process compares it with its own clock
	answer   chan Result
	end      chan wire.Ending
}

// child is one life of the process.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
	how    string // set before exited is closed
}

// NewProcess returns a function that runs spec.Directory/bootstrap.
func NewProcess(spec Spec) (*Process, error) {
	directory, err := filepath.Abs(spec.Directory)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", spec.Name, err)
	}
	spec.Directory = directory
	info, err := os.Stat(filepath.Join(directory, "bootstrap"))
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", spec.Name, err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("function %s: %s/bootstrap is not executable", spec.Name, directory)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("function %s: runtime API: %w", spec.Name, err)
	}
	p := &Process{spec: spec, listener: listener, next: make(chan *invocation)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.serveInitError)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go p.server.Serve(listener) //nolint:errcheck // it ends when Close closes it
	return p, nil
}

// Invoke runs the function once, starting the process when there is none.
func (p *Process) Invoke(requestID string, payload []byte) Result {
	run := &invocation{
		id: requestID, payload: payload, deadline: time.Now().Add(p.spec.Timeout),
		answer: make(chan Result, 1), end: make(chan wire.Ending, 1),
	}
	p.setRunning(run)
	defer p.setRunning(nil)
	timer := time.NewTimer(p.spec.Timeout)
	defer timer.Stop()
	for {
		child, cold, err := p.start()
		if err != nil {
			return failed("Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %v", requestID, err))
		}
		select {
		case p.next <- run:
			return p.await(run, child, timer)
		case <-child.exited:
			if cold { // it ended before it asked for work: the cold start failed
				return crashed(requestID, child.how+": "+p.log.tail())
			} // else it ended after its last invocation, as it does after a panic: start another
		case <-timer.C:
			child.kill()
			return timedOut(requestID, p.spec.Timeout)
		}
	}
}

func (p *Process) setRunning(run *invocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = run
}

// await waits for the end of an invocation that the process works on.
func (p *Process) await(run *invocation, child *child, timer *time.Timer) Result {
	select {
	case result := <-run.answer:
		return result
	case <-timer.C:
		child.kill()
		return timedOut(run.id, p.spec.Timeout)
	case <-child.exited:
	}
	select {
	case how := <-run.end: // End killed it
		if how == wire.TimedOut {
			return timedOut(run.id, p.spec.Timeout)
		}
		return crashed(run.id, child.how)
	case result := <-run.answer: // it answered, then exited
		return result
	default:
		return crashed(run.id, child.how)
	}
}

// start returns the living process; cold says that it had to be started.
func (p *Process) start() (living *child, cold bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		select {
		case <-p.child.exited:
		default:
			return p.child, false, nil
		}
	}
	cmd := exec.Command(filepath.Join(p.spec.Directory, "bootstrap"))
	cmd.Dir = p.spec.Directory
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + p.listener.Addr().String()}
	for name, value := range p.spec.Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, syscall.ENOEXEC) {
			err = fmt.Errorf("%s is not built for %s/%s; build it for this machine", cmd.Path, runtime.GOOS, runtime.GOARCH)
		}
		return nil, false, err
	}
	p.child = &child{cmd: cmd, exited: make(chan struct{})}
	go p.child.wait()
	return p.child, true, nil
}

func (c *child) wait() {
	err := c.cmd.Wait()
	c.how = "exit status 0"
	if err != nil {
		c.how = err.Error()
	}
	close(c.exited)
}

// kill ends the process and waits for its end, so that it makes no further call.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // fails only when it has ended already
	<-c.exited
}

// End ends the running invocation from outside. The process is gone when End returns, so a call whose answer it was robbed of
// is not tried again.
func (p *Process) End(how wire.Ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil || p.child == nil {
		return
	}
	select {
	case p.running.end <- how:
	default: // it is being ended already
	}
	p.child.kill()
}

// Logs is everything that the function wrote.
func (p *Process) Logs() string { return p.log.String() }

// Close kills the process and closes its Runtime API.
func (p *Process) Close() error {
	p.mu.Lock()
	child := p.child
	p.mu.Unlock()
	if child != nil {
		child.kill()
	}
	return p.server.Close()
}

// serveNext hands the process its next invocation; it waits until there is one.
func (p *Process) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case run := <-p.next:
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", run.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(run.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", p.spec.ARN)
		header.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-"+strings.Repeat("0", 24)+";Sampled=0")
		_, _ = w.Write(run.payload) // a process that went away is found by its exit
	case <-r.Context().Done():
	}
}

func (p *Process) serveResponse(w http.ResponseWriter, r *http.Request) {
	p.answer(w, r, func(body []byte) Result { return Result{Payload: body} })
}

func (p *Process) serveError(w http.ResponseWriter, r *http.Request) {
	p.answer(w, r, func(body []byte) Result {
		var document failure
		if err := json.Unmarshal(body, &document); err != nil || document.Type == "" {
			document.Type = "Unhandled"
		}
		return Result{Payload: body, ErrorType: document.Type}
	})
}

// serveInitError takes the report of a cold start that failed; the process exits after it.
func (p *Process) serveInitError(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(&p.log, r.Body) // the exit that follows is what the invocation reports
	w.WriteHeader(http.StatusAccepted)
}

// answer delivers the result of the running invocation.
func (p *Process) answer(w http.ResponseWriter, r *http.Request, result func(body []byte) Result) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	run := p.running
	p.mu.Unlock()
	if err != nil || run == nil || run.id != r.PathValue("id") {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	select {
	case run.answer <- result(body):
	default: // a second answer to the same invocation
	}
}
