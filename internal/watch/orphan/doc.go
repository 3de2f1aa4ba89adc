// Package orphan looks for what Postern made and nobody answers for: what an execution stopped by hand left, things of connections
// that are gone, second endpoints, and endpoints that wait, and bill, for longer than anybody waits for them. It reports and
// deletes nothing: that is a person's decision, who starts the request that the report carries.
//
// What could not be looked at is unknown: never an orphan, and never gone.
package orphan
