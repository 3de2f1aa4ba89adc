// Package rollback undoes what a failed execution made, newest first, and says in words how the execution ended.
//
// It never undoes on the word of the state alone: an endpoint must carry the execution's tag, a zone the connection's caller
// reference, a record and a parameter the very value that was written. What an execution made and could not say any more, because
// its function died between the write and the answer, is looked for.
package rollback
