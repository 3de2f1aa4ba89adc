// Package states is Step Functions in the embedded cloud: it interprets state machines on the virtual clock, strictly. What it
// does not know refuses to load; it never guesses.
//
// The language is the Amazon States Language with JSONPath (https://states-language.net/spec.html). Everything happens on the
// clock's goroutine, one event after another; only the API is called from elsewhere, and it schedules what it changes.
package states
