// Package secretsmanager simulates Secrets Manager: secrets with a current and a previous value.
package secretsmanager

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// The staging labels of AWS's own.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

type version struct {
	id, value string
	created   time.Time
}

type secret struct {
	arn, name string
	versions  map[string]*version // by staging label
}

// Service is Secrets Manager of one account and Region. It is a wire.Service, and safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu      sync.Mutex
	secrets map[string]*secret // by name
}

// New returns a Secrets Manager without secrets.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, secrets: map[string]*secret{}}
}

// Name is the signing name.
func (s *Service) Name() string { return "secretsmanager" }

// Protocol is awsJson 1.1.
func (s *Service) Protocol() wire.Protocol { return wire.JSON11 }

// Create makes a secret as CloudFormation does: with a value, with a generated one that is the same in every run, or empty.
func (s *Service) Create(arn, name, value string, generate bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets[name] != nil {
		return fmt.Errorf("the secret %s exists", name)
	}
	if value == "" && generate {
		sum := sha256.Sum256([]byte(arn))
		value = hex.EncodeToString(sum[:24])
	}
	s.secrets[name] = &secret{arn: arn, name: name, versions: map[string]*version{}}
	if value != "" {
		s.put(s.secrets[name], value)
	}
	return nil
}

// Put gives a secret a new value; the one before becomes the previous one.
func (s *Service) Put(name, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[name]
	if found == nil {
		return fmt.Errorf("there is no secret %s", name)
	}
	s.put(found, value)
	return nil
}

func (s *Service) put(to *secret, value string) {
	if before := to.versions[current]; before != nil {
		to.versions[previous] = before
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", to.name, value, s.clock.Now().UnixNano()))
	to.versions[current] = &version{id: hex.EncodeToString(sum[:16]), value: value, created: s.clock.Now()}
}

// Value returns the current value of a secret, or false when there is none.
func (s *Service) Value(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[name]
	if found == nil || found.versions[current] == nil {
		return "", false
	}
	return found.versions[current].value, true
}

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"GetSecretValue": {Permissions: s.onSecret, Do: wire.JSON(s.getSecretValue)},
	}
}

func (s *Service) onSecret(call *wire.Call) []wire.Permission {
	s.mu.Lock()
	defer s.mu.Unlock()
	var in getSecretValueInput
	_ = json.Unmarshal(call.Body, &in) // what cannot be read is refused by Do
	// AWS: six characters are added to a secret's name in its ARN; those of a secret that does not exist are unknown.
	resource := "arn:aws:secretsmanager:" + s.region + ":" + s.account + ":secret:" + in.SecretId + "-AbCdEf"
	if found := s.find(in.SecretId); found != nil {
		resource = found.arn
	}
	return []wire.Permission{{Action: "secretsmanager:" + call.Operation, Resource: resource}}
}

// find returns a secret by name or ARN. The service is locked.
func (s *Service) find(id string) *secret {
	for _, found := range s.secrets {
		if id == found.name || id == found.arn {
			return found
		}
	}
	return nil
}

type getSecretValueInput struct{ SecretId, VersionId, VersionStage string }

type getSecretValueOutput struct {
	ARN, Name, VersionId string
	SecretString         string
	VersionStages        []string
	CreatedDate          float64 // seconds
}

func (s *Service) getSecretValue(_ *wire.Call, in getSecretValueInput) (getSecretValueOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none getSecretValueOutput
	if in.SecretId == "" || in.VersionId != "" {
		return none, wire.Errorf("InvalidRequestException", "a secret is read here by SecretId and VersionStage")
	}
	found := s.find(in.SecretId)
	if found == nil {
		return none, wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	stage := in.VersionStage
	if stage == "" {
		stage = current
	}
	v := found.versions[stage]
	if v == nil {
		return none, wire.Errorf("ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value for staging label: %s", strings.TrimSpace(stage))
	}
	return getSecretValueOutput{
		ARN: found.arn, Name: found.name, VersionId: v.id, SecretString: v.value, VersionStages: []string{stage},
		CreatedDate: float64(v.created.UnixMilli()) / 1000,
	}, nil
}
