package rollback

import (
	"encoding/json"
	"strings"
)

// message returns the words in the cause of a failure.
//
// AWS: the cause of a failed function is JSON with errorMessage; that of SendTaskFailure is the text itself.
func message(cause string) string {
	var function struct {
		ErrorMessage *string `json:"errorMessage"`
	}
	if err := json.Unmarshal([]byte(cause), &function); err == nil && function.ErrorMessage != nil {
		cause = *function.ErrorMessage
	}
	return strings.TrimSpace(cause)
}
