// Package approval is how an execution waits for a person at the vendor, and how the wait ends. Three functions:
//
//	await-gate  stores the task token, then looks once: an approval that came before the token was stored is seen here
//	observe     is woken by a notification, by CloudTrail or by the schedule, looks, and says on the bus what it saw
//	resume      reads the token and sends it: the only function that does
//
// Looking is DescribeVpcEndpoints (or DescribeVpcEndpointServices while the account is not allow-listed yet). No message is ever
// believed about a state, so messages may be lost, repeated, late, in any order or forged: the sweep finds what a lost one would
// have told, and a look that finds nothing new says nothing.
package approval
