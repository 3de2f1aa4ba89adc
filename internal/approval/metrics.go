package approval

import (
	"cmp"
	"time"

	"postern/internal/step"
	"postern/internal/store"
)

// The metrics of the sweep. All are written by every sweep, also when nothing waits: their absence is an alarm.
const (
	// MetricOldestPending is the age of the oldest wait in seconds, counted from the request to the vendor. It is the only sign of a
	// wait that the vendor does not answer. It continues when an execution waits at the same gate again.
	MetricOldestPending = "OldestPendingAgeSeconds"
	// MetricPending is the number of waits.
	MetricPending = "PendingCount"
	// MetricOverdue is the number of waits whose vendor has used up the hours it says it takes.
	MetricOverdue = "OverdueCount"
	// MetricRepaired is the number of endpoint changes that the sweep found and no message had told. One now and then is a message
	// overtaken; a series of them means that notifications do not arrive.
	MetricRepaired = "SweepRepaired"
)

func pending(waits []store.Wait, at time.Time, repaired int) []step.Metric {
	var oldest time.Duration
	overdue := 0
	for _, wait := range waits {
		if percent, _ := due(wait, at); percent >= 100 {
			overdue++
		}
		if !at.IsZero() {
			oldest = max(oldest, at.Sub(cmp.Or(wait.Asked, wait.Since)))
		}
	}
	return []step.Metric{
		{Name: MetricOldestPending, Unit: step.Seconds, Value: oldest.Seconds()},
		{Name: MetricPending, Unit: step.Count, Value: float64(len(waits))},
		{Name: MetricOverdue, Unit: step.Count, Value: float64(overdue)},
		{Name: MetricRepaired, Unit: step.Count, Value: float64(repaired)},
	}
}
