// Package sts simulates Security Token Service: it lets a role of one account be another role, of whichever account,
// when both sides allow it.
package sts

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/wire"
)

// Service is STS. It is a wire.Service, and safe for concurrent use.
type Service struct {
	register func(accessKeyID string, p wire.Principal)

	mu     sync.Mutex
	issued int
}

// New returns an STS that makes the keys of its sessions known with register.
func New(register func(accessKeyID string, p wire.Principal)) *Service {
	return &Service{register: register}
}

// Name is the signing name.
func (s *Service) Name() string { return "sts" }

// Protocol is the query protocol.
func (s *Service) Protocol() wire.Protocol { return wire.Query }

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	return map[string]wire.Operation{
		"AssumeRole": {Permissions: mayAssume, Do: s.assumeRole},
	}
}

// mayAssume is what the caller's policies and the role's trust policy must allow. AWS: a role that does not exist, and one that
// does not let the caller in, are one error.
func mayAssume(call *wire.Call) []wire.Permission {
	keys := map[string][]string{"sts:rolesessionname": {call.Form.Get("RoleSessionName")}}
	if call.Form.Has("ExternalId") {
		keys["sts:externalid"] = []string{call.Form.Get("ExternalId")}
	}
	return []wire.Permission{{Action: "sts:AssumeRole", Resource: call.Form.Get("RoleArn"), Context: keys}}
}

// lifetime is how long a session lasts, in the caller's own time: simulated time passes faster than any client looks at its watch.
const lifetime = time.Hour

var parameters = []string{"Action", "Version", "RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds"}

// assumeRole answers AssumeRole.
func (s *Service) assumeRole(call *wire.Call) ([]byte, error) {
	for name := range call.Form {
		if !slices.Contains(parameters, name) {
			return nil, &wire.Error{
				Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented,
				Message: fmt.Sprintf("the simulation does not know the parameter %s of sts.AssumeRole", name),
			}
		}
	}
	role, session := call.Form.Get("RoleArn"), call.Form.Get("RoleSessionName")
	if call.Form.Has("ExternalId") && len(call.Form.Get("ExternalId")) < 2 || len(session) < 2 || len(session) > 64 {
		return nil, wire.Errorf("ValidationError", "RoleSessionName must have 2 to 64 characters, and ExternalId at least 2")
	}
	s.mu.Lock()
	s.issued++
	key := fmt.Sprintf("ASIALOCAL%011d", s.issued)
	s.mu.Unlock()
	assumed := wire.Principal{RoleARN: role, Function: session}
	s.register(key, assumed)
	return reply(key, assumed)
}

func reply(key string, assumed wire.Principal) ([]byte, error) {
	type answer struct {
		XMLName     xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		AccessKeyID string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret      string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token       string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
		Expiration  string   `xml:"AssumeRoleResult>Credentials>Expiration"`
		ID          string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
		ARN         string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	}
	body, err := xml.Marshal(answer{
		AccessKeyID: key, Secret: "embedded", Token: "embedded", Expiration: time.Now().Add(lifetime).UTC().Format(time.RFC3339),
		ID: strings.Replace(key, "ASIA", "AROA", 1) + ":" + assumed.Function, ARN: assumed.Session(),
	})
	if err != nil {
		return nil, fmt.Errorf("writing the answer of AssumeRole: %w", err)
	}
	return body, nil
}
