// Package orphan looks for orphaned resources: what a stopped execution left behind, resources of connections that do not exist, second
// endpoints, and endpoints that wait for the vendor for longer than the timeout. It reports and deletes nothing: a person decides, and
// starts the request in the report.
//
// A resource that could not be listed is unknown: never an orphan, and never gone.
package orphan
