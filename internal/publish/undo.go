package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Undone is how the undo of a parameter ended.
type Undone struct {
	How string // completes "parameter /x": deleted, set back to the value of version 3, …
	// Before is set when nothing had to be done: an earlier try, or another person, was first.
	Before bool
}

// Undo takes back what was published: a parameter that was created is deleted, one that was changed gets its previous value back. Of
// a document that others have changed since, only our key goes, when it still has our value; outputs says which key that is. What
// others have changed otherwise stays as it is, with a connection.Conflict.
//
// A value is known by its content. AWS: versions begin at 1 again when a parameter is deleted and created under the same name, and
// our own value has another version when it was put back.
func (c *Client) Undo(ctx context.Context, p connection.Parameter, outputs []connection.Output) (Undone, error) {
	previous := versioned(p.Name, p.PreviousVersion)
	undone, wanted := Undone{How: "deleted"}, []string{p.Name}
	if p.PreviousVersion > 0 {
		undone.How, wanted = fmt.Sprintf("set back to the value of version %d", p.PreviousVersion), append(wanted, previous)
	}
	read, err := c.Read(ctx, wanted)
	if err != nil {
		return undone, err
	}
	now, exists := read[p.Name]
	before, known := read[previous]
	switch {
	case !exists && p.PreviousVersion == 0, exists && known && before.Value == now.Value:
		undone.Before = true
		return undone, nil
	case !exists:
		return undone, connection.Errorf(connection.Conflict, "it was deleted since version %d: left as it is", p.Version)
	case ours(p, now) && p.PreviousVersion > 0 && !known:
		return undone, fmt.Errorf("it still has our value, and version %d, whose value it should get back, is gone; write that value manually",
			p.PreviousVersion)
	}
	return c.restore(ctx, p, outputs, now, before)
}

// restore writes what a parameter is to be without us. A version that another person writes at the same time is never lost: our value
// is taken out of that version, or, when it cannot be, that version comes back.
//
// AWS: a deletion cannot be conditional, and takes the history along. It follows the read at once.
func (c *Client) restore(ctx context.Context, p connection.Parameter, outputs []connection.Output, now, before Existing) (Undone, error) {
	known := now.Version
	for range mostRaces {
		undone, value, err := without(p, outputs, now, before)
		if named := (*connection.Error)(nil); known > now.Version && errors.As(err, &named) {
			return undone, c.giveWay(ctx, p.Name, now, known, named)
		}
		switch {
		case err != nil, undone.Before && known == now.Version:
			return undone, err
		case strings.TrimSpace(value) == "":
			return undone, c.remove(ctx, p.Name)
		}
		version, others, err := c.replace(ctx, p.Name, value, known)
		if err != nil || others == nil {
			return undone, err
		}
		known, now = version, *others
	}
	return Undone{}, busy(p.Name)
}

// without returns a parameter's value without what we published, "" when nothing else is in it. Of a document that others have changed
// only our key goes.
func without(p connection.Parameter, outputs []connection.Output, now, before Existing) (undone Undone, value string, err error) {
	switch {
	case ours(p, now) && p.PreviousVersion == 0:
		return Undone{How: "deleted"}, "", nil
	case ours(p, now):
		return Undone{How: fmt.Sprintf("set back to the value of version %d", p.PreviousVersion)}, before.Value, nil
	}
	changed := connection.Errorf(connection.Conflict, "it was changed after version %d: left as it is", p.Version)
	i := slices.IndexFunc(outputs, func(o connection.Output) bool { return o.Parameter == p.Name && o.Format == connection.FormatYAML })
	if i < 0 || now.Type != "String" {
		return undone, "", changed
	}
	path := outputs[i].YAMLPath
	undone.How = "freed of our key " + path + "; what others added to it stays"
	switch at, has, err := valueAt(now.Value, path); {
	case err != nil:
		return undone, "", changed
	case !has:
		undone.Before = true
		return undone, now.Value, nil
	case at != outputs[i].Value:
		if old, had, err := valueAt(before.Value, path); err == nil && had && old == at {
			undone.Before = true
			return undone, now.Value, nil
		}
		return undone, "", changed
	}
	if value, err = withdrawn(now.Value, before.Value, path); err != nil {
		return undone, "", connection.Errorf(connection.RemovalIncomplete, "others have changed it since, and our key %s in it must go: %w", path, err)
	}
	if strings.TrimSpace(value) == "" {
		undone.How = "deleted"
	}
	return undone, value, nil
}

func ours(p connection.Parameter, now Existing) bool {
	if p.SHA256 == "" {
		return now.Version == p.Version
	}
	return digest(now.Value) == p.SHA256
}

