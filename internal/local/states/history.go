package states

import (
	"strings"
	"time"
	"unicode"
)

// maxEvents is how many events the history of an execution has at most. AWS: then the execution fails.
const maxEvents = 25_000

// event is one event of an execution's history.
type event struct {
	id, previous int64
	kind         string // AWS's type, such as TaskStateEntered
	at           time.Time
	details      details
}

// details are the members of an event's details.
type details map[string]any

// with adds data, as AWS does: as text, with a note that it is whole.
func (d details) with(name string, data any) details {
	d[name] = string(encode(data))
	d[name+"Details"] = map[string]any{"truncated": false}
	return d
}

// but adds a member unless it is empty.
func (d details) but(name string, value any) details {
	if value != "" && value != int64(0) {
		d[name] = value
	}
	return d
}

// note adds an event to the history of a run. AWS shows task tokens in it; here they are blotted out, so that no dump of a
// history can answer a task.
func (r *run) note(kind string, d details) {
	if r.silent {
		return
	}
	for name, value := range d {
		if text, ok := value.(string); ok {
			d[name] = r.exec.blot(text)
		}
	}
	r.service.record(r.exec, func(e *execution) {
		if len(e.history) >= maxEvents-1 && !strings.HasPrefix(kind, "Execution") {
			return // full ends the execution
		}
		id := int64(len(e.history) + 1)
		e.history = append(e.history, event{id, r.last, kind, r.service.clock.Now(), d})
		if id > 1 { // AWS: nothing comes after event 1, the start
			r.last = id
		}
	})
}

// blot replaces the tokens of an execution.
func (e *execution) blot(text string) string {
	if !strings.Contains(text, tokenPrefix) {
		return text
	}
	for _, token := range e.tokens {
		text = strings.ReplaceAll(text, token, "[task token]")
	}
	return text
}

// full ends an execution whose history has no room, and reports whether it did.
func (s *Service) full(e *execution) bool {
	if len(e.history) < maxEvents-1 {
		return false
	}
	cause := "The execution reached the maximum number of history events (25000)."
	s.finish(e, Failed, nil, &failure{name: "States.Runtime", cause: cause})
	return true
}

// member is the name of an event's details.
func (e event) member() string {
	switch {
	case strings.HasSuffix(e.kind, "StateEntered"):
		return "stateEnteredEventDetails"
	case strings.HasSuffix(e.kind, "StateExited"):
		return "stateExitedEventDetails"
	default:
		first := []rune(e.kind)
		first[0] = unicode.ToLower(first[0])
		return string(first) + "EventDetails"
	}
}

// wire is the event as the API gives it.
func (e event) wire(withData bool) map[string]any {
	out := map[string]any{"id": e.id, "previousEventId": e.previous, "type": e.kind, "timestamp": epoch(e.at)}
	if e.details == nil {
		return out
	}
	shown := map[string]any{}
	for name, value := range e.details {
		switch name {
		case "input", "output", "parameters", "inputDetails", "outputDetails":
			if !withData {
				continue
			}
		}
		shown[name] = value
	}
	out[e.member()] = shown
	return out
}
