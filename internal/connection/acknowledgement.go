package connection

import "time"

// Acknowledgement is what an approval or a cancellation did.
type Acknowledgement struct {
	At        time.Time `json:"at"`
	Action    Action    `json:"action"`
	Execution string    `json:"execution"`      // ARN of the execution that was notified
	Gate      Gate      `json:"gate,omitempty"` // at which it waits, "" for none
	Effect    string    `json:"effect"`         // one line, for people
}
