package events

import (
	"strings"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	t.Parallel()
	for schedule, want := range map[string]time.Duration{
		"rate(5 minutes)": 5 * time.Minute, "rate(1 hour)": time.Hour, "rate(2 days)": 48 * time.Hour,
	} {
		if got, err := parseRate(schedule); err != nil || got != want {
			t.Errorf("%s: got %s, %v", schedule, got, err)
		}
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for schedule, want := range map[string]string{
		"": "not simulated", "5 minutes": "not simulated", "at(2026-11-02T09:00:00)": "not simulated", "cron(0 9 * * ? *)": "not simulated",
		"rate(5 minutes": "not simulated", "rate(1 minutes)": "the unit is", "rate(5 minute)": "the unit is", "rate(5 weeks)": "the unit is",
		"rate(0 minutes)": "not a positive number", "rate(-5 minutes)": "not a positive number", "rate(five minutes)": "not a positive number",
	} {
		if _, err := parseRate(schedule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", schedule, err, want)
		}
	}
}
