// Package endpoint makes, reads and removes interface endpoints, and reads the network they go into. It is the only package that
// calls EC2.
//
// An endpoint is ours when it carries the tag postern:connection: it is found, adopted and removed by its tags, never by its name
// or its service alone.
package endpoint
