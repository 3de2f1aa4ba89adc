package page

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"postern/internal/store"
)

// mostRows keeps the answer below what Lambda returns.
//
// AWS: an invocation answers with at most 6 MB.
const mostRows = 500

// View is what a page is made of.
type View struct {
	Connections []store.Overview
	At          time.Time      // it is so at this time
	Zone        *time.Location // that times are written in; nil for UTC
	Theme       string         // light or dark; any other: as the reader's browser has it
}

//go:embed page.html
var source string

var document = template.Must(template.New("page").Parse(source))

// Write writes the page: a fragment of HTML with its own style and without JavaScript.
func Write(to io.Writer, view View) error {
	if err := document.Execute(to, pageOf(view)); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// content is the page as the template reads it.
type content struct {
	Theme   string
	At      string
	Counts  []Count // of the statuses that there are
	Total   int
	Persons int // connections that need a person
	Rows    []Row
	More    int // connections that have no row
}

// Count is how many connections have a status.
type Count struct {
	Status Status
	Count  int
}

func pageOf(view View) content {
	zone := cmp.Or(view.Zone, time.UTC)
	c := content{At: view.At.In(zone).Format("Monday, 2 January 2006, 15:04 MST"), Total: len(view.Connections)}
	if view.Theme == "light" || view.Theme == "dark" {
		c.Theme = view.Theme
	}
	for _, o := range view.Connections {
		c.Rows = append(c.Rows, rowOf(o, view.At, zone))
	}
	slices.SortFunc(c.Rows, order)
	for _, status := range Statuses {
		count := 0
		for _, row := range c.Rows {
			if row.Status == status {
				count++
			}
		}
		if count > 0 {
			c.Counts = append(c.Counts, Count{status, count})
		}
		if status.Person {
			c.Persons += count
		}
	}
	c.More = len(c.Rows) - len(first(c.Rows, mostRows))
	c.Rows = first(c.Rows, mostRows)
	return c
}

// order puts first what needs a person, then what is worse, then what has been so for longer.
func order(a, b Row) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Statuses, a.Status), slices.Index(Statuses, b.Status)),
		cmp.Compare(a.worst, b.worst),
		a.since.Compare(b.since),
		cmp.Compare(a.ID, b.ID),
	)
}
