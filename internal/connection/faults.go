package connection

import (
	"fmt"
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

// Err returns f as an error, or nil when there is no fault.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f Faults) Error() string {
	var b strings.Builder
	if len(f) == 1 {
		b.WriteString("The request has 1 fault:")
	} else {
		fmt.Fprintf(&b, "The request has %d faults:", len(f))
	}
	for _, fault := range f {
		b.WriteString("\n- ")
		b.WriteString(fault.String())
	}
	return b.String()
}
