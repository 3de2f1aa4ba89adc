package events

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseRate reads a schedule such as rate(5 minutes) and returns its period. Other schedules are not simulated.
func parseRate(expression string) (time.Duration, error) {
	rest, isRate := strings.CutPrefix(expression, "rate(")
	body, closed := strings.CutSuffix(rest, ")")
	if !isRate || !closed {
		return 0, fmt.Errorf("the schedule %q is not simulated, only rate(…)", expression)
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	number, unit, _ := strings.Cut(body, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 100_000 {
		return 0, fmt.Errorf("rate(%s): %q is not a positive number", body, number)
	}
	// AWS: the unit is singular for 1 and plural for more, or the rule is refused.
	one, plural := strings.CutSuffix(unit, "s")
	length, known := units[one]
	if !known || plural != (n > 1) {
		return 0, fmt.Errorf("rate(%s): the unit is minute, hour or day for 1, and minutes, hours or days for more", body)
	}
	return time.Duration(n) * length, nil
}
