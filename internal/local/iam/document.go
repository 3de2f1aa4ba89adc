// Package iam evaluates IAM policies as AWS does: identity policies of roles, and resource policies with service principals and
// conditions. What it does not know (an element, an operator, a policy variable) refuses to load, since a rule that is skipped
// would make the simulation more permissive than AWS. It remembers which grants were used, so that the rest can be reported.
package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kind is what a policy document is attached to; it decides which elements a statement must have.
type kind int

const (
	identityPolicy kind = iota // of a role: Resource, no Principal
	resourcePolicy             // of a resource: Principal and Resource
	trustPolicy                // of a role: Principal, no Resource
)

type document struct {
	statements []statement
}

type statement struct {
	name       string // Sid, or its place in the document
	allow      bool
	actions    []string // nil when notActions is set, and the other way round
	notActions []string
	// folded and notFolded are actions and notActions in lower case: IAM ignores their case.
	folded, notFolded []string
	resources         []string
	notResources      []string
	principals        principals
	conditions        []condition
}

// principals are the principals of a statement: everyone, services by name, and ARNs or account ids.
type principals struct {
	everyone bool
	services []string
	aws      []string
}

// parseDocument reads a policy document as the template has it, after its intrinsics are resolved.
func parseDocument(raw any, kind kind) (document, error) {
	fields, err := object(raw, "Version", "Id", "Statement")
	if err != nil {
		return document{}, err
	}
	if version, _ := fields["Version"].(string); version != "2012-10-17" {
		return document{}, fmt.Errorf("policy version %v: only 2012-10-17 is known", fields["Version"])
	}
	list, isList := fields["Statement"].([]any)
	if !isList {
		list = []any{fields["Statement"]}
	}
	var parsed document
	for i, item := range list {
		statement, err := parseStatement(item, kind, i)
		if err != nil {
			return document{}, fmt.Errorf("statement %s: %w", strconv.Itoa(i), err)
		}
		parsed.statements = append(parsed.statements, statement)
	}
	return parsed, nil
}

func parseStatement(raw any, kind kind, place int) (statement, error) {
	fields, err := object(raw, "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition")
	if err != nil {
		return statement{}, err
	}
	s := statement{name: strconv.Itoa(place)}
	if sid, _ := fields["Sid"].(string); sid != "" {
		s.name = sid
	}
	switch fields["Effect"] {
	case "Allow":
		s.allow = true
	case "Deny":
	default:
		return statement{}, fmt.Errorf("effect %v is neither Allow nor Deny", fields["Effect"])
	}
	if s.actions, s.notActions, err = either(fields, "Action", "NotAction"); err != nil {
		return statement{}, err
	}
	s.folded, s.notFolded = lower(s.actions), lower(s.notActions)
	if kind != trustPolicy {
		if s.resources, s.notResources, err = either(fields, "Resource", "NotResource"); err != nil {
			return statement{}, err
		}
	}
	if _, has := fields["Principal"]; has != (kind != identityPolicy) {
		return statement{}, fmt.Errorf("a principal belongs to resource and trust policies, and only there")
	}
	if kind != identityPolicy {
		if s.principals, err = parsePrincipals(fields["Principal"]); err != nil {
			return statement{}, err
		}
	}
	s.conditions, err = parseConditions(fields["Condition"])
	return s, err
}

func parsePrincipals(raw any) (principals, error) {
	if raw == "*" {
		return principals{everyone: true}, nil
	}
	fields, err := object(raw, "Service", "AWS")
	if err != nil {
		return principals{}, fmt.Errorf("principal: %w", err)
	}
	var p principals
	if p.services, err = texts(fields["Service"]); err != nil {
		return principals{}, fmt.Errorf("service principal: %w", err)
	}
	if p.aws, err = texts(fields["AWS"]); err != nil {
		return principals{}, fmt.Errorf("AWS principal: %w", err)
	}
	p.everyone = slices.Contains(p.aws, "*")
	return p, nil
}

// either reads the one of two elements that a statement must have exactly one of.
func either(fields map[string]any, plain, negated string) (is, not []string, err error) {
	_, hasPlain := fields[plain]
	_, hasNegated := fields[negated]
	if hasPlain == hasNegated {
		return nil, nil, fmt.Errorf("exactly one of %s and %s is needed", plain, negated)
	}
	if hasPlain {
		is, err = texts(fields[plain])
	} else {
		not, err = texts(fields[negated])
	}
	return is, not, err
}

// object reads a JSON object and refuses members it does not know.
func object(raw any, known ...string) (map[string]any, error) {
	fields, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an object", raw)
	}
	for name := range fields {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown element %s", name)
		}
	}
	return fields, nil
}

// texts reads a string or a list of strings. Policy variables are refused, because they are not replaced here.
func texts(raw any) ([]string, error) {
	var list []string
	switch value := raw.(type) {
	case nil:
	case []any:
		for _, item := range value {
			one, err := texts(item)
			if err != nil {
				return nil, err
			}
			list = append(list, one...)
		}
	case string:
		list = []string{value}
	case bool:
		list = []string{strconv.FormatBool(value)}
	case fmt.Stringer: // json.Number
		list = []string{value.String()}
	default:
		return nil, fmt.Errorf("%v is not a string or a list of strings", raw)
	}
	for _, text := range list {
		if strings.Contains(text, "${") {
			return nil, fmt.Errorf("%s: policy variables are not simulated", text)
		}
	}
	return list, nil
}
