package events

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule is when a rule runs by itself.
type Schedule struct {
	every time.Duration // of a rate, else 0
	cron  cron
}

// cron is the values of each field at which a schedule runs. AWS: minutes, hours, day of month, month, day of week, year, in UTC.
type cron struct {
	minutes, hours, days, months, weekdays, years []int // weekdays count from Sunday, 1
	lastDay                                       bool  // L as day of month
}

// ParseSchedule reads rate(5 minutes) or cron(0 9 ? * MON-FRI *).
func ParseSchedule(expression string) (*Schedule, error) {
	kind, rest, found := strings.Cut(expression, "(")
	body, closed := strings.CutSuffix(rest, ")")
	if found && closed {
		switch kind {
		case "rate":
			return parseRate(body)
		case "cron":
			return parseCron(body)
		}
	}
	return nil, fmt.Errorf("schedule %q is neither rate(…) nor cron(…)", expression)
}

func parseRate(body string) (*Schedule, error) {
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	number, unit, _ := strings.Cut(body, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 100_000 {
		return nil, fmt.Errorf("rate(%s): %q is not a positive number", body, number)
	}
	// AWS: the unit is singular for 1 and plural for more, or the rule is refused.
	one, plural := strings.CutSuffix(unit, "s")
	length, known := units[one]
	if !known || plural != (n > 1) {
		return nil, fmt.Errorf("rate(%s): the unit is minute, hour or day for 1, and minutes, hours or days for more", body)
	}
	return &Schedule{every: time.Duration(n) * length}, nil
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

func parseCron(body string) (*Schedule, error) {
	fields := strings.Fields(body)
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron(%s) has %d fields, needs 6", body, len(fields))
	}
	// AWS: day of month and day of week cannot both be set; the other one is a question mark.
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("cron(%s): exactly one of day of month and day of week is ?", body)
	}
	var s Schedule
	if s.cron.lastDay = fields[2] == "L"; s.cron.lastDay {
		fields[2] = "?"
	}
	parts := []struct {
		into     *[]int
		low, top int
		names    []string
	}{
		{&s.cron.minutes, 0, 59, nil}, {&s.cron.hours, 0, 23, nil}, {&s.cron.days, 1, 31, nil},
		{&s.cron.months, 1, 12, monthNames}, {&s.cron.weekdays, 1, 7, weekdayNames}, {&s.cron.years, 1970, 2199, nil},
	}
	for i, part := range parts {
		if fields[i] == "?" && (i == 2 || i == 4) {
			continue
		}
		var err error
		if *part.into, err = (cronField{fields[i], part.low, part.top, part.names}).values(); err != nil {
			return nil, fmt.Errorf("cron(%s): %w", body, err)
		}
	}
	return &s, nil
}

// cronField is one field being read.
type cronField struct {
	text     string
	low, top int
	names    []string // of the values, from low
}

// values reads lists of values, ranges and steps. The W and # of AWS are not known here.
func (f cronField) values() ([]int, error) {
	var values []int
	for item := range strings.SplitSeq(f.text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		from, to, err := f.span(span, stepped)
		if err != nil {
			return nil, err
		}
		step := 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q in %q is not a step", stepText, f.text)
			}
		}
		for n := from; n <= to; n += step {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// span reads *, a value or a range. A value with a step stands for all from there on.
func (f cronField) span(text string, stepped bool) (from, to int, err error) {
	if text == "*" {
		return f.low, f.top, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		to, err = f.value(last)
	case stepped:
		to = f.top
	default:
		to = from
	}
	if err == nil && to < from {
		err = fmt.Errorf("%q in %q ends before it begins", text, f.text)
	}
	return from, to, err
}

func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return i + f.low, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.top {
		return 0, fmt.Errorf("%q in %q is not known here, or not between %d and %d", text, f.text, f.low, f.top)
	}
	return n, nil
}

// Next returns the first time after a time, or false when there is none.
func (s *Schedule) Next(after time.Time) (time.Time, bool) {
	if s.every > 0 {
		return after.Add(s.every), true
	}
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	for ; day.Year() <= 2199; day = day.AddDate(0, 0, 1) {
		if !s.cron.runsOn(day) {
			continue
		}
		for _, hour := range s.cron.hours {
			for _, minute := range s.cron.minutes {
				next := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				if !next.Before(t) {
					return next, true
				}
			}
		}
	}
	return time.Time{}, false
}

func (c *cron) runsOn(day time.Time) bool {
	if !slices.Contains(c.years, day.Year()) || !slices.Contains(c.months, int(day.Month())) {
		return false
	}
	switch {
	case c.lastDay:
		return day.AddDate(0, 0, 1).Day() == 1
	case c.days != nil:
		return slices.Contains(c.days, day.Day())
	default:
		return slices.Contains(c.weekdays, int(day.Weekday())+1)
	}
}
