package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

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
	case !ours(p, now):
		return c.withdraw(ctx, p, outputs, now, before)
	case p.PreviousVersion == 0:
		return undone, c.remove(ctx, p.Name)
	case !known:
		return undone, fmt.Errorf("it still has our value, and version %d, whose value it should get back, is gone; write that value manually",
			p.PreviousVersion)
	}
	return undone, c.put(ctx, p.Name, before.Value)
}

func ours(p connection.Parameter, now Existing) bool {
	if p.SHA256 == "" {
		return now.Version == p.Version
	}
	return digest(now.Value) == p.SHA256
}

// withdraw takes our key out of a document that others have changed since, or gives it the value that it had before us.
func (c *Client) withdraw(ctx context.Context, p connection.Parameter, outputs []connection.Output, now, before Existing) (Undone, error) {
	changed := connection.Errorf(connection.Conflict, "it was changed after version %d: left as it is", p.Version)
	i := slices.IndexFunc(outputs, func(o connection.Output) bool { return o.Parameter == p.Name && o.Format == connection.FormatYAML })
	if i < 0 || now.Type != "String" {
		return Undone{}, changed
	}
	path := outputs[i].YAMLPath
	undone := Undone{How: "freed of our key " + path + "; what others added to it stays"}
	switch value, has, err := valueAt(now.Value, path); {
	case err != nil:
		return undone, changed
	case !has:
		undone.Before = true
		return undone, nil
	case value != outputs[i].Value:
		if old, had, err := valueAt(before.Value, path); err == nil && had && old == value {
			undone.Before = true
			return undone, nil
		}
		return undone, changed
	}
	value, err := withdrawn(now.Value, before.Value, path)
	switch {
	case err != nil:
		return undone, fmt.Errorf("others have changed it since, and our key %s in it must go: %w", path, err)
	case strings.TrimSpace(value) == "":
		return Undone{How: "deleted"}, c.remove(ctx, p.Name)
	}
	return undone, c.put(ctx, p.Name, value)
}

// put writes a new version of a parameter that exists.
func (c *Client) put(ctx context.Context, name, value string) error {
	_, err := c.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("writing parameter %s: %w", name, err)
	}
	return nil
}

func (c *Client) remove(ctx context.Context, name string) error {
	_, err := c.api.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(name)})
	if err != nil && !awserr.IsNotFound(err) {
		return fmt.Errorf("deleting parameter %s: %w", name, err)
	}
	return nil
}

// Made returns what an execution that ended before it could say so has published. A parameter's current version is its work when
// it was written since the given time and is exactly what we make of the version before it.
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
		before, err := c.before(ctx, output.Parameter, now)
		if err != nil {
			return made, err
		}
		value, err := render(output, before)
		if err != nil || value != now.Value {
			continue // somebody else's
		}
		d := draft{output: output, value: value}
		if before == nil {
			made.Parameters = append(made.Parameters, d.parameter(now.Version, 0, true))
		} else {
			made.Parameters = append(made.Parameters, d.parameter(now.Version, before.Version, true))
		}
	}
	return made, nil
}

// before returns the newest version of a parameter whose value differs from the current one, nil when there is none. An SDK retry
// after a lost answer writes the same value twice.
func (c *Client) before(ctx context.Context, name string, now Existing) (*Existing, error) {
	const retries = 3 // attempts of the SDK's retryer
	var wanted []string
	for version := now.Version - 1; version > 0 && version >= now.Version-retries; version-- {
		wanted = append(wanted, versioned(name, version))
	}
	read, err := c.Read(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for _, key := range wanted {
		if earlier, ok := read[key]; ok && earlier.Value != now.Value {
			return &earlier, nil
		}
	}
	return nil, nil
}
