// Package drift compares onboarded connections with their ledgers: what is, with what was verified.
//
// Shallow checks come out of lists, which are read once for each account and Region and joined in memory: every run makes them for
// every connection. Deep checks need reads of their own (AWS has no list of what stands in zones and parameters), so each run makes
// them for the connections that were looked at longest ago, such that each has its turn within a day; a change that AWS tells of
// makes all checks of the connections it concerns at once.
//
// What could not be read is unknown: it neither opens a drift nor closes one.
package drift
