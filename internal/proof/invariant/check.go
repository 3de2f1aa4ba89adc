package invariant

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
)

// thing is something in the account that says whose it is.
type thing struct {
	kind, id, connection string
	dead                 bool // an endpoint that will never be available
	madeBy               func(execution string) bool
}

// things are the endpoints, zones and security groups of the account, those on their way out left aside.
func (w *Witness) things() []thing {
	var all []thing
	tagged := func(kind, id string, tags map[string]string) {
		all = append(all, thing{kind: kind, id: id, connection: tags[connection.TagConnection], madeBy: func(execution string) bool {
			return tags[connection.TagExecution] == execution || tags[connection.TagPrivateDNS] == execution
		}})
	}
	for _, e := range w.cloud.World.Endpoints() {
		if e.State != privatelink.Deleted && e.State != privatelink.Deleting {
			tagged("endpoint", e.ID, e.Tags)
			all[len(all)-1].dead = !connection.ParseEndpointState(string(e.State)).Live()
		}
	}
	for _, group := range w.cloud.World.SecurityGroups() {
		tagged("security group", group.ID, group.Tags)
	}
	for _, zone := range w.cloud.Zones.Zones() {
		reference := strings.Split(zone.CallerReference, ":") // postern:vendor/name:token
		if len(reference) != 3 || reference[0] != "postern" {
			reference = []string{"", "", ""}
		}
		all = append(all, thing{kind: "hosted zone", id: zone.ID, connection: reference[1], madeBy: func(execution string) bool {
			name := strings.TrimSuffix(zone.Name, ".")
			token := connection.ClientToken(execution, "hosted-zone", name, zone.VPCs[0].ID)
			return reference[2] != "" && strings.HasPrefix(token, reference[2])
		}})
	}
	return all
}

// oneOfEach: a connection has at most one live endpoint, one zone and one security group, and an endpoint one notification. That a
// zone has one record of a name and type is Route 53's own rule.
func (w *Witness) oneOfEach(r *report) {
	count := map[string]int{}
	for _, t := range w.things() {
		if t.connection != "" && !t.dead {
			count[t.kind+" of "+t.connection]++
		}
	}
	for _, n := range w.cloud.World.Notifications() {
		count["connection notification of "+n.EndpointID]++
	}
	for what, n := range count {
		if n > 1 {
			r.say(oneOfEach, "%d times %s", n, what)
		}
	}
}

// parameterLine is a parameter in an inventory.
var parameterLine = regexp.MustCompile(`^parameter (\S+) = `)

// ownTag is a tag of ours in an inventory.
var ownTag = regexp.MustCompile(` ?postern:[a-z-]+:[^ \]]+`)

// handedBack is an inventory as it would be if every endpoint that was taken over lost our tags: all that may differ of it.
func handedBack(inventory []string) []string {
	lines := slices.Clone(inventory)
	for i, line := range lines {
		if strings.Contains(line, connection.TagAdopted+":") {
			lines[i] = strings.Replace(ownTag.ReplaceAllString(line, ""), "map[ ", "map[", 1)
		}
	}
	return lines
}

// onlyOurs: what was there before is as it was, but for the parameters that plans name and our tags on an endpoint that was taken
// over, and what is new says whose it is.
func (w *Witness) onlyOurs(r *report) {
	parameters := map[string]bool{}
	now := handedBack(w.cloud.Inventory())
	for _, line := range w.others {
		match := parameterLine.FindStringSubmatch(line)
		if match != nil {
			parameters[match[1]] = true
		}
		if (match == nil || !w.planned[match[1]]) && !slices.Contains(now, line) {
			r.say(onlyOurs, "something of others is changed or gone: %s", line)
		}
	}
	for _, name := range w.cloud.Parameters.Names() {
		if !parameters[name] && !w.planned[name] {
			r.say(onlyOurs, "no plan names parameter %s", name)
		}
	}
	kept := w.ledgers()
	for _, t := range w.things() {
		switch {
		case t.connection == "" && !w.before[t.id]:
			r.say(onlyOurs, "%s %s does not say whose it is", t.kind, t.id)
		case t.connection != "" && !strings.Contains(kept[t.connection], t.id) && !w.abandoned(t):
			r.say(onlyOurs, "%s %s says that it is of %s, whose ledger does not know of it", t.kind, t.id, t.connection)
		}
	}
}

// ledgers are the ledgers of the connections, as they are stored.
func (w *Witness) ledgers() map[string]string {
	all := map[string]string{}
	for _, item := range w.items() {
		all[item["id"].Text] = item["ledger"].Text
	}
	return all
}

