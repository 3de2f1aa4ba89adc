package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"postern/internal/local"
)

// defaultAddress is where the page is served when -serve names no other.
const defaultAddress = "127.0.0.1:8080"

// address is the value of -serve, a flag that may have no value. The value is checked after parsing: for such a flag the flag package
// would report that it needs a boolean.
type address string

func (a *address) String() string   { return string(*a) }
func (a *address) IsBoolFlag() bool { return true }

// Set takes -serve, which the flag package hands over as true, or an address.
func (a *address) Set(value string) error {
	*a = address(value)
	if on, err := strconv.ParseBool(value); err == nil {
		if *a = ""; on {
			*a = defaultAddress
		}
	}
	return nil
}

// check refuses what is no address of this machine.
func (a address) check() error {
	if a == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(string(a))
	if ip := net.ParseIP(host); err != nil || host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("-serve: %q is no address of this machine; write -serve alone, for %s, or one such as -serve=127.0.0.1:9000", a, defaultAddress)
	}
	return nil
}

// serve shows the page of what the run left behind, until you press Ctrl-C.
func serve(cloud *local.Cloud, at address, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", string(at))
	if err != nil {
		return fmt.Errorf("serving the page: %w; -serve=127.0.0.1:0 takes a port that is free", err)
	}
	fmt.Fprintf(out, "\nEvery connection, as the dashboard shows them: http://%s/\nCtrl-C ends it.\n", listener.Addr())
	server := &http.Server{Handler: pageOf(cloud), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close() //nolint:errcheck // it ends
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

// serveAt shows the page as it is some time after the start, whatever is waited for then.
func serveAt(cloud *local.Cloud, o options, out io.Writer) error {
	if err := cloud.Advance(o.at); err != nil {
		return fmt.Errorf("running until %s after the start: %w", o.at, err)
	}
	return serve(cloud, o.serve, out)
}

// around is a document around the widget's answer, which brings its own style.
var around = template.Must(template.New("document").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Postern: every connection</title>
<style>html{color-scheme:light dark}body{margin:0}.clock{margin:0;padding:8px 16px;font:13px/1.45 system-ui,sans-serif;
 background:light-dark(#eceff2,#2a3441);color:light-dark(#4a5460,#b4bec9)}</style>
<body>
<p class="clock">Embedded cloud, a simulation. It is {{.At}} there, and stays so: reloading advances nothing.</p>
{{.Page}}
</body>
</html>
`))

// pageOf serves the page at /. It is what the widget's function answers, called as a dashboard calls it.
func pageOf(cloud *local.Cloud) http.Handler {
	var one sync.Mutex // the cloud does one thing at a time
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, asked *http.Request) {
		one.Lock()
		defer one.Unlock()
		now := cloud.Clock.Now().UTC()
		from, _ := json.Marshal(asked.FormValue("from")) // a string always is JSON
		answer, err := cloud.Invoke("postern-page", fmt.Appendf(nil, `{"at": %q, "from": %s}`, now.Format(time.RFC3339Nano), from))
		var page string
		if err == nil {
			err = json.Unmarshal(answer, &page)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		// The function has escaped every value.
		around.Execute(w, map[string]any{"At": now.Format("Monday, 2 January 2006, 15:04 MST"), "Page": template.HTML(page)}) //nolint:errcheck // the reader went away
	})
	return mux
}
