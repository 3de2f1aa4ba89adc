package webhook

import "testing"

// Whatever the block, it is refused, or every source in it is one that maps a payload without a panic.
func FuzzLoad(f *testing.F) {
	for _, name := range Names() {
		f.Add(name + `: {}`)
	}
	for _, seed := range []string{
		`{"jira": {"writeBack": {"baseUrl": "https://tickets.example.com"}}}`, `github: {fields: {vendor: "### "}}`, `null`, `[]`, `jira: null`,
		`standard: {actions: {a: onboard}, actionFrom: /}`, `github: {ticketUrl: "https://x/{"}`, `zendesk: {fields: {"inputs.": /a}}`,
	} {
		f.Add(seed)
	}
	known := vendors(f)
	f.Fuzz(func(t *testing.T, block string) {
		sources, err := Load(block)
		if err != nil {
			return
		}
		for name, source := range sources {
			source.Map(sample(name), networks, known)
			source.Map([]byte(`{}`), networks, known)
		}
	})
}
