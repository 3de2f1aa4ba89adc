package approval

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"postern/internal/store"
)

// MetricNamespace is the namespace of the metrics; they have no dimensions, so that their number never grows.
const MetricNamespace = "Postern"

// The metrics of the sweep. All are written by every sweep, also when nothing waits: their absence is an alarm.
const (
	// MetricOldestPending is the age of the oldest wait, in seconds. It is the only sign of a wait that nobody answers.
	MetricOldestPending = "OldestPendingAgeSeconds"
	// MetricPending is the number of waits.
	MetricPending = "PendingCount"
	// MetricOverdue is the number of waits whose vendor has used up the hours it says it takes.
	MetricOverdue = "OverdueCount"
	// MetricRepaired is the number of endpoint changes that the sweep found and no message had told. One now and then is a message
	// overtaken; a series of them means that notifications do not arrive.
	MetricRepaired = "SweepRepaired"
)

// metric is one value with its CloudWatch unit.
type metric struct {
	name  string
	unit  string
	value float64
}

func pending(waits []store.Wait, at time.Time, repaired int) []metric {
	var oldest time.Duration
	overdue := 0
	for _, wait := range waits {
		if percent, _ := due(wait, at); percent >= 100 {
			overdue++
		}
		if !at.IsZero() {
			oldest = max(oldest, at.Sub(wait.Since))
		}
	}
	return []metric{
		{MetricOldestPending, "Seconds", oldest.Seconds()},
		{MetricPending, "Count", float64(len(waits))},
		{MetricOverdue, "Count", float64(overdue)},
		{MetricRepaired, "Count", float64(repaired)},
	}
}

// writeMetrics writes one line in CloudWatch's embedded metric format, from which the log group makes metrics.
//
// AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html. Timestamp is
// in milliseconds; [[]] is one empty set of dimensions. At an unknown time nothing is written.
func writeMetrics(to io.Writer, at time.Time, metrics []metric) error {
	if at.IsZero() {
		return nil
	}
	type definition struct {
		Name string
		Unit string
	}
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	line := map[string]any{}
	d := directive{Namespace: MetricNamespace, Dimensions: [][]string{{}}}
	for _, m := range metrics {
		d.Metrics = append(d.Metrics, definition{m.name, m.unit})
		line[m.name] = m.value
	}
	line["_aws"] = struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}{at.UnixMilli(), []directive{d}}
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	if _, err := to.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}
