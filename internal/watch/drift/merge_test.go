package drift

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
)

func answered(check connection.DriftCheck, result connection.DriftResult) connection.DriftAnswer {
	return connection.DriftAnswer{Check: check, Result: result, Detail: "now " + string(result)}
}

// finding is one that was opened two hours ago and seen an hour ago.
func finding(check connection.DriftCheck, result connection.DriftResult) connection.DriftFinding {
	return connection.DriftFinding{
		DriftAnswer: connection.DriftAnswer{Check: check, Result: result, Detail: "then " + string(result)},
		Since:       monday.Add(-2 * time.Hour), At: monday.Add(-time.Hour),
	}
}

// said are the notices in short: status, check, and result.
func said(notices []connection.DriftNotice) []string {
	short := []string{}
	for _, n := range notices {
		short = append(short, n.Status+" "+string(n.Finding.Check)+" "+string(n.Finding.Result))
	}
	return short
}

// What is known of a check, and what the run answers: "" is nothing.
func TestMerge(t *testing.T) {
	t.Parallel()
	const (
		none    = connection.DriftResult("")
		ok      = connection.DriftOK
		drift   = connection.DriftFound
		unknown = connection.DriftUnknown
	)
	const check = connection.CheckRecord
	older := monday.Add(-2 * time.Hour)
	tests := map[string]struct {
		was, now connection.DriftResult
		open     connection.DriftResult // of the finding afterwards, "" for none
		detail   string
		since    time.Time
		says     []string
	}{
		"nothing known, not asked": {none, none, none, "", time.Time{}, nil},
		"nothing known, all well":  {none, ok, none, "", time.Time{}, nil},
		"nothing known, drift":     {none, drift, drift, "now drift", monday, []string{"opened record drift"}},
		"nothing known, unknown":   {none, unknown, unknown, "now unknown", monday, []string{"opened record unknown"}},
		"drift, not asked":         {drift, none, drift, "then drift", older, nil},
		"drift, fixed":             {drift, ok, none, "", time.Time{}, []string{"closed record drift"}},
		"drift, still so":          {drift, drift, drift, "now drift", older, nil},
		"drift, unknown":           {drift, unknown, drift, "then drift", older, nil},
		"unknown, not asked":       {unknown, none, unknown, "then unknown", older, nil},
		"unknown, all well":        {unknown, ok, none, "", time.Time{}, []string{"closed record unknown"}},
		"unknown, still so":        {unknown, unknown, unknown, "now unknown", older, nil},
		"unknown, and it is drift": {unknown, drift, drift, "now drift", monday, []string{"opened record drift"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := link()
			if test.was != none {
				l.Drift.Findings = []connection.DriftFinding{finding(check, test.was)}
			}
			var answers []connection.DriftAnswer
			if test.now != none {
				answers = []connection.DriftAnswer{answered(check, test.now)}
			}
			before := slices.Clone(l.Drift.Findings)
			after, changes := merge(l, answers, monday)
			if diff := cmp.Diff(before, l.Drift.Findings); diff != "" {
				t.Errorf("what is known was changed:\n%s", diff)
			}
			if got := said(changes); !slices.Equal(got, test.says) {
				t.Errorf("said %q, want %q", got, test.says)
			}
			if test.open == none {
				if len(after.Findings) > 0 || after.Findings == nil {
					t.Errorf("findings %+v", after.Findings)
				}
				return
			}
			if len(after.Findings) != 1 {
				t.Fatalf("findings %+v", after.Findings)
			}
			f := after.Findings[0]
			if f.Result != test.open || f.Detail != test.detail || !f.Since.Equal(test.since) {
				t.Errorf("got %+v", f)
			}
			if seen := f.Detail[:3] == "now"; seen != f.At.Equal(monday) {
				t.Errorf("seen at %s: %s", f.At, f.Detail)
			}
		})
	}
}

// Findings are in the order of the report, whatever the order of the answers, and what is known of each stays with it.
func TestMergeKeepsWhatItKnows(t *testing.T) {
	t.Parallel()
	l := link()
	l.Expects.Policies = connection.DriftPolicyOf{connection.CheckTags: connection.PolicyReport}
	kept := finding(connection.CheckZone, connection.DriftFound)
	kept.By, kept.Repair, kept.Repairs, kept.Flapping = "alice", "arn", []time.Time{monday.Add(-time.Hour)}, true
	notAfter := monday.Add(1000 * time.Hour)
	l.Drift = connection.Drift{
		DeepAt: monday.Add(-time.Hour), NotAfter: &notAfter, Findings: []connection.DriftFinding{kept},
		Repairs: map[connection.DriftCheck][]time.Time{connection.CheckZone: kept.Repairs},
	}
	after, changes := merge(l, []connection.DriftAnswer{
		answered(connection.CheckTags, connection.DriftFound), answered(connection.CheckZone, connection.DriftFound),
		answered(connection.CheckEndpointState, connection.DriftFound), {Check: "a-later-release's", Result: connection.DriftFound},
	}, monday)
	var order []connection.DriftCheck
	for _, f := range after.Findings {
		order = append(order, f.Check)
	}
	if want := []connection.DriftCheck{connection.CheckEndpointState, connection.CheckZone, connection.CheckTags}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	kept.DriftAnswer, kept.At = answered(connection.CheckZone, connection.DriftFound), monday
	if diff := cmp.Diff(kept, after.Findings[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if after.SchemaVersion != connection.SchemaVersion || !after.Ledger.Equal(l.Expects.At) || !after.DeepAt.Equal(l.Drift.DeepAt) ||
		after.NotAfter != &notAfter || len(after.Repairs) != 1 {
		t.Errorf("got %+v", after)
	}
	want := []connection.DriftNotice{
		{Severity: connection.SeverityCritical, Policy: connection.PolicyTicket, Finding: after.Findings[0]},
		{Severity: connection.SeverityLow, Policy: connection.PolicyReport, Finding: after.Findings[2]},
	}
	for i := range want {
		n := &want[i]
		n.SchemaVersion, n.ConnectionID, n.Status = connection.SchemaVersion, l.ConnectionID, connection.DriftOpened
		n.ObservedAt, n.EndpointID = monday, l.Expects.EndpointID
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
