package page

import (
	"cmp"
	"context"
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"postern/internal/step"
	"postern/internal/store"
)

// Connections lists every connection; *store.Store satisfies it.
type Connections interface {
	All(ctx context.Context) ([]store.Overview, error)
}

// Request is what a dashboard calls the function with.
//
// AWS: describe asks for the widget's documentation; widgetContext comes with every other call of a dashboard, with the widget's own
// parameters. A link on the page calls with parameters of its own:
// docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_interactivity.html.
type Request struct {
	Describe bool      `json:"describe"`
	At       moment    `json:"at"`   // the time to reckon from, absent for now
	From     place     `json:"from"` // as View.From
	Context  *struct { // nil when no dashboard asks
		Theme    string `json:"theme"`
		Timezone struct {
			OffsetISO string `json:"offsetISO"` // such as +01:00
		} `json:"timezone"`
		Params struct {
			At moment `json:"at"`
		} `json:"params"`
	} `json:"widgetContext"`
}

// moment is a time. Any other text counts as absent: a page is more useful than an error.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(text []byte) error {
	if m.Time.UnmarshalJSON(text) != nil {
		m.Time = time.Time{}
	}
	return nil
}

// place is a whole number, in quotes too. Any other text counts as absent.
type place int

func (p *place) UnmarshalJSON(text []byte) error {
	number, _ := strconv.Atoi(strings.Trim(string(text), `"`)) // 0 when it is none
	*p = place(number)
	return nil
}

//go:embed describe.md
var description string

// Function builds page: a dashboard's call in, HTML out.
func Function(r step.Runtime) (lambda.Handler, error) {
	table := store.New(dynamodb.NewFromConfig(r.AWS), r.Env.Required(step.EnvTable))
	return step.Handle(r.Log, NewWidget(table, r.Now).Answer), nil
}

// Widget answers dashboards.
type Widget struct {
	connections Connections
	now         func() time.Time
}

// NewWidget returns a widget that shows what is known now.
func NewWidget(connections Connections, now func() time.Time) *Widget {
	return &Widget{connections, now}
}

// Answer returns the page, or what the widget is when that is asked.
func (w *Widget) Answer(ctx context.Context, request Request) (string, error) {
	if request.Describe {
		return description, nil
	}
	all, err := w.connections.All(ctx)
	if err != nil {
		return "", err
	}
	view := View{Connections: all, At: request.At.Time, From: int(request.From)}
	if dashboard := request.Context; dashboard != nil {
		view.At, view.Zone, view.Theme = cmp.Or(view.At, dashboard.Params.At.Time), zoneOf(dashboard.Timezone.OffsetISO), dashboard.Theme
		if called, known := lambdacontext.FromContext(ctx); known {
			view.Caller = called.InvokedFunctionArn
		}
	}
	if view.At.IsZero() {
		view.At = w.now()
	}
	var html strings.Builder
	err = Write(&html, view)
	return html.String(), err
}

// zoneOf returns the zone of an offset such as +01:00, UTC for any other text.
func zoneOf(offset string) *time.Location {
	at, err := time.Parse("-07:00", offset)
	if err != nil {
		return time.UTC
	}
	_, seconds := at.Zone()
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone("UTC"+offset, seconds)
}
