package states

import (
	"fmt"
	"strings"

	"postern/internal/local/wire"
)

// Publish makes a version of a state machine, as it is now, under the version's ARN. AWS: PublishStateMachineVersion.
func (s *Service) Publish(machineARN, versionARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.machine(machineARN)
	if err != nil {
		return err
	}
	if versionARN == machineARN || unqualified(versionARN) != machineARN {
		return fmt.Errorf("%s is no version of %s", versionARN, machineARN)
	}
	s.machines[versionARN] = m
	return nil
}

// AddAlias makes an alias, or points it at another version. AWS: CreateStateMachineAlias, UpdateStateMachineAlias.
func (s *Service) AddAlias(aliasARN, versionARN string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.machines[versionARN]; !known || unqualified(versionARN) == versionARN {
		return wire.Errorf("ResourceNotFound", "Request references a resource that does not exist. Resource: %s", versionARN)
	}
	if unqualified(aliasARN) != unqualified(versionARN) {
		return fmt.Errorf("alias %s is of another state machine than %s", aliasARN, versionARN)
	}
	s.aliases[aliasARN] = versionARN
	return nil
}

// qualified finds what an ARN starts: a state machine as it is now, a version, or the version that an alias points at; the lock is
// held.
func (s *Service) qualified(arn string) (m *machine, version, alias string, err error) {
	if at, is := s.aliases[arn]; is {
		arn, alias = at, arn
	}
	m, err = s.machine(arn)
	if arn != unqualified(arn) {
		version = arn
	}
	return m, version, alias, err
}

// unqualified is the ARN of the state machine that a version or an alias belongs to.
//
// AWS: StartExecution is granted on the state machine, whatever it is started by; policies tell aliases apart by the condition key
// states:StateMachineQualifier. https://github.com/aws/aws-cdk/pull/26546
func unqualified(arn string) string {
	const parts = 7 // arn:aws:states:us-east-1:111122223333:stateMachine:name
	if all := strings.SplitN(arn, ":", parts+1); len(all) > parts {
		return strings.Join(all[:parts], ":")
	}
	return arn
}
