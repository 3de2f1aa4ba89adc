// Package events holds the wire contract as data: what may be sent to Postern, and what it sends. The files are samples for
// people to paste and for tests to read.
package events

import (
	"embed"
	"fmt"
)

//go:embed *.json
var files embed.FS

// Read returns a sample by its file name. A name that is not there is a defect of the caller.
func Read(name string) []byte {
	raw, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("events: %v", err))
	}
	return raw
}

// Names returns the names of all samples, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(fmt.Sprintf("events: %v", err))
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}
