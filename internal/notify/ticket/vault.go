package ticket

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"postern/internal/awserr"
)

// SecretsAPI is what the vault calls of Secrets Manager; *secretsmanager.Client satisfies it.
type SecretsAPI interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (
		*secretsmanager.GetSecretValueOutput, error)
}

// Vault reads credentials, each time anew: comments are few, and a new credential works at once.
type Vault struct {
	api SecretsAPI
	log *slog.Logger

	mu   sync.Mutex
	said map[string]bool // of which systems the log has that they have no credential
}

// NewVault returns a vault.
func NewVault(api SecretsAPI, log *slog.Logger) *Vault {
	return &Vault{api: api, log: log, said: map[string]bool{}}
}

// Credential returns what a system is called with. The stack makes the secret empty: until a credential is put, nothing is written
// back, which is said once.
func (v *Vault) Credential(ctx context.Context, system string) (string, error) {
	out, err := v.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(SecretPrefix + system)})
	if err != nil && !awserr.IsNotFound(err) {
		return "", fmt.Errorf("reading the credential of %s: %w", system, err)
	}
	credential := ""
	if out != nil {
		credential = strings.TrimSpace(aws.ToString(out.SecretString))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if credential == "" && !v.said[system] {
		v.said[system] = true
		v.log.WarnContext(ctx, "nothing is written back: put a credential", "system", system, "secret", SecretPrefix+system)
	}
	return credential, nil
}
