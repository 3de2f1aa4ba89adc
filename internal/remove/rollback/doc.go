// Package rollback undoes what a failed execution made, newest first, and says how the execution ended.
//
// It never undoes what the state alone reports: an endpoint must carry the execution's tag, a zone the connection's caller reference,
// a record and a parameter the very value that was written. It looks up what a step made without reporting it, because its function
// died between the write and the answer.
package rollback
