package drift

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/store"
)

// overtaken is a registry whose connection was listed before something happened to it.
type overtaken struct {
	registry
	listed store.Link
	now    func(store.Link) (store.Link, bool, error)
}

func (r *overtaken) Links(context.Context) ([]store.Link, error) {
	return []store.Link{r.listed}, nil
}

func (r *overtaken) Link(context.Context, string) (store.Link, bool, error) { return r.now(r.listed) }

// Ledger is the one that it was listed with: what happened came after.
func (r *overtaken) Ledger(context.Context, string) (*connection.Ledger, error) {
	return &connection.Ledger{At: r.listed.Expects.At, DNS: connection.DNS{Mode: connection.ModeNone}, Availability: connection.Availability{
		Interfaces: []connection.NetworkInterface{{ID: "eni-0a1b2c3d4e5f60718"}},
	}}, nil
}

// empty is a place without resources.
type empty struct{ Place }

var errUnread = errors.New("not read here")

func (empty) List(context.Context, []string) (map[string]endpoint.Endpoint, error) { return nil, nil }
func (empty) ListSecurityGroups(context.Context, []string) (map[string]endpoint.SecurityGroup, error) {
	return nil, errUnread
}
func (empty) ListVPCs(context.Context, []string) (map[string]endpoint.VPC, error) {
	return nil, errUnread
}
func (empty) ListServices(context.Context, []string, string, string) (map[string]connection.Service, error) {
	return nil, errUnread
}
func (empty) VPCDNS(context.Context, string) (support, hostnames bool, err error) {
	return false, false, errUnread
}
func (empty) NetworkACLs(context.Context, []string) ([]endpoint.NetworkACL, error) {
	return nil, errUnread
}
func (empty) InterfacesByID(context.Context, string, []string) ([]endpoint.Interface, error) {
	return nil, nil
}

// What an execution does to a connection after the check listed it is no drift.
func TestWhatAnExecutionDoesMeanwhileIsNoDrift(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		now   func(store.Link) (store.Link, bool, error)
		found bool
	}{
		"nothing happened": {func(l store.Link) (store.Link, bool, error) { return l, true, nil }, true},
		"it is offboarded": {func(store.Link) (store.Link, bool, error) { return store.Link{}, false, nil }, false},
		"an execution took it": {func(l store.Link) (store.Link, bool, error) {
			l.Holder = "arn:aws:states:us-east-1:111122223333:execution:postern:1"
			return l, true, nil
		}, false},
		"it was onboarded again": {func(l store.Link) (store.Link, bool, error) {
			l.Expects.At = l.Expects.At.Add(time.Minute)
			return l, true, nil
		}, false},
		"unknown": {func(l store.Link) (store.Link, bool, error) { return l, false, errUnread }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := overtaken{listed: link(), now: test.now}
			r.listed.Expects.At = monday.Add(-turn - time.Hour)
			c := recorder(&r.registry, &trail{}, &starter{})
			c.Registry, c.Metrics = &r, io.Discard
			c.Places = func(connection.Access) Place { return empty{} }
			c.Sources = func(connection.Access) Sources { return Sources{Interfaces: empty{}} }
			c.Probes = func(connection.Access) Invoker { return unreachable{} }
			event, _ := json.Marshal(map[string]any{"source": "aws.events", "detail-type": "Scheduled Event", "time": monday})
			if _, err := c.Check(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			said := map[connection.DriftCheck]bool{}
			for _, notice := range r.notices {
				said[notice.Finding.Check] = notice.Finding.Result == connection.DriftFound
			}
			if said[connection.CheckEndpoint] != test.found || said[connection.CheckInterfaces] != test.found || len(r.saved) > 0 != test.found {
				t.Errorf("said %v, saved %d times", said, len(r.saved))
			}
		})
	}
}

// unreachable is a probe that cannot be called.
type unreachable struct{}

func (unreachable) Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return nil, errUnread
}
