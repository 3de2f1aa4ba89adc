package page

import (
	"context"
	_ "embed"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
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
// AWS: describe asks for the widget's documentation; widgetContext comes with every other call.
type Request struct {
	Describe bool `json:"describe"`
	// At is the time to reckon from: a parameter of the widget, absent for now.
	At      time.Time `json:"at"`
	Context struct {
		Theme    string `json:"theme"`
		Timezone struct {
			OffsetISO string `json:"offsetISO"` // such as +01:00
		} `json:"timezone"`
	} `json:"widgetContext"`
}

//go:embed describe.md
var description string

// Function builds widget: a dashboard's call in, HTML out.
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
	at := request.At
	if at.IsZero() {
		at = w.now()
	}
	var html strings.Builder
	err = Write(&html, View{
		Connections: all, At: at, Zone: zoneOf(request.Context.Timezone.OffsetISO), Theme: request.Context.Theme,
	})
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
