// Package ticket writes back: it tells a ticket what becomes of the connection that was asked for, each state once.
//
// Events say what happened (event.go), a Comment says it to people, and a System puts it on the ticket in its own form. The text is
// untrusted in both directions: tickets and vendors supplied parts of it, so every system's form makes it literal, and a ticket's id
// chooses the ticket, never the host or the account, which are settings.
//
// A comment has a reference that follows from what it tells. The ledger keeps one item for each: made before the comment is posted,
// marked after. When an item is there and not marked, the comment may be out, so it is looked for by its reference before it is
// posted again. The function runs one at a time: no other call posts between the look-up and the post.
package ticket
