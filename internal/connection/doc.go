// Package connection is Postern's domain: what a connection to a vendor is, what a person asks for, what one onboarding
// knows at each step, and the names of the ways it can end. It imports the standard library only.
package connection
