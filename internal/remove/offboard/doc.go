// Package offboard removes a connection: what agents read, its names, its endpoint, its security group. Plan lists what there is,
// reading AWS only; Offboarder removes that list with package remove, writes the text for the vendor and closes the record.
package offboard
