package wire_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/wire"
)

const (
	key  = "AKIAPLAN"
	role = "arn:aws:iam::111122223333:role/path/PlanRole"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// service is a service whose operations count how often they took effect.
type service struct {
	name     string
	protocol wire.Protocol
	answer   string
	effects  *atomic.Int32
}

func (s service) Name() string            { return s.name }
func (s service) Protocol() wire.Protocol { return s.protocol }
func (s service) Operations() map[string]wire.Operation {
	one := wire.Operation{
		Write: true,
		Permissions: func(c *wire.Call) []wire.Permission {
			return []wire.Permission{{Action: s.name + ":" + c.Operation, Resource: "*"}}
		},
		Do: func(*wire.Call) ([]byte, error) { s.effects.Add(1); return []byte(s.answer), nil },
	}
	refused := wire.Operation{Do: func(*wire.Call) ([]byte, error) { return nil, wire.Errorf("Refused.Code", "no <way> to do it") }}
	broken := wire.Operation{Do: func(*wire.Call) ([]byte, error) { return nil, errors.New("a defect") }}
	return map[string]wire.Operation{
		"SendTaskSuccess": one, "SendTaskFailure": refused, "SendTaskHeartbeat": broken, "Publish": one, "PutParameter": one,
		"GetHostedZone": one, "CreateVpcEndpoint": one, "DeleteVpcEndpoints": refused,
	}
}

// Route knows one path of Route 53.
func (s service) Route(method, path string, _ url.Values) (string, map[string]string, bool) {
	if id, found := strings.CutPrefix(path, "/2013-04-01/hostedzone/"); found && method == http.MethodGet {
		return "GetHostedZone", map[string]string{"Id": id}, true
	}
	return "", nil, false
}

const (
	published = `<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`
	zone      = `<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id><Name>a.example.</Name>` +
		`<CallerReference>c</CallerReference></HostedZone></GetHostedZoneResponse>`
)

type rules map[string]string // action -> reason it is denied

func (r rules) Authorize(_ string, p wire.Permission) wire.Decision {
	reason, isDenied := r[p.Action]
	return wire.Decision{Allowed: !isDenied, Reason: reason}
}

func newServer(t *testing.T, change func(*wire.Config)) (*wire.Server, *atomic.Int32) {
	t.Helper()
	effects := new(atomic.Int32)
	config := wire.Config{
		AccountID: "111122223333", Region: "us-east-1", Now: func() time.Time { return start }, Authorizer: wire.AllowAll{},
	}
	if change != nil {
		change(&config)
	}
	server := wire.NewServer(config,
		service{"states", wire.JSON10, `{}`, effects},
		service{"ssm", wire.JSON11, `{"Version":7}`, effects},
		service{"sns", wire.Query, published, effects},
		service{"route53", wire.RESTXML, zone, effects},
		service{"ec2", wire.EC2Query, `<CreateVpcEndpointResponse/>`, effects})
	server.Register(key, wire.Principal{RoleARN: role, Function: "postern-plan"})
	return server, effects
}

func putParameter(server *wire.Server, accessKeyID string) (*ssm.PutParameterOutput, error) {
	input := &ssm.PutParameterInput{Name: aws.String("/a"), Value: aws.String("v")}
	return ssm.NewFromConfig(server.AWS(accessKeyID)).PutParameter(context.Background(), input)
}

func publish(server *wire.Server) (*sns.PublishOutput, error) {
	input := &sns.PublishInput{TopicArn: aws.String("arn"), Message: aws.String("m")}
	return sns.NewFromConfig(server.AWS(key)).Publish(context.Background(), input)
}

func getZone(server *wire.Server) (*route53.GetHostedZoneOutput, error) {
	input := &route53.GetHostedZoneInput{Id: aws.String("Z1")}
	return route53.NewFromConfig(server.AWS(key)).GetHostedZone(context.Background(), input)
}

func sendSuccess(server *wire.Server) error {
	_, err := sfn.NewFromConfig(server.AWS(key)).SendTaskSuccess(context.Background(),
		&sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")})
	return err
}

func TestProtocolsAnswerTheRealClients(t *testing.T) {
	t.Parallel()
	server, effects := newServer(t, nil)
	if err := sendSuccess(server); err != nil {
		t.Errorf("states: %v", err)
	}
	put, err := putParameter(server, key)
	if err != nil || put.Version != 7 {
		t.Errorf("ssm: %+v, %v", put, err)
	}
	sent, err := publish(server)
	if err != nil || aws.ToString(sent.MessageId) != "m-1" {
		t.Errorf("sns: %+v, %v", sent, err)
	}
	found, err := getZone(server)
	if err != nil || aws.ToString(found.HostedZone.Name) != "a.example." {
		t.Errorf("route53: %+v, %v", found, err)
	}
	if effects.Load() != 4 {
		t.Errorf("got %d effects, want 4", effects.Load())
	}
}

func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, func(c *wire.Config) { c.Origin = func() string { return "schedule" } })
	_ = sendSuccess(server)
	if _, err := putParameter(server, key); err != nil {
		t.Fatal(err)
	}
	common := wire.Recorded{Function: "postern-plan", Principal: role, Origin: "schedule", At: start}
	message, write := common, common
	message.Service, message.Operation, message.Message = "states", "SendTaskSuccess", true
	write.Service, write.Operation, write.Write = "ssm", "PutParameter", true
	if diff := cmp.Diff([]wire.Recorded{message, write}, server.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsKeepTheirCode(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, nil)
	client := sfn.NewFromConfig(server.AWS(key))
	_, err := client.SendTaskFailure(context.Background(), &sfn.SendTaskFailureInput{TaskToken: aws.String("t")})
	var answer smithy.APIError
	if !errors.As(err, &answer) || answer.ErrorCode() != "Refused.Code" || answer.ErrorMessage() != "no <way> to do it" {
		t.Errorf("got %v", err)
	}
	_, err = client.SendTaskHeartbeat(context.Background(), &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("t")})
	if !unavailable(err) {
		t.Errorf("a service's defect: got %v, want a 5xx", err)
	}
}

