package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

var update = flag.Bool("update", false, "renew testdata/postern.template.json")

const golden = "testdata/postern.template.json"

// template is the stack as CloudFormation gets it, synthesized once from cdk.json with stubs for the functions' code.
var template struct {
	Resources map[string]resource
	raw       []byte
}

type resource struct {
	Type           string
	Properties     map[string]any
	DeletionPolicy string
}

// TestMain synthesizes in a child process: jsii is not safe for goroutines, and its own races would fail every test under -race.
func TestMain(m *testing.M) {
	if os.Getenv("POSTERN_SYNTH") != "" {
		main()
		return
	}
	flag.Parse()
	jsii.Close() // importing CDK made a temporary directory
	if err := synthesize(); err != nil {
		fmt.Fprintln(os.Stderr, "synthesizing:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func synthesize() error {
	dir, err := os.MkdirTemp("", "postern-synth")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	functions, err := filepath.Glob("../lambdas/*/main.go")
	if err != nil || len(functions) == 0 {
		return fmt.Errorf("no functions under lambdas: %w", err)
	}
	for _, main := range functions {
		name := filepath.Base(filepath.Dir(main))
		if err := os.MkdirAll(filepath.Join(dir, "assets", name), 0o755); err != nil {
			return err
		}
		// Stubs give stable asset hashes, so that the golden template changes with the stack only.
		if err := os.WriteFile(filepath.Join(dir, "assets", name, "bootstrap"), []byte("stub of "+name), 0o755); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self)
	child.Dir = ".."
	child.Env = append(os.Environ(), "POSTERN_SYNTH=1", "POSTERN_ASSETS="+filepath.Join(dir, "assets"), "CDK_OUTDIR="+filepath.Join(dir, "out"),
		"CDK_VALIDATION=false", "TMPDIR="+dir, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=18,20",
		"GORACE=exitcode=0 log_path="+filepath.Join(dir, "race")) // jsii's own races, in the child only
	if out, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	if template.raw, err = os.ReadFile(filepath.Join(dir, "out", "Postern.template.json")); err != nil {
		return err
	}
	if *update {
		if err := os.WriteFile(golden, template.raw, 0o644); err != nil {
			return err
		}
	}
	return json.Unmarshal(template.raw, &template)
}
