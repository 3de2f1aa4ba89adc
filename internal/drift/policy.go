package drift

import (
	"encoding/json"
	"reflect"
)

// fullAccess reports whether an endpoint policy allows everything to everyone, as AWS's default does, however it is written.
//
// AWS: an element may be a value or a list of it; a principal * and {"AWS": "*"} are the same; Version, Id and Sid say nothing here.
func fullAccess(policy string) bool {
	var document struct{ Statement any }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return false
	}
	statement, one := single(document.Statement).(map[string]any)
	if !one {
		return false
	}
	delete(statement, "Sid")
	for key, value := range statement {
		value = single(value)
		if principal, byKind := value.(map[string]any); byKind && len(principal) == 1 {
			value = single(principal["AWS"])
		}
		statement[key] = value
	}
	return reflect.DeepEqual(statement, map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
}

// single unwraps a list of one.
func single(value any) any {
	if list, isList := value.([]any); isList && len(list) == 1 {
		return list[0]
	}
	return value
}
