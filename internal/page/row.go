package page

import (
	"slices"
	"strings"
	"time"

	"postern/internal/connection"
	"postern/internal/store"
)

// What a row shows at most, so that the page stays within what Lambda answers.
const (
	mostFindings   = 4
	mostParameters = 4
	mostText       = 200   // characters
	mostAddress    = 4_096 // bytes of a link, beyond any that leads somewhere
)

// Row is a connection as the page shows it.
type Row struct {
	ID, Ticket   string
	Place        []string // where it is, a line each
	Status       Status
	Next         string
	Reason       string    // of a failure, "" for none
	Wait         *WaitCell // nil when nothing waits
	Badges       []Badge   // how many findings there are of each kind, the worst first
	Findings     []FindingCell
	MoreFindings int // that are not among Findings
	Verified     *TimeCell
	Certificate  *CertificateCell
	Links        []Link
	Parameters   []Link // that agents read

	worst int       // rank of the worst finding
	since time.Time // since when it is so, for the order
}

// WaitCell is a wait for the vendor.
type WaitCell struct {
	For      string // what the vendor must do
	Whom     string // to ask, "" when it is unknown
	Patience patience
	Since    TimeCell
}

// Badge counts the findings of a kind: a severity, or unknown.
type Badge struct {
	Kind  string
	Count int
}

// FindingCell is one finding.
type FindingCell struct {
	Kind, Check, Detail, By string
	Since                   TimeCell
}

// TimeCell is a time, relative to now and exact.
type TimeCell struct{ Text, Exact string }

// CertificateCell says when the vendor's certificate expires.
type CertificateCell struct {
	TimeCell
	Soon bool // or it has expired
}

// certificateSoon is when the drift check finds that a certificate expires.
const certificateSoon = 14 * 24 * time.Hour

// kinds are the kinds of findings, the worst first. A failed read comes last: nothing is known to be wrong.
var kinds = []string{
	connection.SeverityCritical, connection.SeverityHigh, connection.SeverityMedium, connection.SeverityLow, string(connection.DriftUnknown),
}

func kindOf(finding connection.DriftFinding) string {
	info, known := finding.Check.Info()
	switch {
	case finding.Result != connection.DriftFound:
		return string(connection.DriftUnknown)
	case !known: // a later release found it
		return connection.SeverityHigh
	}
	return info.Severity
}

// rowOf makes the row of a connection at a time, written in a zone.
func rowOf(o store.Overview, at time.Time, zone *time.Location) Row {
	row := Row{
		ID: clip(o.ConnectionID), Ticket: clip(o.Ticket), Place: placeOf(o), Status: statusOf(o, at),
		worst: len(kinds), since: o.UpdatedAt,
	}
	row.Links, row.Parameters = linksOf(o)
	if o.Failure != nil && row.Status == Failed {
		row.Reason = clip(o.Failure.Error + ": " + o.Failure.Message)
	}
	exact := func(t time.Time) string { return t.In(zone).Format("2 January 2006, 15:04 MST") }
	ago := func(t time.Time) TimeCell { return TimeCell{span(at.Sub(t)) + " ago", exact(t)} }
	if o.Wait != nil {
		row.since = o.Wait.Asked
		row.Wait = &WaitCell{For: wanted(*o.Wait), Whom: clip(o.Wait.To), Patience: patienceOf(*o.Wait, at), Since: ago(o.Wait.Asked)}
	}
	worst := row.find(o.Drift, ago)
	row.Next = clip(nextAction(o, row.Status, worst, at))
	if t := verified(o); !t.IsZero() {
		cell := ago(t)
		row.Verified = &cell
	}
	if t := certificate(o); t != nil {
		row.Certificate = &CertificateCell{TimeCell{span(t.Sub(at)), exact(*t)}, t.Sub(at) < certificateSoon}
		if !t.After(at) {
			row.Certificate.Text = "expired"
		}
	}
	return row
}

// find fills in the findings and returns the worst: the first that flaps, or else the first of the worst kind.
func (r *Row) find(drift *connection.Drift, ago func(time.Time) TimeCell) *connection.DriftFinding {
	if drift == nil || len(drift.Findings) == 0 {
		return nil
	}
	rank := func(f connection.DriftFinding) int {
		if f.Flapping {
			return -1
		}
		return slices.Index(kinds, kindOf(f))
	}
	findings := slices.Clone(drift.Findings)
	slices.SortStableFunc(findings, func(a, b connection.DriftFinding) int { return rank(a) - rank(b) })
	for _, kind := range kinds {
		count := 0
		for _, f := range findings {
			if kindOf(f) == kind {
				count++
			}
		}
		if count > 0 {
			r.Badges = append(r.Badges, Badge{kind, count})
		}
	}
	for _, f := range first(findings, mostFindings) {
		r.Findings = append(r.Findings, FindingCell{kindOf(f), clip(string(f.Check)), clip(f.Detail), clip(f.By), ago(f.Since)})
	}
	r.MoreFindings = len(findings) - len(r.Findings)
	r.worst, r.since = rank(findings[0]), findings[0].Since
	return &findings[0]
}

// placeOf says where the connection is, as far as it is known.
func placeOf(o store.Overview) []string {
	account, region, vpc := "", "", ""
	switch {
	case o.Expects != nil:
		account, region, vpc = o.Expects.AccountID, o.Expects.Region, o.Expects.VPCID
	case o.Wait != nil:
		account, region = field(or(o.Wait.Access.RoleARN, o.Wait.Execution), 4), regionOf(o)
	case o.Failure != nil:
		account, region, vpc = o.Failure.AccountID, o.Failure.Region, o.Failure.VPCID
	}
	var lines []string
	for _, line := range []string{strings.Trim(account+" · "+region, " ·"), vpc} {
		if line != "" {
			lines = append(lines, clip(line))
		}
	}
	return lines
}

// clip shortens a text that others wrote.
func clip(text string) string {
	if runes := []rune(text); len(runes) > mostText {
		return string(runes[:mostText-1]) + "…"
	}
	return text
}
