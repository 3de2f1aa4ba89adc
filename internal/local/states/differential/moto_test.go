package differential

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

// moto is a running moto_server, with the functions of the cases behind its Lambda.
type moto struct {
	client  *sfn.Client
	version string
	cases   map[string]*one // by id

	mu    sync.Mutex
	calls map[string]int
}

// startMoto starts moto, or skips the test where there is none. It ends with the test.
func startMoto(t *testing.T, all []*one) *moto {
	t.Helper()
	m := &moto{cases: map[string]*one{}, calls: map[string]int{}}
	for _, c := range all {
		m.cases[c.id] = c
	}
	mux := http.NewServeMux()
	gateway := httptest.NewServer(mux)
	t.Cleanup(gateway.Close)
	command := exec.Command("python3", "-B", "launch.py")
	_, port, _ := strings.Cut(gateway.Listener.Addr().String(), ":")
	command.Env = append(os.Environ(), "MOTO_PORT="+port, "NO_PROXY=*", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=a")
	var said bytes.Buffer
	command.Stderr = &said
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Skipf("moto is not run: %v (pip install 'moto[server]' brings it)", err)
	}
	t.Cleanup(func() {
		in.Close()
		command.Process.Kill()
		command.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		command.Wait()
		if strings.Contains(said.String(), "ModuleNotFoundError") {
			t.Skip("moto is not installed: pip install 'moto[server]' brings it")
		}
		t.Fatalf("moto does not start: %s", &said)
	}
	var started struct {
		Version string
		Port    int
	}
	if err := json.Unmarshal(line, &started); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	m.version = started.Version
	address := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", started.Port)}
	m.client = sfn.New(sfn.Options{
		Region: region, BaseEndpoint: aws.String(address.String()), Credentials: credentials.NewStaticCredentialsProvider("a", "a", ""),
		Retryer: aws.NopRetryer{},
	})
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", m.invoke)
	mux.Handle("/", httputil.NewSingleHostReverseProxy(address))
	return m
}

// invoke is Lambda, as the interpreter calls it.
func (m *moto) invoke(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	name := r.PathValue("name")
	name = name[strings.LastIndex(name, ":")+1:]
	c := m.cases[name[:min(5, len(name))]]
	if err != nil || c == nil {
		http.Error(w, "there is no function "+name, http.StatusNotFound)
		return
	}
	m.mu.Lock()
	a := c.answer(name[len(c.id):], m.calls[name])
	m.calls[name]++
	m.mu.Unlock()
	for _, then := range a.Then {
		// moto knows the token only when the function has answered.
		time.AfterFunc(time.Duration((then.After+0.3)*float64(time.Second)), func() { m.then(then, token(payload)) })
	}
	switch {
	case a.Error != "":
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_ = json.NewEncoder(w).Encode(map[string]string{"errorType": a.Error, "errorMessage": a.Cause})
	case a.Output != nil:
		_, _ = w.Write(a.Output)
	default:
		_, _ = w.Write(payload)
	}
}

func (m *moto) then(c callback, token string) {
	for range 20 { // on a busy machine moto may not have heard of the token yet
		if m.send(c, token) == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	// The task has ended meanwhile, which is what some cases are about.
}

func (m *moto) send(c callback, token string) (err error) {
	ctx := context.Background()
	switch {
	case c.Failure != nil:
		_, err = m.client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &c.Failure.Error, Cause: &c.Failure.Cause})
	case c.Heartbeat:
		_, err = m.client.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token})
	default:
		_, err = m.client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(c.Success))})
	}
	return err
}

// create makes a state machine of a case.
func (m *moto) create(ctx context.Context, c *one, name string, definition []byte) error {
	_, err := m.client.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String(c.id + name), RoleArn: aws.String(role), Definition: aws.String(string(c.own(definition))),
	})
	return err
}

// run runs a case until it has ended, or for a minute.
func (m *moto) run(ctx context.Context, c *one) (outcome, error) {
	for name, definition := range c.Machines {
		if err := m.create(ctx, c, name, definition); err != nil {
			return outcome{}, err
		}
	}
	if err := m.create(ctx, c, "m", c.Definition); err != nil {
		var refused smithy.APIError // often without the code InvalidDefinition
		if errors.As(err, &refused) {
			return outcome{Status: "REFUSED", Cause: refused.ErrorMessage()}, nil
		}
		return outcome{}, err
	}
	started, err := m.client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(machineARN(c, "m")), Name: aws.String("n"), Input: aws.String(string(c.input())),
	})
	if err != nil {
		return outcome{}, err
	}
	late := time.After(time.Minute)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		e, err := m.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			return outcome{}, err
		}
		if e.Status != types.ExecutionStatusRunning {
			return outcome{
				Status: string(e.Status), Error: aws.ToString(e.Error), Cause: aws.ToString(e.Cause),
				Output: json.RawMessage(aws.ToString(e.Output)), Path: m.path(ctx, started.ExecutionArn),
			}, nil
		}
		select {
		case <-late:
			return outcome{Status: "RUNNING"}, nil
		case <-time.After(pause):
		}
	}
}

// path is the states that an execution entered. After some failures moto has no history to show, and at times none yet.
func (m *moto) path(ctx context.Context, arn *string) []string {
	for range 10 {
		if names, err := m.history(ctx, arn); err == nil {
			return names
		}
		time.Sleep(200 * time.Millisecond)
	}
	return []string{"no history"}
}

func (m *moto) history(ctx context.Context, arn *string) ([]string, error) {
	var names []string
	pages := sfn.NewGetExecutionHistoryPaginator(m.client, &sfn.GetExecutionHistoryInput{ExecutionArn: arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails != nil {
				names = append(names, aws.ToString(e.StateEnteredEventDetails.Name))
			}
		}
	}
	return names, nil
}