func TestUnknownIsLoud(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, nil)
	input := &ssm.DeleteParameterInput{Name: aws.String("/a")}
	_, err := ssm.NewFromConfig(server.AWS(key)).DeleteParameter(context.Background(), input)
	if err == nil || !strings.Contains(err.Error(), "501") || !strings.Contains(err.Error(), "ssm.DeleteParameter") {
		t.Errorf("unknown operation: got %v", err)
	}
	_, err = route53.NewFromConfig(server.AWS(key)).ListHostedZones(context.Background(), &route53.ListHostedZonesInput{})
	if err == nil || !strings.Contains(err.Error(), "route53.GET /2013-04-01/hostedzone") {
		t.Errorf("unknown path: got %v", err)
	}
	response := post(t, server, "Action=ListQueues", authorization("sqs"))
	if response.Code != http.StatusNotImplemented || !strings.Contains(response.Body.String(), "sqs.ListQueues") {
		t.Errorf("unknown service: got %d %s", response.Code, response.Body)
	}
	for i, call := range server.Calls() {
		if call.Code != wire.CodeNotImplemented {
			t.Errorf("call %d was recorded as %+v", i, call)
		}
	}
	if got := len(server.Calls()); got != 3 {
		t.Errorf("got %d records, want 3", got)
	}
}

func authorization(service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20261102/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

func post(t *testing.T, server *wire.Server, body, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Authorization", authorization)
	response := httptest.NewRecorder()
	server.ServeHTTP(response, request)
	return response
}

func TestDenialsReadLikeAWS(t *testing.T) {
	t.Parallel()
	deny := rules{
		"states:SendTaskSuccess": "", "ec2:CreateVpcEndpoint": "with an explicit deny in an identity-based policy",
		"sns:Publish": "", "route53:GetHostedZone": "",
	}
	server, effects := newServer(t, func(c *wire.Config) { c.Authorizer = deny })
	const user = "User: arn:aws:sts::111122223333:assumed-role/PlanRole/postern-plan is not authorized to perform: "
	err := sendSuccess(server)
	const refusal = "states:SendTaskSuccess on resource: * because no identity-based policy allows the states:SendTaskSuccess action"
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), user+refusal) {
		t.Errorf("states: got %v", err)
	}
	_, err = publish(server)
	if code(err) != "AuthorizationError" {
		t.Errorf("sns: got %v", err)
	}
	_, err = getZone(server)
	if code(err) != "AccessDenied" {
		t.Errorf("route53: got %v", err)
	}
	response := post(t, server, "Action=CreateVpcEndpoint", authorization("ec2"))
	want := "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>" +
		"You are not authorized to perform this operation. " + user +
		"ec2:CreateVpcEndpoint on resource: * with an explicit deny in an identity-based policy</Message></Error></Errors>"
	if response.Code != http.StatusForbidden || !strings.Contains(response.Body.String(), want) {
		t.Errorf("ec2: got %d %s", response.Code, response.Body)
	}
	if effects.Load() != 0 {
		t.Errorf("a refused call took effect %d times", effects.Load())
	}
}

