package main

import (
	"slices"
	"strings"
	"testing"
)

// resourcePolicies are the types of resource policies, with the path to their document.
var resourcePolicies = map[string]string{
	"AWS::SNS::TopicPolicy": "PolicyDocument", "AWS::SQS::QueuePolicy": "PolicyDocument", "AWS::KMS::Key": "KeyPolicy",
	"AWS::SecretsManager::ResourcePolicy": "ResourcePolicy", "AWS::Events::EventBusPolicy": "Statement",
	"AWS::S3::BucketPolicy": "PolicyDocument", "AWS::IAM::Role": "AssumeRolePolicyDocument", "AWS::Logs::ResourcePolicy": "PolicyDocument",
}

// lambdaTrust: AWS gives neither aws:SourceArn nor aws:SourceAccount when Lambda assumes a function's role; iam:PassRole, which
// does not cross accounts, is what keeps others out.
const lambdaTrust = "lambda.amazonaws.com"

// TestNoConfusedDeputy: a service acts for every customer of AWS. A policy that allows one names the account or resource it may act for.
func TestNoConfusedDeputy(t *testing.T) {
	t.Parallel()
	checked := 0
	for id, r := range template.Resources {
		if path := resourcePolicies[r.Type]; path != "" {
			document := r.Properties[path]
			if r.Type != "AWS::Events::EventBusPolicy" {
				document = the(document, "Statement")
			}
			for _, statement := range list(document) {
				checked++
				for _, fault := range deputyFaults(r.Type, statement) {
					t.Errorf("%s: %s: %s", id, fault, text(statement))
				}
			}
		}
		if r.Type == "AWS::Lambda::Permission" {
			checked++
			if r.Properties["SourceArn"] == nil && r.Properties["SourceAccount"] == nil {
				t.Errorf("%s allows %v on behalf of any account", id, r.Properties["Principal"])
			}
			if r.Properties["Principal"] == "*" {
				t.Errorf("%s allows every principal", id)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d statements were looked at", checked)
	}
}

// deputyFaults says what is wrong with a statement of a resource's policy.
func deputyFaults(kind string, statement any) []string {
	if the(statement, "Effect") != "Allow" {
		return nil
	}
	var faults []string
	principal := the(statement, "Principal")
	if (principal == "*" || slices.Contains(list(the(principal, "AWS")), any("*"))) && the(statement, "Condition") == nil {
		faults = append(faults, "every principal is allowed")
	}
	for _, service := range list(the(principal, "Service")) {
		if service == any(lambdaTrust) && kind == "AWS::IAM::Role" {
			continue
		}
		if !namesSource(the(statement, "Condition")) {
			faults = append(faults, text(service)+" is allowed on behalf of any account")
		}
	}
	return faults
}

// namesSource reports whether a condition demands the source's ARN or account. Operators that end with IfExists, and Null and
// negated ones, are satisfied by a request without the key.
func namesSource(condition any) bool {
	operators, _ := condition.(map[string]any)
	for operator, keys := range operators {
		switch operator {
		case "StringEquals", "StringLike", "ArnEquals", "ArnLike":
		default:
			continue
		}
		values, _ := keys.(map[string]any)
		for key, value := range values {
			lower := strings.ToLower(key)
			if (lower == "aws:sourcearn" || lower == "aws:sourceaccount") && !slices.Contains(list(value), any("*")) {
				return true
			}
		}
	}
	return false
}

func TestDeputyFaults(t *testing.T) {
	t.Parallel()
	allow := func(principal, condition any) map[string]any {
		s := map[string]any{"Effect": "Allow", "Principal": principal}
		if condition != nil {
			s["Condition"] = condition
		}
		return s
	}
	service := map[string]any{"Service": "sns.amazonaws.com"}
	when := func(operator, key string, value any) any { return map[string]any{operator: map[string]any{key: value}} }
	for name, test := range map[string]struct {
		kind      string
		statement any
		want      int
	}{
		"unconditional service":   {"AWS::SQS::QueuePolicy", allow(service, nil), 1},
		"with account":            {"AWS::SQS::QueuePolicy", allow(service, when("StringEquals", "aws:SourceAccount", "111122223333")), 0},
		"with ARN":                {"AWS::SQS::QueuePolicy", allow(service, when("ArnLike", "AWS:SourceArn", "arn:x")), 0},
		"if it exists":            {"AWS::SQS::QueuePolicy", allow(service, when("StringEqualsIfExists", "aws:SourceAccount", "1")), 1},
		"any account":             {"AWS::SQS::QueuePolicy", allow(service, when("StringLike", "aws:SourceAccount", "*")), 1},
		"another key":             {"AWS::SQS::QueuePolicy", allow(service, when("Bool", "aws:SecureTransport", "true")), 1},
		"everybody":               {"AWS::SNS::TopicPolicy", allow("*", nil), 1},
		"every AWS principal":     {"AWS::SNS::TopicPolicy", allow(map[string]any{"AWS": "*"}, nil), 1},
		"a function's trust":      {"AWS::IAM::Role", allow(map[string]any{"Service": lambdaTrust}, nil), 0},
		"Lambda on a queue":       {"AWS::SQS::QueuePolicy", allow(map[string]any{"Service": lambdaTrust}, nil), 1},
		"denied to everybody":     {"AWS::SNS::TopicPolicy", map[string]any{"Effect": "Deny", "Principal": "*"}, 0},
		"two services, one fault": {"AWS::IAM::Role", allow(map[string]any{"Service": []any{lambdaTrust, "states.amazonaws.com"}}, nil), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := deputyFaults(test.kind, test.statement); len(got) != test.want {
				t.Errorf("%d faults, want %d: %v", len(got), test.want, got)
			}
		})
	}
}
