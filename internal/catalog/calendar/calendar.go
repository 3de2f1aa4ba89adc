// Package calendar counts time the way a vendor does: "24 to 48 hours (US business days)" sent on a Friday evening ends on Tuesday or
// Wednesday, and a holiday moves it on.
package calendar

import (
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // provided.al2023 brings no time zones

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/us"
)

// The calendars that a vendor profile can name.
const (
	USBusiness = "us-business" // every hour of US business days, New York time
	Always     = "24x7"
)

// Calendars lists every calendar.
var Calendars = []string{USBusiness, Always}

// Clock counts a vendor's hours.
type Clock struct {
	business *cal.BusinessCalendar // nil: every hour counts
	zone     *time.Location
}

// Named returns the clock of a calendar.
func Named(calendar string) (Clock, error) {
	switch calendar {
	case Always:
		return Clock{zone: time.UTC}, nil
	case USBusiness:
		return usBusiness()
	default:
		return Clock{}, fmt.Errorf("calendar %q: not one of %v", calendar, Calendars)
	}
}

// usBusiness makes the clock once: it reads a time zone, and the sweep asks for the clock of each wait.
var usBusiness = sync.OnceValues(func() (Clock, error) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return Clock{}, fmt.Errorf("time zone of calendar %s: %w", USBusiness, err)
	}
	business := cal.NewBusinessCalendar()
	business.Cacheable = true // whether a day is a holiday
	business.AddHoliday(us.Holidays...)
	// The whole day counts: vendors promise "hours" and mean business days.
	business.SetWorkHours(0, 24*time.Hour)
	return Clock{business: business, zone: zone}, nil
})

// Elapsed returns how much of the vendor's time passed between two instants; 0 when to is not after from.
func (c Clock) Elapsed(from, to time.Time) time.Duration {
	if !to.After(from) {
		return 0
	}
	if c.business == nil {
		return to.Sub(from)
	}
	var sum time.Duration
	for day := c.midnight(from, 0); day.Before(to); day = c.midnight(day, 1) {
		if !c.business.IsWorkday(day) {
			continue
		}
		sum += earlier(c.midnight(day, 1), to).Sub(later(day, from))
	}
	return sum
}

// Due returns when the vendor's time of length d, counted from an instant, is over.
func (c Clock) Due(from time.Time, d time.Duration) time.Time {
	if c.business == nil {
		return from.Add(d)
	}
	for day := c.midnight(from, 0); ; day = c.midnight(day, 1) {
		if !c.business.IsWorkday(day) {
			continue
		}
		start, end := later(day, from), c.midnight(day, 1)
		if left := end.Sub(start); d > left {
			d -= left
			continue
		}
		return start.Add(d)
	}
}

// midnight returns the start of the day of t in the vendor's zone, days later. Days are 23 or 25 hours long twice a year.
func (c Clock) midnight(t time.Time, days int) time.Time {
	local := t.In(c.zone)
	return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, c.zone)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
