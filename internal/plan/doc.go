// Package plan is the machine's first step: it reads the request, the vendor profile and AWS, writes nothing, reports every fault
// at once, and returns all that the run will do. Its interfaces to AWS have no method that writes.
package plan
