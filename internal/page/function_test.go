package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"postern/internal/page"
	"postern/internal/store"
)

// list stands in for the store.
type list struct {
	all []store.Overview
	err error
}

func (l list) All(context.Context) ([]store.Overview, error) { return l.all, l.err }

func TestAnswers(t *testing.T) {
	t.Parallel()
	widget := page.NewWidget(list{all: []store.Overview{sample("ok")}}, func() time.Time { return now })
	for name, test := range map[string]struct {
		event string
		want  []string
		never string
	}{
		"described":                     {`{"describe": true}`, []string{"## Postern: every connection", "### Widget parameters"}, "<"},
		"with nothing":                  {`{}`, []string{"vendor/ok", "16:00 UTC"}, "dark\""},
		"of another time":               {`{"at": "2026-03-11T08:30:00Z"}`, []string{"11 March 2026, 08:30 UTC"}, "10 March 2026, 16:00 UTC"},
		"with parameters that are none": {`{"at": "noon", "from": "x", "widgetContext": {"params": {"at": 7}}}`, []string{"vendor/ok", "16:00 UTC"}, "noon"},
		"of another page, of another time": {`{"from": 0, "widgetContext": {"params": {"at": "2026-03-11T08:30:00Z"}}}`,
			[]string{"11 March 2026, 08:30 UTC"}, "10 March 2026, 16:00 UTC"},
		"of an unknown release": {`{"widgetContext": {"theme": "sepia", "timezone": {"offsetISO": "noon"}, "new": 1}}`, []string{"16:00 UTC"}, "sepia"},
		"in the dark, in India": {
			// AWS: what a dashboard sends, docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html.
			`{"widgetContext": {"dashboardName": "Postern", "widgetId": "widget-16", "accountId": "111122223333", "locale": "en",
			  "timezone": {"label": "IST", "offsetISO": "+05:30", "offsetInMinutes": -330}, "period": 300, "isAutoPeriod": true,
			  "timeRange": {"mode": "relative", "start": 1627236199729, "end": 1627322599729, "relativeStart": 86400012},
			  "theme": "dark", "linkCharts": true, "title": "Connections", "forms": {"all": {}}, "params": {}, "width": 588, "height": 369}}`,
			[]string{`cwdb-no-default-styles dark"`, "21:30 UTC+05:30"}, "16:00 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var request page.Request
			if err := json.Unmarshal([]byte(test.event), &request); err != nil {
				t.Fatal(err)
			}
			got, err := widget.Answer(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			got = html.UnescapeString(got)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in the answer", want)
				}
			}
			if strings.Contains(got, test.never) {
				t.Errorf("%q in the answer", test.never)
			}
		})
	}
}

// widgetARN is the function as a dashboard calls it.
const widgetARN = "arn:aws:lambda:us-east-1:111122223333:function:postern-page"

// TestEveryConnectionIsOnOnePage follows every link of a page of 1,200 connections: those for a dashboard, which calls the function again
// with what the link says, and those for a browser. What needs a person is on the first.
func TestEveryConnectionIsOnOnePage(t *testing.T) {
	t.Parallel()
	all := fleet(1_200)
	widget := page.NewWidget(list{all: all}, func() time.Time { return now })
	ask := func(t *testing.T, event string) parsed {
		t.Helper()
		var request page.Request
		if err := json.Unmarshal([]byte(event), &request); err != nil {
			t.Fatal(err)
		}
		answer, err := widget.Answer(lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: widgetARN}), request)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, answer)
		harmless(t, p)
		if !strings.HasPrefix(p.summary, "20 connections need you 1200 in all") {
			t.Errorf("summary %.60q: the counts are not of all", p.summary)
		}
		return p
	}
	for name, test := range map[string]struct {
		event string // with the parameters of a link
		links func(parsed) []string
	}{
		"dashboard": {`{"from": %s, "widgetContext": {"theme": "dark"}}`, calls},
		"browser": {`{"from": %s}`, func(p parsed) []string {
			var asked []string
			for _, address := range hrefs(p) {
				if from, is := strings.CutPrefix(address, "?from="); is {
					asked = append(asked, from)
				}
			}
			return asked
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown, sizes := map[string]int{}, []int{}
			asked, left := map[string]bool{"0": true}, []string{"0"}
			for len(left) > 0 {
				p := ask(t, fmt.Sprintf(test.event, left[0]))
				left = left[1:]
				for _, name := range p.names {
					shown[name]++
				}
				for i, row := range p.rows {
					if needs := !strings.Contains(row, " Nothing"); len(sizes) > 0 && needs {
						t.Errorf("row %d of page %d needs a person: %s", i, len(sizes), row)
					}
				}
				sizes = append(sizes, len(p.rows))
				for _, from := range test.links(p) {
					if !asked[from] {
						asked[from], left = true, append(left, from)
					}
				}
			}
			if !slices.Equal(sizes, []int{500, 500, 200}) || len(shown) != 1_200 {
				t.Errorf("pages of %v rows, %d connections", sizes, len(shown))
			}
			for name, times := range shown {
				if times != 1 {
					t.Errorf("%s is shown %d times", name, times)
				}
			}
		})
	}
}

// calls are the places that a dashboard's links ask for. A dashboard binds a call to the element before it.
func calls(p parsed) []string {
	var asked []string
	for i, n := range p.elements {
		if n.Data != "cwdb-action" || attribute(n, "action") != "call" || attribute(n, "endpoint") != widgetARN || p.elements[i-1].Data != "a" {
			continue
		}
		var parameters struct{ From json.Number }
		if json.Unmarshal([]byte(textOf(n)), &parameters) == nil {
			asked = append(asked, parameters.From.String())
		}
	}
	return asked
}

// TestPageOfAPlace: a place leads to the page that has it, and what is no place to the first.
func TestPageOfAPlace(t *testing.T) {
	t.Parallel()
	for from, want := range map[int]string{
		0: "1 to 500", 499: "1 to 500", 500: "501 to 1000", 777: "501 to 1000", 1_199: "1001 to 1200", 1_200: "1 to 500", -1: "1 to 500",
		math.MaxInt: "1 to 500", math.MinInt: "1 to 500",
	} {
		shown := regexp.MustCompile(`<strong>(\d+ to \d+)</strong>`).FindStringSubmatch(render(t, page.View{Connections: fleet(1_200), At: now, From: from}))
		if shown == nil || shown[1] != want {
			t.Errorf("from %d: %q, want %s", from, shown, want)
		}
	}
	for _, few := range []int{0, 1, 500} {
		if source := render(t, page.View{Connections: fleet(few), At: now, From: 500}); strings.Contains(source, `class="pages"`) || len(parse(t, source).rows) != few {
			t.Errorf("%d connections are on pages, or not all there", few)
		}
	}
}

func TestNoAnswerWithoutTheTable(t *testing.T) {
	t.Parallel()
	broken := errors.New("the table is away")
	answer, err := page.NewWidget(list{err: broken}, time.Now).Answer(t.Context(), page.Request{})
	if answer != "" || !errors.Is(err, broken) {
		t.Errorf("answer %.40q, error %v", answer, err)
	}
}