func TestCallersMustBeKnown(t *testing.T) {
	t.Parallel()
	server, effects := newServer(t, nil)
	_, err := putParameter(server, "AKIASTRANGER")
	if code(err) != "UnrecognizedClientException" {
		t.Errorf("a stranger: got %v", err)
	}
	const algorithm = "AWS4-HMAC-SHA256 "
	for _, authorization := range []string{"", "Bearer x", algorithm + "Credential=a/b/c", algorithm + "Credential=a/b/c/d/e"} {
		if response := post(t, server, "Action=Publish", authorization); response.Code != http.StatusForbidden {
			t.Errorf("authorization %q: got %d", authorization, response.Code)
		}
	}
	if effects.Load() != 0 {
		t.Errorf("a stranger's call took effect")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind    wire.FaultKind
		effects int // of three attempts, since the client retries what may pass
		calls   int
		want    func(error) bool
	}{
		{wire.Throttle, 0, 3, coded("ThrottlingException")},
		{wire.ServerError, 0, 3, unavailable},
		{wire.Deny, 0, 1, coded("AccessDeniedException")},
		{wire.NoEffect, 0, 3, unavailable},
		{wire.LostAnswer, 3, 3, unavailable},
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			t.Parallel()
			server, effects := newServer(t, nil)
			server.SetFault(func(call *wire.Call, record wire.Recorded) *wire.Fault {
				if call.Operation != "SendTaskSuccess" || record.Function != "postern-plan" {
					t.Errorf("asked about %s by %s", call.Operation, record.Function)
				}
				return &wire.Fault{Kind: test.kind}
			})
			err := sendSuccess(server)
			if !test.want(err) || int(effects.Load()) != test.effects || len(server.Calls()) != test.calls {
				t.Errorf("got %v, %d effects, %d calls", err, effects.Load(), len(server.Calls()))
			}
			for _, call := range server.Calls() {
				if call.Fault != test.kind {
					t.Errorf("recorded %+v", call)
				}
			}
		})
	}
}

func TestFaultsThatEndTheCaller(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind    wire.FaultKind
		effects int
		want    wire.Ending
	}{
		{wire.CrashBefore, 0, wire.Crashed},
		{wire.CrashAfter, 1, wire.Crashed},
		{wire.Hang, 0, wire.TimedOut},
		{wire.HangAfter, 1, wire.TimedOut},
	}
	for _, test := range tests {
		t.Run(string(test.kind), func(t *testing.T) {
			t.Parallel()
			ctx, end := context.WithCancel(context.Background())
			var function string
			var how wire.Ending
			server, effects := newServer(t, func(c *wire.Config) {
				c.Ended = func(f string, ending wire.Ending) { function, how = f, ending; end() }
			})
			server.SetFault(func(*wire.Call, wire.Recorded) *wire.Fault { return &wire.Fault{Kind: test.kind} })
			input := &sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")}
			_, err := sfn.NewFromConfig(server.AWS(key)).SendTaskSuccess(ctx, input)
			if err == nil || function != "postern-plan" || how != test.want || int(effects.Load()) != test.effects {
				t.Errorf("got %v, ended %q %v, %d effects", err, function, how, effects.Load())
			}
		})
	}
}

func TestOverASocket(t *testing.T) {
	t.Parallel()
	server, effects := newServer(t, nil)
	listener := httptest.NewServer(server)
	defer listener.Close()
	config := server.AWS(key)
	config.HTTPClient, config.BaseEndpoint = listener.Client(), aws.String(listener.URL)
	client := sfn.NewFromConfig(config)
	input := &sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")}
	if _, err := client.SendTaskSuccess(context.Background(), input); err != nil {
		t.Fatal(err)
	}
	server.SetFault(func(*wire.Call, wire.Recorded) *wire.Fault { return &wire.Fault{Kind: wire.LostAnswer} })
	if _, err := client.SendTaskSuccess(context.Background(), input); !unavailable(err) {
		t.Errorf("a lost answer: got %v", err)
	}
	if effects.Load() != 4 {
		t.Errorf("got %d effects, want 1 and 3 tries without an answer", effects.Load())
	}
}
