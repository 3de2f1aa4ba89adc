package step

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// MetricNamespace is the namespace of Postern's metrics. They have no dimensions, so their number never grows.
const MetricNamespace = "Postern"

// Units of metrics, as CloudWatch names them.
const (
	Count   = "Count"
	Seconds = "Seconds"
)

// Metric is one value with its unit.
type Metric struct {
	Name  string
	Unit  string
	Value float64
}

// WriteMetrics writes metrics as one line in CloudWatch's embedded metric format, from which the log group makes metrics. It writes
// nothing when at is zero.
//
// AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html. Timestamp is
// in milliseconds; [[]] is one empty set of dimensions.
func WriteMetrics(to io.Writer, at time.Time, metrics ...Metric) error {
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
		d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
		line[m.Name] = m.Value
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
