package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "AQCEAAAAKgAAAAMAAAAA-canary-task-token"

// TestTokenNeverShows covers every way a value gets out by accident; a LogValuer alone leaks inside a struct and through JSON.
func TestTokenNeverShows(t *testing.T) {
	t.Parallel()
	token := NewToken(canary)
	type holder struct {
		Token   Token
		Pointer *Token
		Tokens  []Token
		ByName  map[string]Token
		Any     any
		hidden  Token // package fmt reads it without its methods
	}
	inside := holder{token, &token, []Token{token}, map[string]Token{"t": token}, token, token}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", token)
		fmt.Fprintf(&out, verb+"\n", inside)
		fmt.Fprintf(&out, verb+"\n", []any{token, &token})
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("x", "token", token, "pointer", &token, "inside", inside, "map", map[string]any{"t": token})
	}
	for _, value := range []any{token, inside, map[Token]int{token: 1}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	fmt.Fprintf(&out, "%#v %+v", scrubbed{errors.New("x"), token}, &inside.hidden)
	fmt.Fprintln(&out, errors.Join(fmt.Errorf("x %v %v", token, inside)))
	hex := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, hex, strings.ToUpper(hex)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("the token leaks as %q", leak)
		}
	}
	if !strings.Contains(out.String(), redacted) || token.Reveal() != canary {
		t.Error("the test printed nothing, or Reveal does not give the token")
	}
}

func TestTokenIsRead(t *testing.T) {
	t.Parallel()
	var in struct{ Token Token }
	if err := json.Unmarshal([]byte(`{"token":"`+canary+`"}`), &in); err != nil || in.Token.Reveal() != canary {
		t.Errorf("read %q, %v", in.Token.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"token":7}`), &in); err == nil {
		t.Error("a number was read as a token")
	}
}

func TestScrub(t *testing.T) {
	t.Parallel()
	token := NewToken(canary)
	cause := errors.New("InvalidToken: " + canary + " is not known, " + canary)
	got := token.Scrub(fmt.Errorf("sending: %w", cause))
	if strings.Contains(got.Error(), canary) || !strings.Contains(got.Error(), "sending: InvalidToken: [redacted]") {
		t.Errorf("scrubbed: %v", got)
	}
	if !errors.Is(got, cause) {
		t.Error("the cause is lost")
	}
	if token.Scrub(nil) != nil {
		t.Error("nil became an error")
	}
	other := errors.New("nothing to hide")
	if token.Scrub(other) != other || NewToken("").Scrub(other) != other {
		t.Error("an error without the token was changed")
	}
}
