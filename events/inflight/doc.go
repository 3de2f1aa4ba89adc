// Package inflight keeps what outlives a deploy, as it was when it was released: executions that wait for days are handed to
// functions that were deployed meanwhile, the ledgers of connections are read years later, and rules of users match our events.
//
// For each schema version, connection.SchemaVersion, there are two files. 1.json holds recordings of real runs of the embedded
// cloud: the input and the answer of each function in each state, the records in the table, and the events on the bus. 1.schema
// holds the type of every field, and the name of every error. `make golden` adds what is new and never changes what is there: a
// recording of a release is not made again, since the executions it stands for are not either. Today's code has to cope with it,
// and the tests say whether.
package inflight
