package connection

import "encoding/json"

// Failure is what a Catch stores: the error's name, and the cause as AWS gives it (for a function, JSON with errorMessage).
type Failure struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// Message returns the errorMessage when the cause is a function's JSON, and otherwise the cause as it is.
func (f Failure) Message() string {
	var function struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal([]byte(f.Cause), &function) == nil && function.ErrorMessage != "" {
		return function.ErrorMessage
	}
	return f.Cause
}

// Outcome is how a failed execution ended. Error and Cause are spelled as a Catch spells them, because FailedClean and
// FailedDirty read them by path whichever of the two wrote them.
type Outcome struct {
	Error  string   `json:"Error"`
	Cause  string   `json:"Cause"` // readable: a short first line, then one line for each thing
	Clean  bool     `json:"clean"`
	Undone []string `json:"undone"`
	Left   []string `json:"left"`
}
