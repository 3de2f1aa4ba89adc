package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Undo takes back what was published: a parameter that was created is deleted, one that was changed gets its previous value back.
// One that somebody has changed since is left alone, with a Conflict that names it; the others are undone all the same.
//
// A value is known by its content. AWS: versions begin at 1 again when somebody deletes a parameter and makes one of the same name,
// and our own value has another number when it was put back.
func (c *Client) Undo(ctx context.Context, config connection.Config) error {
	var failed []error
	for _, parameter := range slices.Backward(config.Parameters) {
		if parameter.Changed {
			failed = append(failed, c.undo(ctx, parameter))
		}
	}
	return errors.Join(failed...)
}

func (c *Client) undo(ctx context.Context, p connection.Parameter) error {
	previous := versioned(p.Name, p.PreviousVersion)
	wanted := []string{p.Name}
	if p.PreviousVersion > 0 {
		wanted = append(wanted, previous)
	}
	read, err := c.Read(ctx, wanted)
	if err != nil {
		return err
	}
	now, ok := read[p.Name]
	switch {
	case !ok && p.PreviousVersion == 0:
		return nil // gone already
	case !ok || !ours(p, now):
		if before, known := read[previous]; ok && known && before.Value == now.Value {
			return nil // an earlier try has restored it
		}
		return connection.Errorf(connection.Conflict, "parameter %s was changed after version %d: left as it is", p.Name, p.Version)
	case p.PreviousVersion == 0:
		return c.remove(ctx, p.Name)
	}
	before, ok := read[previous]
	if !ok {
		return fmt.Errorf("parameter %s still has our value, and version %d, which it should get back, is gone; write its value by hand",
			p.Name, p.PreviousVersion)
	}
	_, err = c.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(p.Name), Value: aws.String(before.Value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("restoring parameter %s: %w", p.Name, err)
	}
	return nil
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
