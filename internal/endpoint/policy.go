package endpoint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// fullAccess is AWS's default, in the form that canonical returns.
const fullAccess = `[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]`

// PolicyDigest returns the same 32 digits for policies that say the same, however they are written. That of "", which AWS shows where
// a service takes no policy, is that of AWS's default, which allows everything to everyone.
func PolicyDigest(policy string) string {
	sum := sha256.Sum256([]byte(canonical(policy)))
	return hex.EncodeToString(sum[:16])
}

// DefaultPolicy reports whether the endpoint has AWS's default, or none.
func (e Endpoint) DefaultPolicy() bool { return canonical(e.Policy) == fullAccess }

// canonical returns the statements of a policy in one form; what is no policy comes back as it is.
//
// AWS: a value and a list of it are the same, the order of a list and of statements says nothing, a principal * and {"AWS": "*"} are
// the same; so are policies that differ in Id and Sid. Version says how variables are read, of which the default has none.
func canonical(policy string) string {
	var document struct {
		Version   string
		Statement any
	}
	if policy == "" {
		return fullAccess
	}
	if err := json.Unmarshal([]byte(policy), &document); err != nil || document.Statement == nil {
		return policy
	}
	statements, isList := document.Statement.([]any)
	if !isList {
		statements = []any{document.Statement}
	}
	for i, statement := range statements {
		if fields, ok := statement.(map[string]any); ok {
			delete(fields, "Sid")
			statements[i] = plain(fields)
			if principal, byKind := fields["Principal"].(map[string]any); byKind && len(principal) == 1 && principal["AWS"] == "*" {
				fields["Principal"] = "*"
			}
		}
	}
	if said := written(sorted(statements)); said != fullAccess {
		return document.Version + said
	}
	return fullAccess
}

// plain unwraps lists of one and sorts the others, in place.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = plain(value[key])
		}
	case []any:
		for i := range value {
			value[i] = plain(value[i])
		}
		if len(value) == 1 {
			return value[0]
		}
		return sorted(value)
	}
	return value
}

func sorted(list []any) []any {
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(written(a), written(b)) })
	return list
}

// written returns JSON with its keys in order.
func written(value any) string {
	text, _ := json.Marshal(value) // it was read from JSON
	return string(text)
}
