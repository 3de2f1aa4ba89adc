package conformance

import (
	"slices"
	"sync"

	"postern/internal/local/wire"
)

// failer is what Watch needs of a test.
type failer interface {
	Errorf(format string, args ...any)
}

// enough is how many exchanges of an operation with one status are checked: a sweep that repeats for days says the same each time.
const enough = 100

// Watch fails the test for each exchange of the server from now on that is not as AWS's models have it, each fault once.
func Watch(t failer, server *wire.Server) {
	var mu sync.Mutex
	var told []string
	type like struct {
		service, operation string
		status             int
	}
	seen := map[like]int{}
	server.OnExchange(func(e wire.Exchange) {
		if e.Status == 0 || e.Status == 501 { // no answer; or the embedded cloud does not know the call, which fails the test elsewhere
			return
		}
		mu.Lock()
		defer mu.Unlock()
		this := like{e.Service, e.Operation, e.Status}
		if seen[this]++; seen[this] > enough {
			return
		}
		for _, wrong := range Check(e) {
			if !slices.Contains(told, wrong) {
				told = append(told, wrong)
				t.Errorf("not as AWS: %s", wrong)
			}
		}
	})
}