func (c *Client) remove(ctx context.Context, name string) error {
	_, err := c.api.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(name)})
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("deleting parameter %s: %w", name, err)
	}
	return nil
}

// Made returns what an execution that ended before it could report it has published. A parameter's current version is its work when it
// was written since the given time and is exactly what we make of an earlier version.
func (c *Client) Made(ctx context.Context, outputs []connection.Output, since time.Time) (connection.Config, error) {
	made := connection.Config{Parameters: []connection.Parameter{}}
	current, err := c.Read(ctx, names(outputs))
	if err != nil {
		return made, err
	}
	for _, output := range outputs {
		now, ok := current[output.Parameter]
		if !ok || now.Modified.Before(since.Truncate(time.Second)) {
			continue
		}
		earlier, err := c.earlier(ctx, output.Parameter, now)
		if err != nil {
			return made, err
		}
		if !writtenByUs(output, now, earlier) {
			continue
		}
		d := draft{output: output, value: now.Value}
		if before := base(output, now, earlier); before == nil {
			made.Parameters = append(made.Parameters, d.parameter(now.Version, 0, true))
		} else {
			made.Parameters = append(made.Parameters, d.parameter(now.Version, before.Version, true))
		}
	}
	return made, nil
}

// earlier returns the newest versions before the current one, newest first: as many as one call reads, which covers the retries of the
// SDK and of a race.
func (c *Client) earlier(ctx context.Context, name string, now Existing) ([]Existing, error) {
	var wanted []string
	for version := now.Version - 1; version > 0 && len(wanted) < mostRead; version-- {
		wanted = append(wanted, versioned(name, version))
	}
	read, err := c.Read(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var versions []Existing
	for _, key := range wanted {
		if version, ok := read[key]; ok {
			versions = append(versions, version)
		}
	}
	return versions, nil
}

// writtenByUs reports whether a version is what we make of one of those before it, or of nothing.
func writtenByUs(output connection.Output, version Existing, earlier []Existing) bool {
	for _, before := range earlier {
		if value, err := compose(output, &before); err == nil && value == version.Value && before.Value != version.Value {
			return true
		}
	}
	fresh, err := compose(output, nil)
	first := version.Version == 1 || len(earlier) > 0 && earlier[len(earlier)-1].Version == 1 && earlier[len(earlier)-1].Value == version.Value
	return err == nil && first && fresh == version.Value
}

// base returns the newest version before the current one that others wrote, nil when there is none.
func base(output connection.Output, now Existing, earlier []Existing) *Existing {
	for i, version := range earlier {
		if version.Value != now.Value && !writtenByUs(output, version, earlier[i+1:]) {
			return &version
		}
	}
	return nil
}

// Own completes what an earlier try of publishing did: a parameter that needed no change was written by that try, or by the execution
// that this one took the connection over from. When that try replaced what another person wrote at the same time, and died before it
// could write both, both are written now.
func (c *Client) Own(ctx context.Context, outputs []connection.Output, since time.Time, config connection.Config) (connection.Config, error) {
	unchanged := func(parameter connection.Parameter) bool { return !parameter.Changed }
	if !slices.ContainsFunc(config.Parameters, unchanged) {
		return config, nil
	}
	made, err := c.Made(ctx, outputs, since)
	if err != nil {
		return config, err
	}
	for i, parameter := range config.Parameters {
		j := slices.IndexFunc(made.Parameters, func(found connection.Parameter) bool { return found.Name == parameter.Name })
		if j < 0 || !unchanged(parameter) {
			continue
		}
		k := slices.IndexFunc(outputs, func(output connection.Output) bool { return output.Parameter == parameter.Name })
		if config.Parameters[i], err = c.both(ctx, outputs[k], made.Parameters[j]); err != nil {
			return config, err
		}
	}
	return config, nil
}

// both writes our value into the version before ours again when something of that version is missing now.
func (c *Client) both(ctx context.Context, output connection.Output, made connection.Parameter) (connection.Parameter, error) {
	previous := versioned(made.Name, made.PreviousVersion)
	if made.PreviousVersion == 0 || output.Format != connection.FormatYAML {
		return made, nil
	}
	read, err := c.Read(ctx, []string{previous, made.Name})
	if err != nil {
		return made, err
	}
	before, known := read[previous]
	now, exists := read[made.Name]
	if !known || !exists || !ours(made, now) {
		return made, nil
	}
	value, err := render(output, &before)
	if err != nil || value == now.Value {
		return made, nil // nothing is missing, or our value cannot stand there: what it replaced is the previous version
	}
	version, others, err := c.replace(ctx, made.Name, value, now.Version)
	if err != nil {
		return made, err
	}
	if others != nil {
		return made, busy(made.Name)
	}
	return draft{output: output, value: value}.parameter(version, before.Version, true), nil
}
