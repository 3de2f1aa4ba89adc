package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// draft is one output on its way: what is there and what will be.
type draft struct {
	output   connection.Output
	existing *Existing // nil: the parameter does not exist
	value    string
}

// Publish writes every output whose value differs from what is there. When one of them cannot be published none is written: the
// error is a connection.ConfigRefused that names all of those.
func (c *Client) Publish(ctx context.Context, outputs []connection.Output, tags map[string]string) (connection.Config, error) {
	config := connection.Config{Parameters: []connection.Parameter{}}
	existing, err := c.Inspect(ctx, names(outputs))
	if err != nil {
		return config, err
	}
	drafts, err := drafted(outputs, existing)
	if err != nil {
		return config, err
	}
	for _, d := range drafts {
		parameter, err := c.write(ctx, d, tags)
		if err != nil {
			return config, err
		}
		config.Parameters = append(config.Parameters, parameter)
	}
	return config, nil
}

func drafted(outputs []connection.Output, existing map[string]Existing) ([]draft, error) {
	var drafts []draft
	var refused []string
	for _, output := range outputs {
		d := draft{output: output}
		if e, ok := existing[output.Parameter]; ok {
			d.existing = &e
		}
		value, err := render(output, d.existing)
		if err == nil {
			err = Check(output, d.existing)
		}
		if err != nil {
			refused = append(refused, "\n- "+err.Error())
			continue
		}
		d.value = value
		drafts = append(drafts, d)
	}
	if len(refused) > 0 {
		return nil, connection.Errorf(connection.ConfigRefused, "The configuration cannot be published; nothing was written:%s",
			strings.Join(refused, ""))
	}
	return drafts, nil
}

func (c *Client) write(ctx context.Context, d draft, tags map[string]string) (connection.Parameter, error) {
	switch {
	case d.existing == nil:
		return c.create(ctx, d, tags)
	case d.existing.Value == d.value:
		return d.parameter(d.existing.Version, 0, false), nil
	}
	return c.update(ctx, d)
}

// create makes a parameter.
//
// AWS: tags can be given only without Overwrite, and then an existing parameter is an error: another person, or the retry
// after a lost answer, was first. The write continues from what is there now.
func (c *Client) create(ctx context.Context, d draft, tags map[string]string) (connection.Parameter, error) {
	name := d.output.Parameter
	out, err := c.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(d.value), Type: types.ParameterTypeString, Overwrite: aws.Bool(false),
		Tags: tagList(tags),
	})
	if err == nil {
		return d.parameter(out.Version, 0, true), nil
	}
	if !awserr.Is(err, "ParameterAlreadyExists") {
		return connection.Parameter{}, fmt.Errorf("creating parameter %s: %w", name, refused(err))
	}
	now, err := c.Read(ctx, []string{name})
	if err != nil {
		return connection.Parameter{}, err
	}
	existing, ok := now[name]
	switch {
	case !ok:
		return connection.Parameter{}, connection.Errorf(connection.Unavailable, "parameter %s exists, but cannot be read yet", name)
	case existing.Value == d.value && existing.Version == 1:
		return d.parameter(1, 0, true), nil
	}
	again, err := drafted([]connection.Output{d.output}, now)
	if err != nil {
		return connection.Parameter{}, err
	}
	return c.write(ctx, again[0], tags)
}

// mostRaces is how often a parameter is written again because another person wrote it at the same time.
const mostRaces = 5

// update writes a new version. A version that another person wrote between our read and our write is never lost: our value goes into
// that version, or, when it cannot, that version comes back.
func (c *Client) update(ctx context.Context, d draft) (connection.Parameter, error) {
	known := d.existing.Version
	for range mostRaces {
		version, others, err := c.replace(ctx, d.output.Parameter, d.value, known)
		if err != nil {
			return connection.Parameter{}, err
		}
		if others == nil {
			return d.parameter(version, d.existing.Version, true), nil
		}
		others.Rules = d.existing.Rules
		known, d.existing = version, others
		value, err := render(d.output, others)
		if err != nil {
			return connection.Parameter{}, c.giveWay(ctx, d.output.Parameter, *others, known, connection.Errorf(connection.ConfigRefused,
				"another person wrote version %d while Postern wrote this parameter, and its value cannot be set there: %w", others.Version, err))
		}
		if value == d.value {
			return d.parameter(version, others.Version, true), nil
		}
		d.value = value
	}
	return connection.Parameter{}, busy(d.output.Parameter)
}

func busy(name string) error {
	return connection.Errorf(connection.Unavailable, "others write parameter %s all the time", name)
}

// replace writes a value over the version that was read, and returns the newest version that another person wrote in between; others is
// nil when there is none.
//
// AWS: there is no conditional write, but the version that comes back tells how many writes came between. SSM keeps 100 versions. A
// version in between with our own value is a retry of the SDK after a lost answer.
func (c *Client) replace(ctx context.Context, name, value string, read int64) (version int64, others *Existing, err error) {
	if version, err = c.put(ctx, name, value); err != nil || version <= read+1 {
		return version, nil, err
	}
	var between []string
	for v := version - 1; v > read && len(between) < mostRead; v-- {
		between = append(between, versioned(name, v))
	}
	found, err := c.Read(ctx, between)
	if err != nil {
		return version, nil, err
	}
	for _, key := range between {
		if other, ok := found[key]; ok && other.Value != value {
			return version, &other, nil
		}
	}
	return version, nil, nil
}

// giveWay puts another person's version back over ours, and returns why; a newer version of others comes back instead.
func (c *Client) giveWay(ctx context.Context, name string, others Existing, known int64, why *connection.Error) error {
	for range mostRaces {
		version, newer, err := c.replace(ctx, name, others.Value, known)
		if err != nil {
			return errors.Join(fmt.Errorf("parameter %s: the value of version %d, which Postern replaced, could not be put back: %w", name, others.Version, err), why)
		}
		if newer == nil {
			return connection.Errorf(why.Name, "parameter %s: %w. The value of version %d is back, as version %d", name, why, others.Version, version)
		}
		known, others = version, *newer
	}
	return busy(name)
}

// put writes a new version of a parameter that exists.
func (c *Client) put(ctx context.Context, name, value string) (version int64, err error) {
	out, err := c.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return 0, fmt.Errorf("writing parameter %s: %w", name, refused(err))
	}
	return out.Version, nil
}

func (d draft) parameter(version, previous int64, changed bool) connection.Parameter {
	return connection.Parameter{
		Name: d.output.Parameter, Version: version, PreviousVersion: previous, Changed: changed, SHA256: digest(d.value),
	}
}

func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

func names(outputs []connection.Output) []string {
	list := make([]string, len(outputs))
	for i, output := range outputs {
		list[i] = output.Parameter
	}
	return list
}

// versioned is how SSM names one version of a parameter.
func versioned(name string, version int64) string { return fmt.Sprintf("%s:%d", name, version) }

func tagList(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}
