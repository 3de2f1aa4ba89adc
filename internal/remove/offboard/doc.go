// Package offboard takes a connection away: what agents read, its names, its endpoint, its security group. Plan lists what there
// is (AWS is read, nothing is written), Offboarder removes exactly that, and looks again before each removal whether it is still
// ours. Something that somebody else has changed since, or put into our zone, is kept and said.
package offboard
