package calendar_test

import (
	"testing"
	"time"

	"postern/internal/catalog/calendar"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestUSBusinessHours(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from  string
		hours int
		due   string
	}{
		"inside one week":                 {"2026-11-16 09:00", 48, "2026-11-18 09:00"},
		"over a weekend":                  {"2026-11-20 17:00", 24, "2026-11-23 17:00"},
		"sent on a Saturday":              {"2026-11-21 11:00", 24, "2026-11-24 00:00"},
		"Thanksgiving does not count":     {"2026-11-25 12:00", 24, "2026-11-27 12:00"},
		"holiday on Saturday is Friday":   {"2026-07-02 12:00", 24, "2026-07-06 12:00"},
		"clocks go back over a weekend":   {"2026-10-30 12:00", 24, "2026-11-02 12:00"},
		"the year's end":                  {"2026-12-31 18:00", 12, "2027-01-04 06:00"},
		"nothing to wait for":             {"2026-11-18 10:00", 0, "2026-11-18 10:00"},
		"two whole weeks of ten workdays": {"2026-03-02 00:00", 240, "2026-03-14 00:00"},
	}
	clock, err := calendar.Named(calendar.USBusiness)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, length := at(t, test.from), time.Duration(test.hours)*time.Hour
			due := clock.Due(from, length)
			if want := at(t, test.due); !due.Equal(want) {
				t.Errorf("Due(%s, %dh) = %s, want %s", test.from, test.hours, due, want)
			}
			if got := clock.Elapsed(from, due); got != length {
				t.Errorf("Elapsed(%s, %s) = %s, want %s", test.from, due, got, length)
			}
		})
	}
}

func TestElapsedBackwardsIsNothing(t *testing.T) {
	t.Parallel()
	for _, name := range calendar.Calendars {
		clock, err := calendar.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.Elapsed(at(t, "2026-11-18 10:00"), at(t, "2026-11-17 10:00")); got != 0 {
			t.Errorf("%s: %s elapsed backwards", name, got)
		}
	}
}

func TestUnknownCalendar(t *testing.T) {
	t.Parallel()
	if _, err := calendar.Named("eu-business"); err == nil {
		t.Error("an unknown calendar was accepted")
	}
}
