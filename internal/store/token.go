package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Token is a Step Functions task token.
//
// AWS: states:SendTask* cannot be restricted to a state machine, so a token is a bearer credential for the account. It therefore
// prints, logs and marshals as "[redacted]", also inside a struct, and only Reveal gives the value. The text is behind a pointer
// because package fmt cannot call our methods on a field that is not exported: there it prints an address instead.
type Token struct{ value *string }

const redacted = "[redacted]"

// NewToken makes a Token of its text.
func NewToken(value string) Token { return Token{value: &value} }

// Reveal returns the token's text: for SendTask* and for the table, nothing else.
func (t Token) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// UnmarshalText reads a token from what the state machine hands over.
func (t *Token) UnmarshalText(text []byte) error {
	*t = NewToken(string(text))
	return nil
}

// Scrub returns err with the token cut out of its text, or nil for nil: a service may repeat what it was sent.
func (t Token) Scrub(err error) error {
	if err == nil || t.Reveal() == "" || !strings.Contains(err.Error(), t.Reveal()) {
		return err
	}
	return scrubbed{err: err, token: t}
}

// Format prints "[redacted]" for every verb; a String method alone leaves %d.
func (t Token) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (t Token) String() string               { return redacted }
func (t Token) GoString() string             { return redacted }
func (t Token) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (t Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// fingerprint tells one token from another without saying what it is.
func (t Token) fingerprint() string {
	sum := sha256.Sum256([]byte(t.Reveal()))
	return hex.EncodeToString(sum[:8])
}

type scrubbed struct {
	err   error
	token Token
}

func (s scrubbed) Error() string {
	return strings.ReplaceAll(s.err.Error(), s.token.Reveal(), redacted)
}
func (s scrubbed) Unwrap() error { return s.err }
