package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"strings"
	"testing"
	"time"

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
		"described":             {`{"describe": true}`, []string{"## Postern: every connection", "### Widget parameters"}, "<"},
		"with nothing":          {`{}`, []string{"vendor/ok", "16:00 UTC"}, "dark\""},
		"of another time":       {`{"at": "2026-03-11T08:30:00Z"}`, []string{"11 March 2026, 08:30 UTC"}, "10 March 2026, 16:00 UTC"},
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

func TestNoAnswerWithoutTheTable(t *testing.T) {
	t.Parallel()
	broken := errors.New("the table is away")
	answer, err := page.NewWidget(list{err: broken}, time.Now).Answer(t.Context(), page.Request{})
	if answer != "" || !errors.Is(err, broken) {
		t.Errorf("answer %.40q, error %v", answer, err)
	}
}
