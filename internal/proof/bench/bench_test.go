package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/proof/handlers"
)

// within are figures that meet every budget exactly.
func within() []figure {
	var figures []figure
	for _, b := range budgets {
		figures = append(figures, figure{budget: b, value: b.limit})
	}
	return figures
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := table(&out, within()); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	if !strings.Contains(out.String(), "4.50 MB") || strings.Contains(out.String(), "PAST") {
		t.Errorf("table at the limits:\n%s", out.String())
	}
}

func TestEveryBudgetThatIsExceededFails(t *testing.T) {
	t.Parallel()
	for i, b := range budgets {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			beyond := math.Nextafter(b.limit, math.Inf(1))
			if b.atLeast {
				beyond = math.Nextafter(b.limit, 0)
			}
			for _, value := range []float64{beyond, math.NaN()} {
				figures := within()
				figures[i].value = value
				var out strings.Builder
				err, past := table(&out, figures), fmt.Sprintf("1 of %d figures", len(budgets))
				if err == nil || !strings.HasPrefix(err.Error(), past) || strings.Count(out.String(), "PAST THE BUDGET") != 1 {
					t.Errorf("of %v: error %v\n%s", value, err, out.String())
				}
			}
			if err := table(io.Discard, append(within()[:i], within()[i+1:]...)); err == nil || !strings.Contains(err.Error(), b.what) {
				t.Errorf("not measured: error %v", err)
			}
		})
	}
}

func TestZipped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o755); err != nil {
		t.Fatal(err)
	}
	size, err := zipped(path)
	if err != nil || size < 1000 || size > 2000 { // a thousandth is the most that deflate takes away
		t.Errorf("a zip of zeros has %d bytes, %v", size, err)
	}
	again, err := zipped(path)
	if err != nil || again != size {
		t.Errorf("the second zip has %d bytes, %v; the first %d", again, err, size)
	}
	if _, err := zipSizes(t.TempDir(), []string{"plan"}); err == nil || !strings.Contains(err.Error(), "plan") {
		t.Errorf("of a function that was not built: %v", err)
	}
}

// What does not depend on the machine meets its budget in every test run too.
func TestOnboardingIsWithinItsBudgets(t *testing.T) {
	t.Parallel()
	cloud, err := world.Open(local.Config{TemplatePath: filepath.Join("..", "..", "..", templatePath), Functions: handlers.InProcess()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	figures, err := onboarding(cloud)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.budget != speed && (!f.budget.met(f.value) || f.value <= 0) {
			t.Errorf("%s: %v, budget %s", f.budget.what, f.value, f.budget.bound())
		}
	}
}

func TestDriftCheckIsWithinItsBudgets(t *testing.T) {
	t.Parallel()
	cloud, err := world.Open(local.Config{TemplatePath: filepath.Join("..", "..", "..", templatePath), Functions: handlers.InProcess()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	figures, err := drifting(cloud)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if !f.budget.met(f.value) || f.value <= 0 {
			t.Errorf("%s: %v, budget %s: %s", f.budget.what, f.value, f.budget.bound(), f.of)
		}
		t.Logf("%s: %v: %s", f.budget.what, f.value, f.of)
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	api, err := newRuntimeAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.server.Close() })
	path := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho no table\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := api.start(t.Context(), path, nil); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("error %v", err)
	}
}

// The page lists every budget, with the limit of the code.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "budgets.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, "| ") {
			rows = append(rows, line)
		}
	}
	if len(rows) != len(budgets)+1 {
		t.Fatalf("%d rows with the head, for %d budgets", len(rows), len(budgets))
	}
	for i, b := range budgets {
		if want := "| " + b.what + " | " + b.bound() + " |"; !strings.HasPrefix(rows[i+1], want) {
			t.Errorf("row %q, want %q", rows[i+1], want)
		}
	}
}
