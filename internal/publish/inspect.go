package publish

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// Rules are what a parameter allows of a new version.
type Rules struct {
	Tier    string // Standard or Advanced; "" when it was not read
	Pattern string // that every value must match, "" for none
	// LabelOnOldest is a label of the oldest of 100 versions, which AWS keeps: no further version can be written. "" for none.
	LabelOnOldest string
}

// mostVersions is how many versions of a parameter AWS keeps.
const mostVersions = 100

// Inspect returns the parameters that exist, by name, with the rules for their next version.
//
// AWS: only DescribeParameters gives tier and pattern, only the history gives labels.
func (c *Client) Inspect(ctx context.Context, names []string) (map[string]Existing, error) {
	existing, err := c.Read(ctx, names)
	if err != nil || len(existing) == 0 {
		return existing, err
	}
	for chunk := range slices.Chunk(names, mostDescribed) {
		pages := ssm.NewDescribeParametersPaginator(c.api, &ssm.DescribeParametersInput{
			MaxResults:       aws.Int32(mostDescribed),
			ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Values: chunk}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("describing parameters: %w", err)
			}
			for _, p := range page.Parameters {
				if e, ok := existing[aws.ToString(p.Name)]; ok {
					e.Rules.Tier, e.Rules.Pattern = string(p.Tier), aws.ToString(p.AllowedPattern)
					existing[aws.ToString(p.Name)] = e
				}
			}
		}
	}
	for name, e := range existing {
		if e.Version < mostVersions {
			continue
		}
		if e.Rules.LabelOnOldest, err = c.labelOnOldest(ctx, name, e.Version); err != nil {
			return nil, err
		}
		existing[name] = e
	}
	return existing, nil
}

// mostDescribed is how many parameters one call describes.
//
// AWS: a filter takes 50 values, and a page has 50 parameters.
const mostDescribed = 50

// labelOnOldest returns a label of the oldest version when as many versions exist as AWS keeps.
func (c *Client) labelOnOldest(ctx context.Context, name string, current int64) (string, error) {
	out, err := c.api.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{Name: aws.String(name), MaxResults: aws.Int32(1)})
	if err != nil {
		return "", fmt.Errorf("reading the history of parameter %s: %w", name, err)
	}
	if len(out.Parameters) == 0 || current-out.Parameters[0].Version+1 < mostVersions || len(out.Parameters[0].Labels) == 0 {
		return "", nil
	}
	return out.Parameters[0].Labels[0], nil
}

// refused names the answers by which AWS refuses a new version for good: a person corrects them, and a retry alone does not.
func refused(err error) error {
	remedies := map[string]string{
		"ParameterMaxVersionLimitExceeded":  "it has 100 versions, and the oldest has a label: move that label to a newer version",
		"ParameterPatternMismatchException": "its allowed pattern does not take the value: change the pattern",
		"HierarchyTypeMismatchException":    "it is no String parameter any longer: delete it",
		"ParameterMaxSizeExceeded":          "the value is too large for its tier: shorten the document, or put it into the Advanced tier",
	}
	remedy, known := remedies[awserr.Code(err)]
	if !known {
		return err
	}
	return connection.Errorf(connection.ConfigRefused, "%s. AWS says: %w", remedy, err)
}
