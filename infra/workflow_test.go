package main

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

// machine is the state machine, as far as these tests look.
var machine = func() (m struct {
	StartAt string
	States  map[string]struct {
		Type, Next, Default string
		Retry, Catch        []struct {
			ErrorEquals []string
			Next        string
		}
		Choices []struct{ Next string }
	}
}) {
	if err := json.Unmarshal([]byte(definition), &m); err != nil {
		panic(err)
	}
	return m
}()

// errorNames are the names of connection/errors.go, read from the source so that none is forgotten here.
func errorNames(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("../internal/connection/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^\t(\w+) += "(\w+)"$`).FindAllStringSubmatch(string(source), -1) {
		if match[1] != match[2] {
			t.Errorf("constant %s has the value %s", match[1], match[2])
		}
		names = append(names, match[2])
	}
	if len(names) < 10 {
		t.Fatalf("found only %v", names)
	}
	return names
}

// awsName is a name that AWS gives: Step Functions, Lambda, and a runtime that crashed or ran out of time.
var awsName = regexp.MustCompile(`^(States|Lambda|Runtime|Sandbox)\.`)

func TestErrorNamesOfTheMachineAreKnown(t *testing.T) {
	t.Parallel()
	names, retried := errorNames(t), map[string]bool{}
	for state, s := range machine.States {
		for i, handlers := range [][]struct {
			ErrorEquals []string
			Next        string
		}{s.Retry, s.Catch} {
			for _, handler := range handlers {
				for _, name := range handler.ErrorEquals {
					if awsName.MatchString(name) {
						continue
					}
					if !slices.Contains(names, name) {
						t.Errorf("%s: %s is no error of internal/connection", state, name)
					}
					if i == 0 {
						retried[name] = true
					}
				}
			}
		}
	}
	want := []string{connection.ConnectivityFailed, connection.EndpointPending, connection.RollbackPending, connection.Throttled, connection.Unavailable}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(retried))); diff != "" {
		t.Errorf("retried names (-want +got):\n%s", diff)
	}
}

func TestEveryTaskIsCaught(t *testing.T) {
	t.Parallel()
	for name, s := range machine.States {
		if s.Type != "Task" {
			continue
		}
		last := s.Catch[len(s.Catch)-1]
		want := "Rollback"
		if name == "Rollback" {
			want = "FailedDirty"
		}
		if !slices.Equal(last.ErrorEquals, []string{"States.ALL"}) || last.Next != want {
			t.Errorf("%s: its last catcher is %v to %s, want States.ALL to %s", name, last.ErrorEquals, last.Next, want)
		}
	}
	for name, s := range machine.States {
		if s.Type == "Choice" && s.Default == "" {
			t.Errorf("%s has no Default", name)
		}
	}
}

func TestPlaceholdersAreFilledIn(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(definition, -1) {
		used[match[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(placeholders)), slices.Sorted(maps.Keys(used))); diff != "" {
		t.Errorf("names (-filled in +used):\n%s", diff)
	}
}

// tableOf returns the first column of the table that follows a heading or line of a document.
func tableOf(t *testing.T, path, after string) []string {
	t.Helper()
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(document), after)
	if !found {
		t.Fatalf("%s has no %q", path, after)
	}
	var cells []string
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "|") {
			cells = append(cells, strings.Trim(strings.Split(line, "|")[1], " `"))
		} else if len(cells) > 0 {
			break
		}
	}
	return cells[2:] // without the head
}

func TestArchitecturePageListsTheStates(t *testing.T) {
	t.Parallel()
	got := tableOf(t, "../docs/architecture.md", "## The states")
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(machine.States)), got); diff != "" {
		t.Errorf("docs/architecture.md (-machine +page):\n%s", diff)
	}
}

func TestErrorsPageListsTheErrors(t *testing.T) {
	t.Parallel()
	want, got := errorNames(t), tableOf(t, "../docs/errors.md", "# Errors")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/errors.md (-errors.go +page):\n%s", diff)
	}
}

func TestRunbookCoversEveryAlarm(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(runbook), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")] = true
	}
	covered := map[string]bool{}
	for id, alarm := range ofType("AWS::CloudWatch::Alarm") {
		description, _ := alarm.Properties["AlarmDescription"].(string)
		_, anchor, found := strings.Cut(description, "docs/runbook.md#")
		if !found || !anchors[anchor] {
			t.Errorf("alarm %s: %q leads to no section of docs/runbook.md", id, description)
		}
		covered[anchor] = true
		if alarm.Properties["AlarmActions"] == nil {
			t.Errorf("alarm %s tells nobody", id)
		}
	}
	for anchor := range anchors {
		if !covered[anchor] {
			t.Errorf("docs/runbook.md#%s is about no alarm", anchor)
		}
	}
}
