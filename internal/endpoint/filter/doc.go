// Package filter judges what filters packets between clients and an endpoint: security groups and network ACLs, as AWS describes
// them. It reads nothing.
package filter
