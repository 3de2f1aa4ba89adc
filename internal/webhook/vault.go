package webhook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"postern/internal/awserr"
)

// SecretsAPI is what the vault calls of Secrets Manager; *secretsmanager.Client satisfies it.
type SecretsAPI interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.GetSecretValueOutput, error)
}

// SecretPrefix begins the name of each source's secret: postern/webhook/github.
const SecretPrefix = "postern/webhook/" //nolint:gosec // a name, no secret

// secretTTL is how long a secret is kept before it is read again: a new one works everywhere after so long.
const secretTTL = 5 * time.Minute

// stages are the versions of a secret that are valid together. Secrets Manager keeps the value before as AWSPREVIOUS when a new
// one is put, so that rotation needs no moment at which both sides change.
var stages = []string{"AWSCURRENT", "AWSPREVIOUS"}

// Vault reads the secrets of sources, and keeps them for five minutes.
type Vault struct {
	api SecretsAPI

	mu   sync.Mutex
	kept map[string]keptSecrets
}

type keptSecrets struct {
	secrets []Secret
	at      time.Time
}

// NewVault returns a vault without anything in it.
func NewVault(api SecretsAPI) *Vault { return &Vault{api: api, kept: map[string]keptSecrets{}} }

// Secrets returns the active secrets of a source at a time, none when there is none: an empty one does not count. When Secrets
// Manager cannot be read, secrets that have been read before stay in use.
func (v *Vault) Secrets(ctx context.Context, source string, at time.Time) ([]Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept, known := v.kept[source]
	if age := at.Sub(kept.at); known && age >= 0 && age < secretTTL {
		return kept.secrets, nil
	}
	secrets, err := v.read(ctx, source)
	if err != nil && known && len(kept.secrets) > 0 {
		return kept.secrets, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the secret of %s: %w", source, err)
	}
	v.kept[source] = keptSecrets{secrets: secrets, at: at}
	return secrets, nil
}

func (v *Vault) read(ctx context.Context, source string) ([]Secret, error) {
	var secrets []Secret
	for _, stage := range stages {
		out, err := v.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
			SecretId: aws.String(SecretPrefix + source), VersionStage: aws.String(stage),
		})
		if awserr.IsNotFound(err) {
			continue // the secret, or a version before the current one
		}
		if err != nil {
			return nil, err
		}
		if secret := NewSecret(aws.ToString(out.SecretString)); secret.reveal() != "" {
			secrets = append(secrets, secret)
		}
	}
	return secrets, nil
}
