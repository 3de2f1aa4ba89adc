package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// path leads to a part of an event: names and indexes. The empty path is the event.
type path []step

type step struct {
	name  string
	index int // used when name is ""
}

var pathStep = regexp.MustCompile(`^(?:\.([A-Za-z0-9_/-]+)|\['([^']+)'\]|\[([0-9]{1,6})\])`)

// parsePath reads $.detail.items[0]. The wildcards of AWS are not known here.
func parsePath(text string) (path, error) {
	rest, rooted := strings.CutPrefix(text, "$")
	if !rooted {
		return nil, fmt.Errorf("the path %q does not begin with $", text)
	}
	parsed := path{}
	for rest != "" {
		parts := pathStep.FindStringSubmatch(rest)
		if parts == nil {
			return nil, fmt.Errorf("the path %q is not known here from %q on", text, rest)
		}
		rest = rest[len(parts[0]):]
		at := step{name: parts[1] + parts[2]}
		if at.name == "" {
			at.index, _ = strconv.Atoi(parts[3]) // digits
		}
		parsed = append(parsed, at)
	}
	return parsed, nil
}

// find returns what the path leads to, as it is written.
func (p path) find(document []byte) ([]byte, bool) {
	at := json.RawMessage(document)
	for _, s := range p {
		if s.name != "" {
			var members map[string]json.RawMessage
			if json.Unmarshal(at, &members) != nil || members[s.name] == nil {
				return nil, false
			}
			at = members[s.name]
			continue
		}
		var elements []json.RawMessage
		if json.Unmarshal(at, &elements) != nil || s.index >= len(elements) {
			return nil, false
		}
		at = elements[s.index]
	}
	return at, true
}
