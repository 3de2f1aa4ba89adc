// Package dns makes a vendor's name resolve to an endpoint: a private hosted zone with one or several records, or the endpoint's
// own private DNS. It is the only package that calls Route 53.
//
// Ownership. A zone belongs to one connection and says so in its caller reference, which cannot be edited. Two connections never
// share a zone: the second to need one of the same name in the same VPC gets a Conflict that names the first. In its zone, a
// record at one of the connection's names is the connection's when it points to an endpoint's own name (vpce-….vpce.amazonaws.com).
// Postern neither overwrites nor deletes any other record. Only the execution that made a zone, or an offboarding, deletes it, and only
// when nothing else is in it.
package dns
