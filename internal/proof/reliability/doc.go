// Command reliability breaks every AWS call of every scenario in every way, one at a time, and checks that each run ends well: it
// converges, or it fails and leaves the account as it was. The table it prints is README.md.
package main
