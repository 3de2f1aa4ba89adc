package remove

import (
	"fmt"

	"postern/internal/connection"
	"postern/internal/step"
)

// Report is what one try of a removal did, as lines for people.
type Report struct {
	Done     []string // removed or restored
	Absent   []string // was absent before this removal began
	Kept     []string // changed by others since, with the reason
	Left     []string // could not be removed, with the reason
	Pending  []string // AWS is deleting it, or something still uses it
	Released []string // IDs of adopted endpoints that no longer carry Postern's tags
	Vanished []string // IDs of adopted endpoints that others deleted or took Postern's tags from
	Deleted  []string // IDs of endpoints that AWS has deleted
	// LeftEndpoint is the ID of an endpoint that stays although it was to be deleted or released, "" when none does.
	LeftEndpoint string
	// Again is the first error that a later try may not meet: AWS throttles or is unavailable.
	Again error

	// Repeated says that an earlier try may have removed what is absent now.
	Repeated bool
	// Last says that no later try follows: what would be tried again is left.
	Last bool
}

// Note records how the removal of a thing ended: done completes the line of a thing that was removed, such as "deleted".
func (r *Report) Note(err error, thing, done string) {
	switch {
	case err == nil:
		r.Done = append(r.Done, thing+" "+done)
	case step.Name(err) == connection.RollbackPending:
		r.wait(thing+", which something still uses", err)
	case retried(err) && !r.Last:
		if r.Again == nil {
			r.Again = err
		}
	case step.Name(err) == connection.Conflict:
		r.Kept = append(r.Kept, fmt.Sprintf("%s: %v", thing, err))
	default:
		r.Left = append(r.Left, fmt.Sprintf("%s: %v", thing, err))
	}
}

// wait records that the next try must look at a thing again.
func (r *Report) wait(thing string, why error) {
	if r.Last {
		r.Left = append(r.Left, fmt.Sprintf("%s: %v", thing, why))
		return
	}
	r.Pending = append(r.Pending, thing)
}

// absent records a thing that needs no removal: an earlier try removed it, or it was so before, as the line says.
func (r *Report) absent(thing, done, before string) {
	if r.Repeated {
		r.Done = append(r.Done, thing+" "+done)
		return
	}
	r.Absent = append(r.Absent, thing+" "+before)
}

// gone completes the line of a thing that is not there.
const gone = "was gone already"

// retried reports whether the state machine tries again after an error.
func retried(err error) bool {
	name := step.Name(err)
	return name == connection.Throttled || name == connection.Unavailable
}
