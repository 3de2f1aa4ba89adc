// Package drift compares onboarded connections with their ledgers, which hold what was verified.
//
// Shallow checks use lists, which are read once for each account and Region and joined in memory: every run makes them for
// every connection. Deep checks need reads of their own (AWS has no bulk API for zone records or parameter values), so each run makes
// them for the connections that were checked longest ago, so that each has its turn within a day. A change that AWS reports
// starts all checks of the connections that it concerns at once.
//
// A check that could not be read is unknown: it neither opens a drift nor closes one.
package drift
