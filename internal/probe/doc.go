// Package probe proves a connection from inside the VPC: the name resolves to this endpoint and to nothing else, every network
// interface of it answers on every port, and the answer shows the vendor's certificate.
//
// It dials the endpoint's own addresses and no others, whatever a name resolves to. It calls no AWS service.
package probe
