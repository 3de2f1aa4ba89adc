package events_test

import (
	"testing"
	"time"

	"postern/internal/local/events"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	tests := []struct{ schedule, after, want string }{ // "" is never again
		{"rate(5 minutes)", "2026-11-02T09:00:07Z", "2026-11-02T09:05:07Z"},
		{"rate(1 hour)", "2026-11-02T09:00:00Z", "2026-11-02T10:00:00Z"},
		{"rate(2 days)", "2026-11-02T09:00:00Z", "2026-11-04T09:00:00Z"},
		{"cron(0 9 * * ? *)", "2026-11-02T09:00:00Z", "2026-11-03T09:00:00Z"},
		{"cron(0 9 * * ? *)", "2026-11-02T08:59:59Z", "2026-11-02T09:00:00Z"},
		{"cron(0/15 * * * ? *)", "2026-11-02T09:00:00Z", "2026-11-02T09:15:00Z"},
		{"cron(5,50 8-10 ? * MON-FRI *)", "2026-11-06T10:50:00Z", "2026-11-09T08:05:00Z"}, // a Friday, then Monday
		{"cron(0 0 ? * 1 *)", "2026-11-02T00:00:00Z", "2026-11-08T00:00:00Z"},
		{"cron(0 0 L * ? *)", "2028-02-10T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"cron(0 12 29 feb ? *)", "2026-01-01T00:00:00Z", "2028-02-29T12:00:00Z"},
		{"cron(30 6 1 1 ? 2027-2029)", "2028-06-01T00:00:00Z", "2029-01-01T06:30:00Z"},
		{"cron(30 6 1 1 ? 2027)", "2027-06-01T00:00:00Z", ""},
		{"cron(0 0 31 2 ? *)", "2026-01-01T00:00:00Z", ""},
	}
	for _, test := range tests {
		schedule, err := events.ParseSchedule(test.schedule)
		if err != nil {
			t.Errorf("%s: %v", test.schedule, err)
			continue
		}
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if next, ok := schedule.Next(after); ok {
			got = next.Format(time.RFC3339)
		}
		if got != test.want {
			t.Errorf("%s after %s: got %s, want %s", test.schedule, test.after, got, test.want)
		}
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, schedule := range []string{
		"", "5 minutes", "at(2026-11-02T09:00:00)", "rate(5 minutes", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)",
		"rate(-5 minutes)", "rate(5 weeks)", "rate(five minutes)", "cron(0 9 * * *)", "cron(0 9 * * * *)", "cron(0 9 ? * ? *)",
		"cron(60 9 * * ? *)", "cron(0 24 * * ? *)", "cron(0 9 0 * ? *)", "cron(0 9 1W * ? *)", "cron(0 9 ? * 2#1 *)",
		"cron(0 9 ? * MON-XXX *)", "cron(0/0 9 * * ? *)", "cron(10-5 9 * * ? *)", "cron(? 9 * * ? *)",
	} {
		if _, err := events.ParseSchedule(schedule); err == nil {
			t.Errorf("%q is taken", schedule)
		}
	}
}
