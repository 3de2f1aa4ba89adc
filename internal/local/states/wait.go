package states

import "time"

// wait is how long a Wait waits: exactly one of its fields is set.
type wait struct {
	seconds     int64
	until       time.Time
	secondsPath *path
	untilPath   *path
}

func (s *state) readWait(o *object) {
	o.only("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
	if !o.has("Seconds", "SecondsPath", "Timestamp", "TimestampPath") {
		o.fault("Seconds, SecondsPath, Timestamp or TimestampPath is needed")
	}
	s.wait = wait{
		seconds:     o.integer("Seconds", 0, 0),
		secondsPath: o.reference("SecondsPath", false),
		untilPath:   o.reference("TimestampPath", false),
	}
	if n, present := o.field("Timestamp"); present {
		at, ok := timestamp(n.value)
		if !ok {
			n.fault("a time such as 2026-11-23T14:00:00Z is expected")
		}
		s.wait.until = at
	}
}

// wait is what a Wait does. A time that has passed is no wait.
func (v *visit) wait(data any) {
	until, err := v.waitEnd(data)
	if err != nil {
		v.failed(asFailure(err))
		return
	}
	v.after(until.Sub(v.run.service.clock.Now()), "the end of "+v.state.name, func() { v.leave(data, v.state.next) })
}

func (v *visit) waitEnd(data any) (time.Time, error) {
	w, now := v.state.wait, v.run.service.clock.Now()
	switch {
	case w.secondsPath != nil:
		seconds, err := v.seconds(w.secondsPath, "SecondsPath", 0, data)
		return now.Add(time.Duration(seconds) * time.Second), err
	case w.untilPath != nil:
		value, err := w.untilPath.get("TimestampPath", v.scope(data))
		if err != nil {
			return now, err
		}
		at, ok := timestamp(value)
		if !ok {
			return now, runtimeError("The TimestampPath parameter does not reference a valid timestamp: %s", w.untilPath.text)
		}
		return at, nil
	case !w.until.IsZero():
		return w.until, nil
	default:
		return now.Add(time.Duration(w.seconds) * time.Second), nil
	}
}

// seconds reads a whole number of seconds, of at least least, from the data.
func (v *visit) seconds(p *path, field string, least int64, data any) (int64, error) {
	value, err := p.get(field, v.scope(data))
	if err != nil {
		return 0, err
	}
	seconds, ok := whole(value)
	if !ok || seconds < least || seconds > maxNumber {
		return 0, runtimeError("The %s parameter does not reference a whole number from %d to %d: %s == %s",
			field, least, maxNumber, p.text, clip(string(encode(value))))
	}
	return seconds, nil
}
