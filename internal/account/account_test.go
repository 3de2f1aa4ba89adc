package account

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/local/clock"
	localssm "postern/internal/local/ssm"
	"postern/internal/local/sts"
	"postern/internal/local/wire"
	"postern/internal/step"
)

const (
	function = "arn:aws:iam::111122223333:role/postern-us-east-1-plan"
	theirs   = "arn:aws:iam::222233334444:role/postern-network-b"
)

var there = connection.Access{RoleARN: theirs, ExternalID: "0d2b7c9e1f63", Region: "us-east-1"}

// door is IAM with one role, which lets the function in with the right external id.
type door struct{}

func (door) Authorize(_ string, p wire.Permission) wire.Decision {
	if p.Action != "sts:AssumeRole" {
		return wire.Decision{Allowed: true}
	}
	told := strings.Join(p.Context["sts:externalid"], "")
	return wire.Decision{Allowed: p.Resource == theirs && told == there.ExternalID}
}

func newServer() *wire.Server {
	c := clock.New(time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC))
	var server *wire.Server
	server = wire.NewServer(
		wire.Config{AccountID: "111122223333", Region: "us-east-1", Now: c.Now, Authorizer: door{}},
		wire.NewPlaced(func(account, region string) *localssm.Service { return localssm.New(c, account, region) }),
		sts.New(func(key string, p wire.Principal) { server.Register(key, p) }))
	server.Register("AKIA", wire.Principal{RoleARN: function, Function: "postern-plan"})
	return server
}

func accountsOf(server *wire.Server) *Accounts {
	return New(step.Runtime{AWS: server.AWS("AKIA"), Env: step.NewEnv(func(name string) string {
		return map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "postern-plan"}[name]
	})})
}

// Config assumes a role once for all clients and calls, in the function's name. For our own account it assumes none.
func TestConfig(t *testing.T) {
	t.Parallel()
	server := newServer()
	accounts := accountsOf(server)
	build := func(cfg aws.Config) *ssm.Client { return ssm.NewFromConfig(cfg) }
	clients, again := Clients(accounts, build), Clients(accounts, build)
	once := clients(there)
	if once != clients(there) || once == clients(connection.Access{}) {
		t.Error("there is one client for each access")
	}
	put := &ssm.PutParameterInput{Name: aws.String("/a"), Value: aws.String("v"), Type: "String"}
	if _, err := clients(there).PutParameter(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	for access, want := range map[connection.Access]int{there: 1, {}: 0} {
		found, err := again(access).GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/a"}})
		if err != nil || len(found.Parameters) != want {
			t.Errorf("%+v: found %d parameters, want %d: %v", access, len(found.Parameters), want, err)
		}
	}
	var assumed int
	for _, call := range server.Calls() {
		switch {
		case call.Service == "sts":
			assumed++
		case call.Function != "postern-plan":
			t.Errorf("%s.%s was called as %s", call.Service, call.Operation, call.Function)
		}
	}
	if assumed != 1 {
		t.Errorf("the role was assumed %d times", assumed)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		access connection.Access
		denied bool
	}{
		"our own":             {},
		"another":             {access: there},
		"another external id": {connection.Access{RoleARN: theirs, ExternalID: "guess", Region: "us-east-1"}, true},
		"no external id":      {connection.Access{RoleARN: theirs, Region: "us-east-1"}, true},
		"no such role":        {connection.Access{RoleARN: theirs + "x", ExternalID: there.ExternalID, Region: "us-east-1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := accountsOf(newServer()).Reach(t.Context(), test.access)
			if (err != nil) != test.denied || test.denied != awserr.IsDenied(err) {
				t.Errorf("got %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), test.access.RoleARN) {
				t.Errorf("the error does not name the role: %v", err)
			}
		})
	}
}
