package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	existing, err := c.Read(ctx, names(outputs))
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
// AWS: tags can be given only without Overwrite, and then an existing parameter is an error: somebody else, or a lost answer's
// retry, was faster, and what is there now is what we go on from.
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
		return connection.Parameter{}, fmt.Errorf("creating parameter %s: %w", name, err)
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

// update writes a new version.
//
// AWS: there is no conditional write, so somebody else's version that came between is found out by the number that comes back,
// and named: nothing is lost, since SSM keeps 100 versions.
func (c *Client) update(ctx context.Context, d draft) (connection.Parameter, error) {
	name := d.output.Parameter
	out, err := c.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(d.value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return connection.Parameter{}, fmt.Errorf("writing parameter %s: %w", name, err)
	}
	if out.Version > d.existing.Version+1 {
		between := versioned(name, out.Version-1)
		read, err := c.Read(ctx, []string{between})
		if err != nil {
			return connection.Parameter{}, err
		}
		if other, ok := read[between]; ok && other.Value != d.value { // ours, when the SDK retried after a lost answer
			return connection.Parameter{}, connection.Errorf(connection.Conflict, "somebody wrote version %d of parameter %s while we "+
				"wrote version %d, which replaced it; compare the two, then start again", out.Version-1, name, out.Version)
		}
	}
	return d.parameter(out.Version, d.existing.Version, true), nil
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
