// Command demo onboards a vendor on the embedded cloud: the synthesized template, the real state machine and the real functions,
// without AWS and in seconds.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
)

// The exit statuses: as AWS would report the execution, or the command could not run.
const (
	exitSucceeded = 0
	exitFailed    = 1
	exitUnable    = 2
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(exitSucceeded)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(exitUnable)
	}
	result, err := run(o, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(exitUnable)
	}
	if o.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(result); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			os.Exit(exitUnable)
		}
	}
	if result.Status != succeeded {
		os.Exit(exitFailed)
	}
}