// abandoned reports whether a stopped execution created a thing: the execution that adopts the connection finds it by its tags.
func (w *Witness) abandoned(t thing) bool {
	return slices.ContainsFunc(w.cloud.States.Executions(), func(e states.Execution) bool {
		return (e.Status == states.Aborted || e.Redrives > 0) && t.madeBy(e.ARN)
	})
}

// restored: of a run that ended clean, nothing that it made is left, and no value that it published. One that was redriven may have
// lost its connection, with what it made, to another meanwhile.
func (w *Witness) restored(r *report) {
	for _, e := range w.cloud.States.Executions() {
		if e.Status != states.Failed || last(e) != "FailedClean" || e.Redrives > 0 {
			continue
		}
		for _, t := range w.things() {
			if t.connection != "" && t.madeBy(e.ARN) {
				r.say(restored, "%s is FailedClean, and left %s %s", e.ARN, t.kind, t.id)
			}
		}
		for name, value := range w.published {
			if value.execution == e.ARN {
				r.say(restored, "%s is FailedClean, and left its value in parameter %s", e.ARN, name)
			}
		}
	}
}

// secretToken: no task token in any log or metric (they are in the logs), output, error, event, mail or ticket. Calls and histories
// are looked at as they are written.
func (w *Witness) secretToken(r *report) {
	check := func(place, text string) {
		if token.MatchString(text) {
			r.say(secretToken, "a task token is in %s", place)
		}
	}
	for name, log := range w.cloud.Logs() {
		check("the log of "+name, log)
	}
	for _, e := range w.cloud.States.Executions() {
		check("the input, output, error or cause of "+e.ARN, string(e.Input)+string(e.Output)+e.Error+e.Cause)
	}
	for _, e := range w.cloud.Events.Events() {
		check("an event", string(e.Event.Detail))
	}
	for _, mail := range w.cloud.Mail() {
		check("a mail", mail.Subject+mail.Body)
	}
	for _, comment := range world.Tickets(w.cloud).Comments("") {
		check("a comment", comment.Body)
	}
	for _, what := range w.cloud.Dropped() {
		check("what was dropped", what)
	}
}

// executionLine is where a mail says which execution it is of.
var executionLine = regexp.MustCompile(`(?m)^Execution: .*$`)

// pastPart is where a reminder says what part of the vendor's hours has passed.
var pastPart = regexp.MustCompile(`\(past \d+ percent\)`)

// driftSubject begins the subject of a mail about drift. The mail goes to no vendor, and a duplicate is better than a lost one.
const driftSubject = "Postern drift"

// oneText: a vendor is asked once for each request and gate, and reminded once of the same thing.
func (w *Witness) oneText(r *report) {
	sent := map[string]int{}
	for _, mail := range w.cloud.Mail() {
		if strings.HasPrefix(mail.Subject, driftSubject) {
			continue
		}
		what := mail.Subject + ": " + mail.Body
		if execution := executionLine.FindString(mail.Body); execution != "" {
			asked, _, _ := strings.Cut(mail.Body, "\n") // whom for what
			what = asked + " " + pastPart.FindString(mail.Body) + " " + execution
		}
		sent[what]++
	}
	for _, text := range slices.Sorted(maps.Keys(sent)) {
		if sent[text] > 1 {
			r.say(oneText, "sent %d times: %s", sent[text], text)
		}
	}
}

// ended: every execution has ended in a terminal state of the workflow, or was stopped manually. Only an offboarding may leave
// resources, and it reports them.
func (w *Witness) ended(r *report) {
	for _, e := range w.cloud.States.Executions() {
		switch {
		case e.Status == states.Aborted, e.Status == states.Succeeded:
		case e.Status == states.Failed && last(e) == "FailedClean":
		case e.Status == states.Failed && last(e) == "FailedDirty" && slices.Contains(e.Path, "Offboard"):
		default:
			r.say(ended, "%s is %s in %s: %s: %s", e.ARN, e.Status, last(e), e.Error, e.Cause)
		}
	}
}

// released: only an execution that runs, or was stopped manually, holds a connection.
func (w *Witness) released(r *report) {
	for _, item := range w.items() {
		holder := item["holder"].Text
		if e, known := w.cloud.States.Execution(holder); holder != "" && (!known || e.Status != states.Running && e.Status != states.Aborted) {
			r.say(released, "connection %s is still held by %s, which is %s", item["id"].Text, holder, e.Status)
		}
	}
}
