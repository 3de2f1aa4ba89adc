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

// mostRows keeps the answer below what Lambda returns: more connections than this are on several pages.
//
// AWS: an invocation answers with at most 6 MB.
const mostRows = 500

// View is what a page is made of.
type View struct {
	Connections []store.Overview
	At          time.Time      // it is so at this time
	Zone        *time.Location // that times are written in; nil for UTC
	Theme       string         // light or dark; any other: as the reader's browser has it
	// From is the place of a connection in the page's order, counted from 0: the page that has it is written. Where there is none it
	// is the first.
	From int
	// Caller is the ARN of the function that a dashboard calls for another page; "" for a browser, which asks for ?from=500.
	Caller string
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
	Pages   []Page // none where one has room for all
	Caller  string
}

// Page is some of the connections, in the page's order.
type Page struct {
	From        int // what it is asked for by
	First, Last int // of its connections, counted from 1
	Shown       bool
}

// Count is how many connections have a status.
type Count struct {
	Status Status
	Count  int
}

func pageOf(view View) content {
	zone := cmp.Or(view.Zone, time.UTC)
	c := content{At: view.At.In(zone).Format("Monday, 2 January 2006, 15:04 MST"), Total: len(view.Connections), Caller: view.Caller}
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
	c.turn(view.From)
	return c
}

// turn keeps the rows of the page that contains a place.
func (c *content) turn(place int) {
	if c.Total <= mostRows {
		return
	}
	if place < 0 || place >= c.Total {
		place = 0
	}
	for from := 0; from < c.Total; from += mostRows {
		c.Pages = append(c.Pages, Page{from, from + 1, min(from+mostRows, c.Total), from == place/mostRows*mostRows})
	}
	shown := c.Pages[place/mostRows]
	c.Rows = c.Rows[shown.From:shown.Last]
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
