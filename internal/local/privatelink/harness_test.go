package privatelink_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

const role = "arn:aws:iam::111122223333:role/tester"

// The demo world, in short.
const (
	account, home, vpc        = privatelink.SmallAccount, privatelink.SmallRegion, privatelink.SmallVPC
	subnetA, subnetB, subnetC = privatelink.SmallSubnetA, privatelink.SmallSubnetB, privatelink.SmallSubnetC
	endpointGroup             = privatelink.SmallEndpointGroup
	clientGroup               = privatelink.SmallClientGroup
	monteCarlo                = privatelink.SmallService
)

type vendorService = privatelink.VendorService

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cloud is the demo world with an SDK client.
type cloud struct {
	t      *testing.T
	clock  *clock.Clock
	world  *privatelink.World
	ec2    *ec2.Client
	asked  *permissions
	vendor *privatelink.Vendor
}

// permissions allows everything and remembers what was asked.
type permissions struct {
	mu  sync.Mutex
	all []wire.Permission
}

func (p *permissions) Authorize(_ string, asked wire.Permission) wire.Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, asked)
	return wire.Decision{Allowed: true}
}

func (p *permissions) take() []wire.Permission {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

// newCloud returns the demo world with Monte Carlo's service visible.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{t: t, clock: clock.New(start), asked: &permissions{}}
	c.world = privatelink.Small(c.clock)
	c.vendor = c.world.Vendor(monteCarlo)
	must(t, c.vendor.Allow(account))
	c.ec2 = c.client(home)
	return c
}

func (c *cloud) client(region string) *ec2.Client {
	server := c.server(region)
	return ec2.NewFromConfig(server.AWS("AKIATEST"))
}

func (c *cloud) server(region string) *wire.Server {
	server := wire.NewServer(wire.Config{
		AccountID: account, Region: region, Now: c.clock.Now, Authorizer: c.asked,
	}, privatelink.NewService(c.world))
	server.Register("AKIATEST", wire.Principal{RoleARN: role, Function: "tester"})
	return server
}

// pass lets virtual time pass.
func (c *cloud) pass(d time.Duration) {
	c.t.Helper()
	over := false
	c.clock.After(d, "test", func() { over = true })
	must(c.t, c.clock.Run(func() bool { return over }, c.clock.Now().Add(d)))
}

// request is a CreateVpcEndpoint that works.
func request(changes ...func(*ec2.CreateVpcEndpointInput)) *ec2.CreateVpcEndpointInput {
	in := &ec2.CreateVpcEndpointInput{
		VpcEndpointType: types.VpcEndpointTypeInterface, VpcId: aws.String(vpc), ServiceName: aws.String(monteCarlo),
		SubnetIds: []string{subnetA, subnetB}, SecurityGroupIds: []string{endpointGroup},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

func (c *cloud) create(changes ...func(*ec2.CreateVpcEndpointInput)) string {
	c.t.Helper()
	out, err := c.ec2.CreateVpcEndpoint(c.t.Context(), request(changes...))
	must(c.t, err)
	return *out.VpcEndpoint.VpcEndpointId
}

// available creates an endpoint and lets the vendor accept it.
func (c *cloud) available(changes ...func(*ec2.CreateVpcEndpointInput)) string {
	c.t.Helper()
	id := c.create(changes...)
	must(c.t, c.vendor.Accept(id))
	c.pass(45 * time.Second)
	return id
}

func (c *cloud) describe(id string) types.VpcEndpoint {
	c.t.Helper()
	out, err := c.ec2.DescribeVpcEndpoints(c.t.Context(), &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	must(c.t, err)
	if len(out.VpcEndpoints) != 1 {
		c.t.Fatalf("described %d endpoints, want 1", len(out.VpcEndpoints))
	}
	return out.VpcEndpoints[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails unless err carries an AWS code and all of the texts; code "" wants success.
func wantCode(t *testing.T, err error, want string, texts ...string) {
	t.Helper()
	if got := code(err); got != want || (err != nil) != (want != "") {
		t.Fatalf("got want %q, want %q: %v", got, want, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got error %q, want it to contain %q", err, text)
		}
	}
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %s %v, want %v", what, got, want)
	}
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}
