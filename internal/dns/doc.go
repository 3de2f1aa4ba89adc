// Package dns makes a vendor's name resolve to an endpoint: a private hosted zone with one or several records, or the endpoint's
// own private DNS. It is the only package that calls Route 53.
//
// Ownership. A zone belongs to one connection and says so in its caller reference, which cannot be edited. Two connections never
// share a zone: the second to need one of the same name in the same VPC gets a Conflict that names the first. In a zone of ours
// a record at one of our names is ours when it points at an endpoint's own name (vpce-….vpce.amazonaws.com); any other record
// there was put by somebody, and is neither overwritten nor deleted. A zone is deleted only by the execution that made it, and
// only when nothing else is in it.
package dns
