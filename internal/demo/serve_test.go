package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/proof/handlers"
)

func TestServeFlag(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]address{
		"": "", "-serve": "127.0.0.1:8080", "-serve=127.0.0.1:9000": "127.0.0.1:9000", "-serve=localhost:0": "localhost:0", "-serve=[::1]:1": "[::1]:1",
		"-serve=false": "",
	} {
		if o, err := parse(strings.Fields(args), io.Discard); err != nil || o.serve != want {
			t.Errorf("%q gives %q, %v", args, o.serve, err)
		}
	}
}

func TestServeAt(t *testing.T) {
	t.Parallel()
	for args, fine := range map[string]bool{"-serve -at 30h": true, "-at 30h": false, "-serve -at -1h": false, "-serve -at 9000h": false} {
		if _, err := parse(strings.Fields(args), io.Discard); (err == nil) != fine {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// The page that is served is the widget's, at the simulated time, and looking at it changes nothing.
func TestServedPage(t *testing.T) {
	t.Parallel()
	cloud, err := world.Open(local.Config{TemplatePath: "../../infra/testdata/postern.template.json", Functions: handlers.InProcess(),
		Others: []local.Other{{TemplatePath: "../../infra/testdata/postern-agents-research.template.json",
			StackName: "Postern-agents-research", AccountID: world.OtherAccount, Region: world.Region}}})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close() //nolint:errcheck // nothing is left to be closed
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(cloud)
	if _, err := cloud.StartExecution("", events.Read("onboard.monte-carlo.json")); err != nil {
		t.Fatal(err)
	}
	if err := cloud.Advance(4 * time.Hour); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pageOf(cloud))
	defer server.Close()
	get := func(method, path string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if policy := answer.Header.Get("Content-Security-Policy"); answer.StatusCode == 200 && !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("a script could run: %q", policy)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	status, page := get("GET", "/")
	for _, want := range []string{
		"<!doctype html>", "It is Monday, 2 November 2026, 18:00 UTC there", "monte-carlo/agents-prod", ">Onboarded<", "Nothing needs you",
	} {
		if status != 200 || !strings.Contains(page, want) {
			t.Errorf("%d, and no %q in %s", status, want, page)
		}
	}
	if _, again := get("GET", "/"); again != page {
		t.Error("reloading changed the page")
	}
	if at := cloud.Clock.Now(); !at.Equal(time.Date(2026, 11, 2, 18, 0, 0, 0, time.UTC)) {
		t.Errorf("looking moved the clock to %s", at)
	}
	// One page has all that is there, whatever is asked for.
	for _, query := range []string{"?from=0", "?from=500", "?from=x%22}", "?from=-1", "?from=%00&from=3"} {
		if status, other := get("GET", "/"+query); status != 200 || other != page {
			t.Errorf("%s answers %d with another page", query, status)
		}
	}
	for path, want := range map[string]int{"POST /": 405, "GET /other": 404} {
		method, path, _ := strings.Cut(path, " ")
		if status, _ := get(method, path); status != want {
			t.Errorf("%s %s answers %d, want %d", method, path, status, want)
		}
	}
}
