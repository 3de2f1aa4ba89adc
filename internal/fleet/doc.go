// Package fleet plans and reports the executions of the fleet's state machine: it makes one request for each target of a fleet
// request, and one report of how all targets ended. It calls no AWS API.
package fleet
