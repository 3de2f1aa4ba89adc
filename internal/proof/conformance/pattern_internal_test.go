package conformance

import "testing"

func TestPatternsAreKnown(t *testing.T) {
	t.Parallel()
	count := 0
	for service, model := range models() {
		for name, shape := range model.Shapes {
			if shape.Pattern == "" {
				continue
			}
			if count++; pattern(shape.Pattern) == nil && shape.Pattern != `^(?!\s*$).+` { // not blank: Go has no look-ahead
				t.Errorf("%s.%s: Go does not know the pattern %s", service, name, shape.Pattern)
			}
		}
	}
	if count == 0 {
		t.Error("no model has a pattern")
	}
}
