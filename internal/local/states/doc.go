// Package states simulates Step Functions: it interprets state machines on the virtual clock. A definition with a feature that is not
// simulated does not load.
//
// The language is the Amazon States Language with JSONPath (https://states-language.net/spec.html). Everything happens on the
// clock's goroutine, one event after another; only the API is called from elsewhere, and it schedules what it changes.
package states
