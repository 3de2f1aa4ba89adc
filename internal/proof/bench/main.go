// Command bench measures what has a budget, and fails when one is exceeded: internal/proof/budgets.md. It needs what `make bench` builds.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/template"
	"postern/internal/proof/handlers"
)

// What it reads, from the project's root.
const (
	templatePath = "infra/testdata/postern.template.json"
	forAWS       = "build/lambda" // as make build leaves the functions
	forHost      = "build/host"   // as make host does
	helloPath    = "build/bench/hello"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	cloud, err := world.Open(local.Config{TemplatePath: templatePath, Functions: handlers.InProcess()})
	if err != nil {
		return fmt.Errorf("opening the simulator: %w: run make bench from the project's root", err)
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	names := functions(cloud.Stack)
	figures, err := zipSizes(forAWS, names)
	if err != nil {
		return err
	}
	started, err := starts(ctx, helloPath, forHost, cloud.Stack)
	if err != nil {
		return err
	}
	onboarded, err := onboarding(cloud)
	if err != nil {
		return err
	}
	many, err := loaded()
	if err != nil {
		return err
	}
	drifted, err := driftOf(forHost)
	if err != nil {
		return err
	}
	return table(out, slices.Concat(figures, started, onboarded, many, drifted))
}

// functions are the names under lambdas/ of a stack's functions, sorted.
func functions(stack *template.Stack) []string {
	var names []string
	for _, f := range template.All[template.Function](stack) {
		names = append(names, f.Properties.Handler)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bootstrap is a function's executable in a directory of builds.
func bootstrap(directory, name string) string { return filepath.Join(directory, name, "bootstrap") }
