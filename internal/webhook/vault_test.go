package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

func formatted(secret Secret) []string {
	holder := struct {
		S Secret
		s Secret
	}{secret, secret}
	raw, err := json.Marshal(holder)
	if err != nil {
		panic(err)
	}
	log := &lines{}
	slog.New(slog.NewJSONHandler(log, nil)).Info("x", "secret", secret, "holder", holder)
	return []string{
		fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s %q %x %d", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%v %+v %#v", holder, holder, holder), string(raw), log.String(), secret.String(), secret.GoString(),
	}
}

func TestVaultKeepsForFiveMinutes(t *testing.T) {
	t.Parallel()
	api := &fakeSecrets{values: map[string]string{SecretPrefix + "jira AWSCURRENT": " new\n",
		SecretPrefix + "jira AWSPREVIOUS": "old"}}
	vault := NewVault(api)
	read := func(at time.Time) []string {
		t.Helper()
		secrets, err := vault.Secrets(t.Context(), "jira", at)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, secret := range secrets {
			texts = append(texts, secret.reveal())
		}
		return texts
	}
	if got := fmt.Sprint(read(noon)); got != "[new old]" {
		t.Errorf("secrets %s", got)
	}
	delete(api.values, SecretPrefix+"jira AWSPREVIOUS")
	read(noon.Add(secretTTL - time.Second))
	if api.calls != 2 {
		t.Errorf("%d calls, want one for each version", api.calls)
	}
	if got := fmt.Sprint(read(noon.Add(secretTTL))); got != "[new]" || api.calls != 4 {
		t.Errorf("secrets %s after %d calls", got, api.calls)
	}
	read(noon.Add(-time.Hour)) // a clock that goes back must not keep a secret for ever
	if api.calls != 6 {
		t.Errorf("%d calls", api.calls)
	}
}

func TestVaultWithoutSecretsManager(t *testing.T) {
	t.Parallel()
	down := &smithy.GenericAPIError{Code: "InternalServiceError"}
	api := &fakeSecrets{err: down}
	vault := NewVault(api)
	if _, err := vault.Secrets(t.Context(), "jira", noon); !errors.Is(err, down) {
		t.Errorf("error %v", err)
	}
	api.err, api.values = nil, map[string]string{SecretPrefix + "jira AWSCURRENT": "new"}
	if secrets, err := vault.Secrets(t.Context(), "jira", noon); err != nil || len(secrets) != 1 {
		t.Fatalf("%v, %v: a failure was kept", secrets, err)
	}
	api.err = down
	if secrets, err := vault.Secrets(t.Context(), "jira", noon.Add(time.Hour)); err != nil || len(secrets) != 1 {
		t.Errorf("%v, %v: known secrets stay in use", secrets, err)
	}
}
