// Package stepfunctions is Step Functions in the embedded cloud: it interprets the state machine on the virtual clock, strictly. What it does
// not know refuses to load; it never guesses.
//
// The language is the Amazon States Language with JSONPath (https://states-language.net/spec.html).
package stepfunctions
