package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The retriers of what AWS does wrong while a state calls a function. Each stands here once; withRetriers adds them to the states.
//
// A throttled task goes on for hours, and soon waits for minutes between two tries. The random delay keeps many executions apart.
// AWS: Lambda's errors, and Runtime and Sandbox for a function that crashed or ran out of time.
const (
	throttled = `{"ErrorEquals": ["Throttled", "Lambda.TooManyRequestsException"], "IntervalSeconds": 5, "BackoffRate": 2, ` +
		`"MaxAttempts": 40, "MaxDelaySeconds": 600, "JitterStrategy": "FULL"}`
	unavailable = `{"ErrorEquals": ["Unavailable", "Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException", ` +
		`"Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"], ` +
		`"IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 30, "MaxDelaySeconds": %d, "JitterStrategy": "FULL"}`
	lambdaFailed = `{"ErrorEquals": ["Lambda.ClientExecutionTimeoutException", "Lambda.ServiceException", "Lambda.AWSLambdaException", ` +
		`"Lambda.SdkClientException", "Lambda.TooManyRequestsException", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"], ` +
		`"IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 30, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}`
)

// stepRetriers are added to the states of the postern machine.
func stepRetriers(state string) []string {
	longest := 60 // seconds
	if state == "Offboard" || strings.HasPrefix(state, "Rollback") {
		longest = 120 // what they give up on needs manual repair
	}
	return []string{throttled, fmt.Sprintf(unavailable, longest)}
}

// fleetRetriers are added to the states of the fleet's machine. Its function calls no AWS API, so nothing throttles it but Lambda.
func fleetRetriers(string) []string { return []string{lambdaFailed} }

// withRetriers adds retriers to every state of a definition that calls a function, behind the state's own. The rest of the text
// stays as it is.
func withRetriers(definition string, retriers func(state string) []string) string {
	expanded := definition
	var walk func(graph []byte)
	walk = func(graph []byte) {
		var g struct{ States map[string]json.RawMessage }
		if err := json.Unmarshal(graph, &g); err != nil {
			panic(fmt.Sprintf("a definition in infra: %v", err))
		}
		for name, raw := range g.States {
			var state struct {
				Resource             string
				Retry, ItemProcessor json.RawMessage
			}
			if err := json.Unmarshal(raw, &state); err != nil {
				panic(fmt.Sprintf("state %s: %v", name, err))
			}
			if state.ItemProcessor != nil {
				walk(state.ItemProcessor)
			}
			if callsFunction(state.Resource) {
				expanded = strings.Replace(expanded, string(raw), withRetry(string(raw), string(state.Retry), retriers(name)), 1)
			}
		}
	}
	walk([]byte(definition))
	return expanded
}

// callsFunction reports whether a state's resource is a function or the integration that invokes one.
func callsFunction(resource string) bool {
	return strings.HasSuffix(resource, "Function}") || strings.Contains(resource, ":lambda:invoke")
}

// withRetry adds retriers to the text of one state: to its field Retry, or before its field Catch when it has none.
func withRetry(state, retry string, retriers []string) string {
	before, catch, found := strings.Cut(state, `"Catch"`)
	if !found {
		panic("a state that calls a function has no Catch: " + state)
	}
	indent := before[strings.LastIndex(before, "\n"):]
	added := strings.Join(retriers, ","+indent+"  ")
	if retry == "" {
		return before + `"Retry": [` + indent + "  " + added + indent + `],` + indent + `"Catch"` + catch
	}
	own := strings.TrimRight(strings.TrimSuffix(retry, "]"), " \n")
	return strings.Replace(state, retry, own+","+indent+"  "+added+indent+"]", 1)
}
