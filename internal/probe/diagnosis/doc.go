// Package diagnosis names one cause of what is wrong with a connection, from the facts of AWS's control plane and from what the
// probe saw inside the VPC. It calls nothing and decides nothing by chance: the same facts give the same cause.
package diagnosis
