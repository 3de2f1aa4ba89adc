package publish

import "postern/internal/connection"

// Holds reports whether a parameter still says what was published: the whole value, or for YAML our key in it, since the rest of
// the document is other people's.
func Holds(output connection.Output, existing Existing) bool {
	value, err := compose(output, &existing)
	return err == nil && value == existing.Value
}
