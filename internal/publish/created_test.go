package publish

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/step"
)

// DescribeParameters answers in pages of one, with an empty one between, as AWS may.
func (f *fakeSSM) DescribeParameters(_ context.Context, in *ssm.DescribeParametersInput, _ ...func(*ssm.Options)) (
	*ssm.DescribeParametersOutput, error) {
	if err := f.enter("DescribeParameters"); err != nil {
		return nil, err
	}
	if aws.ToString(in.ParameterFilters[0].Key) == "Name" {
		out := &ssm.DescribeParametersOutput{}
		for _, name := range in.ParameterFilters[0].Values {
			if versions := f.parameters[name]; len(versions) > 0 {
				out.Parameters = append(out.Parameters, types.ParameterMetadata{Name: aws.String(name), Version: int64(len(versions)),
					Tier: f.rules[name].Tier, AllowedPattern: aws.String(f.rules[name].Pattern)})
			}
		}
		return out, nil
	}
	tag := strings.TrimPrefix(aws.ToString(in.ParameterFilters[1].Key), "tag:")
	f.calls[len(f.calls)-1] += " " + in.ParameterFilters[0].Values[0] + " " + tag + "=" + in.ParameterFilters[1].Values[0]
	switch aws.ToString(in.NextToken) {
	case "":
		return &ssm.DescribeParametersOutput{Parameters: []types.ParameterMetadata{
			{Name: aws.String("/p/v/n/a"), Version: 1, LastModifiedDate: aws.Time(f.now)},
		}, NextToken: aws.String("2")}, nil
	case "2":
		return &ssm.DescribeParametersOutput{NextToken: aws.String("3")}, nil
	}
	return &ssm.DescribeParametersOutput{Parameters: []types.ParameterMetadata{{Name: aws.String("/p/v/n/b"), Version: 4}}}, nil
}

func TestCreated(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for id, filters := range map[string]string{"": "/p " + connection.TagManaged + "=true", "v/n": "/p " + connection.TagConnection + "=v/n"} {
		fake := holding(nil)
		fake.now = noon
		got, err := New(fake).Created(t.Context(), "/p", id)
		want := []Created{{Name: "/p/v/n/a", Version: 1, Modified: noon}, {Name: "/p/v/n/b", Version: 4}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if len(fake.calls) != 3 || !strings.HasSuffix(fake.calls[0], filters) {
			t.Errorf("calls %q", fake.calls)
		}
	}
	denied := holding(nil)
	denied.refuse = map[string][]error{"DescribeParameters": {code("AccessDeniedException")}}
	if _, err := New(denied).Created(t.Context(), "/p", ""); step.Name(err) != connection.AccessDenied {
		t.Errorf("%v", err)
	}
}
