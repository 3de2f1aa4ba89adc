// Package remove removes what Postern made, in one order: the parameters that agents read, the names, the endpoints, the security
// group. Its two uses are rollback, for what one execution made, and offboard, for a whole connection.
//
// Each use takes an Inventory, from the state, the plan and the look-ups of what a step made without reporting it. Remover removes
// what the inventory lists and checks the owner again right before each removal, by tag, caller reference or value. It keeps and
// names what others have changed since.
package remove
