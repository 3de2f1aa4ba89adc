package webhook

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is what a ticket system signs with, or shows. It prints, logs and marshals as "[redacted]", also inside a struct; the
// text is behind a pointer because package fmt cannot call our methods on a field that is not exported.
type Secret struct{ value *string }

const redacted = "[redacted]"

// NewSecret makes a Secret of its text. White space around it is no part of it: consoles and editors add line breaks.
func NewSecret(text string) Secret {
	text = strings.TrimSpace(text)
	return Secret{value: &text}
}

// reveal returns the text: for computing signatures, nothing else.
func (s Secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format prints "[redacted]" for every verb; a String method alone leaves %d.
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
