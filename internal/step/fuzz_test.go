package step

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"postern/internal/connection"
)

// Whatever a function is handed, it is read and the function is called, or the error is Internal, by its name.
func FuzzHandle(f *testing.F) {
	for _, seed := range []string{
		`{"execution":"arn","enteredAt":"2026-11-02T14:00:00.000Z","state":{"plan":{"connectionId":"v/n","new":1},"request":[]}}`,
		`{"enteredAt":"yesterday"}`, `{"state":[]}`, `{"state":{"plan":7}}`, `null`, `{}`, `{"state":{"verification":{"notAfter":null}}}`,
	} {
		f.Add([]byte(seed))
	}
	called := false
	handler := Handle(slog.New(slog.DiscardHandler), func(_ context.Context, in connection.Input) (connection.State, error) {
		called = true
		return in.State, nil
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return // Lambda hands over JSON
		}
		called = false
		out, err := handler.Invoke(t.Context(), raw)
		var named messages.InvokeResponse_Error
		switch {
		case err != nil && (!errors.As(err, &named) || named.Type != connection.Internal || called):
			t.Errorf("%s: %v", raw, err)
		case err == nil && (!called || !json.Valid(out)):
			t.Errorf("%s: %s", raw, out)
		}
	})
}
