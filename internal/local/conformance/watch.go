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

// Watch fails the test for each exchange of the server from now on that is not as AWS's models have it, each fault once.
func Watch(t failer, server *wire.Server) {
	var mu sync.Mutex
	var told []string
	server.OnExchange(func(e wire.Exchange) {
		if e.Status == 501 { // the embedded cloud does not know the call, which is told louder elsewhere
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, wrong := range Check(e) {
			if !slices.Contains(told, wrong) {
				told = append(told, wrong)
				t.Errorf("not as AWS: %s", wrong)
			}
		}
	})
}
