package account

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"postern/internal/connection"
	"postern/internal/step"
)

// Accounts holds a configuration for each account and Region that a function was asked for, for as long as the function lives.
// It is safe for concurrent use.
type Accounts struct {
	home    aws.Config
	session string

	mu      sync.Mutex
	configs map[connection.Access]aws.Config
}

// New returns the accounts of a function. Its sessions are named after it: that is the name CloudTrail shows in the other account.
func New(r step.Runtime) *Accounts {
	return &Accounts{
		home: r.AWS, session: r.Env.Optional("AWS_LAMBDA_FUNCTION_NAME", "postern"), configs: map[connection.Access]aws.Config{},
	}
}

// Config returns the configuration that reaches a network. Nothing is called: a role that cannot be assumed is an error of the
// first call made with it.
func (a *Accounts) Config(access connection.Access) aws.Config {
	if access.Home() {
		return a.home
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	cfg, known := a.configs[access]
	if !known {
		cfg = a.home.Copy()
		cfg.Region = access.Region
		cfg.Credentials = aws.NewCredentialsCache(a.assumed(access))
		a.configs[access] = cfg
	}
	return cfg
}

// assumed returns the credentials of an assumed role, and says in its errors whose they are.
//
// AWS: what the STS of a Region hands out is good in every Region, the ones to opt into among them.
func (a *Accounts) assumed(access connection.Access) aws.CredentialsProvider {
	role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(a.home), access.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = a.session
		if access.ExternalID != "" { // AWS: an empty one is refused
			o.ExternalID = aws.String(access.ExternalID)
		}
	})
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := role.Retrieve(ctx)
		if err != nil {
			err = fmt.Errorf("assuming role %s: %w", access.RoleARN, err)
		}
		return found, err
	})
}

// Reach assumes the role of a network, and returns why it could not. awserr.IsDenied is true of a role that does not exist, that
// does not trust the caller, or that expects another external id: AWS does not tell them apart.
func (a *Accounts) Reach(ctx context.Context, access connection.Access) error {
	if access.Home() {
		return nil
	}
	_, err := a.Config(access).Credentials.Retrieve(ctx)
	return err
}

// Clients returns a client for each access: what build makes of its configuration, once.
func Clients[C any](a *Accounts, build func(aws.Config) C) func(connection.Access) C {
	var mu sync.Mutex
	clients := map[connection.Access]C{}
	return func(access connection.Access) C {
		mu.Lock()
		defer mu.Unlock()
		client, known := clients[access]
		if !known {
			client = build(a.Config(access))
			clients[access] = client
		}
		return client
	}
}
