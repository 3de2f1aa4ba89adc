package connection

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a request. Path is the field's path in the request (`target.subnetIds[1]`), Problem says what
// is wrong with it, Remedy what to write or do instead.
type Fault struct {
	Path    string `json:"path"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

func (f Fault) String() string {
	line := f.Problem
	if f.Path != "" {
		line = f.Path + ": " + line
	}
	if f.Remedy != "" {
		line += "; " + f.Remedy
	}
	return line
}

// Faults is every fault of one request, reported at once. As an error its name is InvalidRequest; the first line is short,
// then comes one fault per line, so that the error panel of the Step Functions console is readable.
type Faults []Fault

// Add appends one fault.
func (f *Faults) Add(path, problem, remedy string) {
	*f = append(*f, Fault{Path: path, Problem: problem, Remedy: remedy})
}

// Addf appends one fault whose problem is formatted.
func (f *Faults) Addf(path, remedy, problem string, args ...any) {
	f.Add(path, fmt.Sprintf(problem, args...), remedy)
}

// Covers reports whether a fault is at a path or at something that contains it, so that nothing inside is known.
func (f Faults) Covers(path string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return within(path, fault.Path) })
}

// Within reports whether a fault is at a path or inside it.
func (f Faults) Within(path string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return within(fault.Path, path) })
}

// within reports whether a path is inside another or the same; "" is the whole request.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Err returns f as an error, or nil when there is no fault.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// maxFaultText is about how many bytes of faults are written. AWS: the cause of a failed execution has at most 32,768 characters.
const maxFaultText = 16_384

func (f Faults) Error() string {
	var b strings.Builder
	if len(f) == 1 {
		b.WriteString("The request has 1 fault:")
	} else {
		fmt.Fprintf(&b, "The request has %d faults:", len(f))
	}
	for i, fault := range f {
		if b.Len() > maxFaultText {
			fmt.Fprintf(&b, "\n- and %d more", len(f)-i)
			break
		}
		b.WriteString("\n- ")
		b.WriteString(fault.String())
	}
	return b.String()
}
