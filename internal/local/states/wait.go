package states

import "time"

// wait is what a Wait does.
func (v *visit) wait(data any) {
	v.after(time.Duration(v.state.seconds)*time.Second, "the end of "+v.state.name, func() { v.leave(data, v.state.next) })
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
