package endpoint

import (
	"strings"
	"testing"
)

func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]bool{
		`{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`:                                                               true,
		"{\n  \"Statement\": [\n    {\n      \"Action\": \"*\", \"Effect\": \"Allow\", \"Principal\": \"*\", \"Resource\": \"*\"\n}]}":                 true,
		`{"Version":"2012-10-17","Statement":{"Sid":"all","Action":["*"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["*"]}}`:                true,
		`{"Statement":[{"Action":"s3:*","Effect":"Allow","Principal":"*","Resource":"*"}]}`:                                                            false,
		`{"Statement":[{"Action":"*","Effect":"Deny","Principal":"*","Resource":"*"}]}`:                                                                false,
		`{"Statement":[{"Action":"*","Effect":"Allow","Principal":{"AWS":"111122223333"},"Resource":"*"}]}`:                                            false,
		`{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`:           false,
		`{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"},{"Action":"*","Effect":"Deny","Principal":"*","Resource":"*"}]}`: false,
		`{"Statement":[]}`: false, `{"Statement":"*"}`: false, `{}`: false, `[]`: false, `not a policy`: false, ``: true,
	} {
		if got := (Endpoint{Policy: policy}).DefaultPolicy(); got != want {
			t.Errorf("%s: %v, want %v", policy, got, want)
		}
	}
}

// Policies that say the same have one digest, and others have not.
func TestPolicyDigest(t *testing.T) {
	t.Parallel()
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:Get*","s3:Put*"],"Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::a"}]}`
	for other, same := range map[string]bool{
		`{"Id":"x","Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::a"]},` +
			"\n" + `{"Sid":"y","Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:Put*","s3:Get*"],"Resource":"*"}]}`: true,
		strings.Replace(policy, "2012-10-17", "2008-10-17", 1):                              false,
		strings.Replace(policy, "Deny", "Allow", 1):                                         false,
		strings.Replace(policy, `"s3:Get*",`, "", 1):                                        false,
		strings.Replace(policy, `"Principal":"*",`, "", 1):                                  false,
		strings.Replace(policy, `"Principal":"*"`, `"Principal":{"AWS":"111122223333"}`, 1): false,
		`not a policy`: false, `{}`: false, ``: false,
	} {
		if got := PolicyDigest(other) == PolicyDigest(policy); got != same {
			t.Errorf("%s: the same is %v, want %v", other, got, same)
		}
	}
}
