// Package account reaches the accounts and Regions that the registered networks are in. A network of the stack's own account and
// Region is reached as the function itself; any other through the role that its network stack makes there, which lets our
// functions in with the network's external id.
package account
