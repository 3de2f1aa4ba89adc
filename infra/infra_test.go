package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

var update = flag.Bool("update", false, "renew testdata/postern.template.json")

const (
	golden = "testdata/postern.template.json"
	// goldenNetworks are the stacks of the demo's networks in other accounts and Regions; the name is the network's.
	goldenNetworks = "testdata/postern-%s.template.json"
	// demo is the postern block of the embedded cloud's world, so that whatever cdk.json deploys the golden template stays.
	demo = "testdata/settings.json"
)

// template is the stack as CloudFormation gets it, synthesized once with stubs for the functions' code.
var template stackTemplate

type stackTemplate struct {
	Resources map[string]resource
	raw       []byte
	networks  map[string][]byte // the stacks of networks in other accounts and Regions, by name
}

type resource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// TestMain synthesizes in a child process: jsii is not safe for goroutines, and its own races would fail every test under -race.
func TestMain(m *testing.M) {
	switch os.Getenv("POSTERN_SYNTH") {
	case "":
	case "nag":
		nag()
		return
	default:
		main()
		return
	}
	flag.Parse()
	jsii.Close() // importing CDK made a temporary directory
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		os.Exit(m.Run()) // a fuzz target has no use for the template
	}
	settings, err := os.ReadFile(demo)
	if err == nil {
		template, err = synthesize(settings)
	}
	if err == nil && *update {
		err = os.WriteFile(golden, template.raw, 0o644)
		for name, raw := range template.networks {
			err = errors.Join(err, os.WriteFile(fmt.Sprintf(goldenNetworks, name), raw, 0o644))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "synthesizing:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// synthesize runs the app with the given postern block and returns the template, or what the app said.
func synthesize(settings []byte) (stackTemplate, error) {
	dir, err := os.MkdirTemp("", "postern-synth")
	if err != nil {
		return stackTemplate{}, err
	}
	defer os.RemoveAll(dir)
	if err := assemble(dir, "app", settings); err != nil {
		return stackTemplate{}, err
	}
	made := stackTemplate{networks: map[string][]byte{}}
	if made.raw, err = os.ReadFile(filepath.Join(dir, "out", "Postern.template.json")); err != nil {
		return stackTemplate{}, err
	}
	others, err := filepath.Glob(filepath.Join(dir, "out", "Postern-*.template.json"))
	if err != nil {
		return stackTemplate{}, err
	}
	for _, path := range others {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "Postern-"), ".template.json")
		if made.networks[name], err = os.ReadFile(path); err != nil {
			return stackTemplate{}, err
		}
	}
	return made, json.Unmarshal(made.raw, &made)
}

// assemble writes the cloud assembly of the given postern block to out in dir; mode is what the child process runs.
func assemble(dir, mode string, settings []byte) error {
	if err := stubs(filepath.Join(dir, "assets")); err != nil {
		return err
	}
	file := filepath.Join(dir, "settings.json")
	if err := os.WriteFile(file, settings, 0o644); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self)
	child.Dir = ".."
	child.Env = append(os.Environ(), "POSTERN_SYNTH="+mode, settingsFile+"="+file, "POSTERN_ASSETS="+filepath.Join(dir, "assets"),
		"CDK_OUTDIR="+filepath.Join(dir, "out"), "CDK_VALIDATION=false", "TMPDIR="+dir,
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=18,20",
		"GORACE=exitcode=0 log_path="+filepath.Join(dir, "race")) // jsii's own races, in the child only
	if out, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// stubs writes code for every function: the same each time, so that asset hashes and with them the golden template change with
// the stack only.
func stubs(dir string) error {
	functions, err := filepath.Glob("../lambdas/*/main.go")
	if err != nil || len(functions) == 0 {
		return fmt.Errorf("no functions under lambdas: %w", err)
	}
	for _, main := range functions {
		name := filepath.Base(filepath.Dir(main))
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name, "bootstrap"), []byte("stub of "+name), 0o755); err != nil {
			return err
		}
	}
	return nil
}
