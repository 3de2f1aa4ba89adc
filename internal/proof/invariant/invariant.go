// Package invariant says what must hold on the embedded cloud, whatever is done to it: crashes, lost answers, events in any order,
// people who press buttons. The crash sweep, the random schedules, the races and the load test all ask it.
package invariant

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"postern/internal/connection"
	"postern/internal/local"
)

// The invariants. Each violation begins with the name of one; internal/proof/reliability/README.md says what they mean.
const (
	oneOfEach      = "one of each"
	onlyOurs       = "only ours"
	proven         = "proven"
	watched        = "watched"
	lost           = "lost"
	verifiedConfig = "verified config"
	restored       = "restored"
	secretToken    = "secret token"
	oneText        = "one text"
	ended          = "ended"
	released       = "released"
)

// names are in the order of the page.
var names = []string{oneOfEach, onlyOurs, proven, watched, lost, verifiedConfig, restored, secretToken, oneText, ended, released}

// Witness has seen all that happened to a cloud, and says what was wrong.
type Witness struct {
	cloud  *local.Cloud
	others []string        // lines of the inventory: what was there before us
	before map[string]bool // the ids of it

	mu        sync.Mutex
	found     report                      // as it happened
	described map[string]string           // the state of an endpoint that an execution's steps last read, by "execution endpoint"
	verified  map[string]string           // the endpoint of an execution whose last verification passed
	plans     map[string]*connection.Plan // by execution
	planned   map[string]bool             // parameters that plans name
	published map[string]published        // by parameter, what PublishConfig wrote and no later write replaced
}

// published is who published a parameter, and the endpoint that its value points to.
type published struct{ execution, endpoint string }

// Watch begins to watch a cloud. Whatever is in the account now belongs to others.
func Watch(c *local.Cloud) *Witness {
	w := &Witness{
		cloud: c, others: c.Inventory(), before: map[string]bool{}, described: map[string]string{}, verified: map[string]string{},
		plans: map[string]*connection.Plan{}, planned: map[string]bool{}, published: map[string]published{},
	}
	for _, t := range w.things() {
		w.before[t.id] = true
	}
	c.Server.OnExchange(w.exchanged)
	c.States.OnState(w.moved)
	c.States.OnStatusChange(w.changed)
	return w
}

// Violations are what was wrong so far, and what is wrong now that everything has come to rest. Executions that were stopped by
// hand may hold connections and leave things; all others have ended.
func (w *Witness) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := slices.Clone(w.found)
	for _, check := range []func(*Witness, *report){
		(*Witness).oneOfEach, (*Witness).onlyOurs, (*Witness).restored, (*Witness).secretToken, (*Witness).oneText, (*Witness).ended,
		(*Witness).released,
	} {
		check(w, &now)
	}
	slices.Sort(now)
	return slices.Compact(now)
}

// Restored compares the account with an earlier inventory, thing by thing: for a run that failed or removed its connection while
// nothing else changed the account.
func (w *Witness) Restored(before []string) []string {
	if diff := difference(before, w.cloud.Inventory()); diff != "" {
		return []string{restored + ": the account is not as it was: " + diff}
	}
	return nil
}

// report is a list of violations.
type report []string

func (r *report) say(name, format string, args ...any) {
	*r = append(*r, name+": "+fmt.Sprintf(format, args...))
}

// difference says what one list has and the other has not.
func difference(before, after []string) string {
	var lines []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			lines = append(lines, "gone: "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			lines = append(lines, "left: "+line)
		}
	}
	return strings.Join(lines, "; ")
}
