package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern/internal/catalog/calendar"
	"postern/internal/step"
	"postern/internal/store"
)

// TestMetricLine pins the line: CloudWatch drops what is not exactly its format, without a word.
func TestMetricLine(t *testing.T) {
	t.Parallel()
	waits := []store.Wait{{Since: noon}, {Since: noon.Add(-90 * time.Minute), Asked: noon.Add(-90 * time.Minute), SLAHours: 1, Calendar: calendar.Always}, {Since: noon.Add(time.Minute)}}
	var out bytes.Buffer
	if err := step.WriteMetrics(&out, noon, pending(waits, noon, 2)...); err != nil {
		t.Fatal(err)
	}
	want := `{"OldestPendingAgeSeconds":5400,"OverdueCount":1,"PendingCount":3,"SweepRepaired":2,` +
		`"_aws":{"Timestamp":1795435200000,"CloudWatchMetrics":[` +
		`{"Namespace":"Postern","Dimensions":[[]],"Metrics":[{"Name":"OldestPendingAgeSeconds","Unit":"Seconds"},` +
		`{"Name":"PendingCount","Unit":"Count"},{"Name":"OverdueCount","Unit":"Count"},{"Name":"SweepRepaired","Unit":"Count"}]}]}}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("the line differs (-want +got):\n%s", diff)
	}
	if !json.Valid(out.Bytes()) || noon.UnixMilli() != 1795435200000 {
		t.Errorf("not JSON, or the time is %d", noon.UnixMilli())
	}
}

// A gate that is waited at again, with what the vendor gave, is as old as the question.
func TestOldestIsTheQuestion(t *testing.T) {
	t.Parallel()
	again := store.Wait{Since: noon.Add(-time.Minute), Asked: noon.Add(-6 * 24 * time.Hour)}
	if oldest := pending([]store.Wait{again}, noon, 0)[0]; oldest.Name != MetricOldestPending || oldest.Value != 6*86_400 {
		t.Errorf("%+v", oldest)
	}
}

func TestNothingPending(t *testing.T) {
	t.Parallel()
	for _, m := range pending(nil, noon, 0) {
		if m.Value != 0 {
			t.Errorf("%s is %v", m.Name, m.Value)
		}
	}
	for _, m := range pending([]store.Wait{{Since: noon.Add(time.Hour)}}, noon, 0) {
		if m.Value < 0 {
			t.Errorf("%s is %v for a wait of the future", m.Name, m.Value)
		}
	}
	var out bytes.Buffer
	if err := step.WriteMetrics(&out, time.Time{}, pending(nil, time.Time{}, 0)...); err != nil || out.Len() != 0 {
		t.Errorf("wrote %s at an unknown time, %v", &out, err)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestMetricsCannotBeWritten(t *testing.T) {
	t.Parallel()
	if err := step.WriteMetrics(closedPipe{}, noon, pending(nil, noon, 0)...); err == nil {
		t.Error("a metric that is lost is not reported")
	}
}
