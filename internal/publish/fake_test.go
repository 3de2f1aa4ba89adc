package publish

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// fakeSSM obeys the rules of Parameter Store that this package depends on. A call it does not know panics: the embedded interface
// is nil.
type fakeSSM struct {
	API

	parameters map[string][]version // by name, oldest first
	kinds      map[string]types.ParameterType
	tags       map[string]map[string]string
	rules      map[string]fakeRules
	calls      []string
	refuse     map[string][]error // before the operation does anything, one a call
	lose       map[string][]error // after it did
	before     func()             // what another person does just before a PutParameter
	now        time.Time
}

// fakeRules are a parameter's tier and pattern, and the label of its oldest version.
type fakeRules struct {
	Tier           types.ParameterTier
	Pattern, Label string
}

type version struct {
	value string
	at    time.Time
}

func code(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: code + " as AWS says"}
}

func holding(values map[string]string) *fakeSSM {
	f := &fakeSSM{parameters: map[string][]version{}, tags: map[string]map[string]string{}, kinds: map[string]types.ParameterType{}}
	for name, value := range values {
		f.parameters[name] = []version{{value: value}}
	}
	return f
}

func (f *fakeSSM) value(name string) string {
	versions := f.parameters[name]
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1].value
}

func (f *fakeSSM) put(name, value string) {
	f.parameters[name] = append(f.parameters[name], version{value, f.now})
}

func (f *fakeSSM) enter(operation string) error {
	f.calls = append(f.calls, operation)
	return take(f.refuse, operation)
}

func take(errs map[string][]error, operation string) error {
	if len(errs[operation]) == 0 {
		return nil
	}
	err := errs[operation][0]
	errs[operation] = errs[operation][1:]
	return err
}

func (f *fakeSSM) puts() int { return strings.Count(strings.Join(f.calls, " "), "PutParameter") }

// reads are the calls that change nothing.
func (f *fakeSSM) reads() []string {
	var reads []string
	for _, call := range f.calls {
		if !strings.HasPrefix(call, "Put") && !strings.HasPrefix(call, "Delete") {
			reads = append(reads, call)
		}
	}
	return reads
}

// GetParameters leaves out what does not exist.
func (f *fakeSSM) GetParameters(
	_ context.Context, in *ssm.GetParametersInput, _ ...func(*ssm.Options),
) (*ssm.GetParametersOutput, error) {
	if err := f.enter("GetParameters"); err != nil {
		return nil, err
	}
	if len(in.Names) == 0 || len(in.Names) > 10 {
		return nil, code("ValidationException")
	}
	out := &ssm.GetParametersOutput{}
	for _, asked := range in.Names {
		name, selector, selected := strings.Cut(asked, ":")
		versions := f.parameters[name]
		number := len(versions)
		if selected {
			number, _ = strconv.Atoi(selector)
		}
		if number < 1 || number > len(versions) {
			out.InvalidParameters = append(out.InvalidParameters, asked)
			continue
		}
		v := versions[number-1]
		p := types.Parameter{
			Name: aws.String(name), Value: aws.String(v.value), Version: int64(number), Type: types.ParameterTypeString,
			LastModifiedDate: aws.Time(v.at),
		}
		if selected {
			p.Selector = aws.String(":" + selector)
		}
		if kind, ok := f.kinds[name]; ok {
			p.Type = kind
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out, nil
}

func (f *fakeSSM) PutParameter(_ context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options)) (*ssm.PutParameterOutput,
	error) {
	if err := f.enter("PutParameter"); err != nil {
		return nil, err
	}
	if f.before != nil {
		f.before()
		f.before = nil
	}
	name, value := aws.ToString(in.Name), aws.ToString(in.Value)
	_, exists := f.parameters[name]
	switch {
	case value == "" || len(value) > 4096 && f.rules[name].Tier != types.ParameterTierAdvanced || strings.Contains(value, "{{"):
		panic(fmt.Sprintf("a value that AWS refuses was sent: %q", value))
	case aws.ToBool(in.Overwrite) && len(in.Tags) > 0:
		return nil, code("ValidationException") // tags and overwrite can't be used together
	case exists && !aws.ToBool(in.Overwrite):
		return nil, code("ParameterAlreadyExists")
	}
	f.put(name, value)
	for _, tag := range in.Tags {
		if f.tags[name] == nil {
			f.tags[name] = map[string]string{}
		}
		f.tags[name][aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if err := take(f.lose, "PutParameter"); err != nil {
		return nil, err
	}
	return &ssm.PutParameterOutput{Version: int64(len(f.parameters[name]))}, nil
}

func (f *fakeSSM) DeleteParameter(
	_ context.Context, in *ssm.DeleteParameterInput, _ ...func(*ssm.Options),
) (*ssm.DeleteParameterOutput, error) {
	if err := f.enter("DeleteParameter"); err != nil {
		return nil, err
	}
	if _, ok := f.parameters[aws.ToString(in.Name)]; !ok {
		return nil, code("ParameterNotFound")
	}
	delete(f.parameters, aws.ToString(in.Name))
	return &ssm.DeleteParameterOutput{}, nil
}

// GetParameterHistory gives the oldest version, of the 100 that AWS keeps.
func (f *fakeSSM) GetParameterHistory(_ context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options)) (
	*ssm.GetParameterHistoryOutput, error) {
	if err := f.enter("GetParameterHistory"); err != nil {
		return nil, err
	}
	oldest := types.ParameterHistory{Version: max(1, int64(len(f.parameters[aws.ToString(in.Name)]))-99)}
	if label := f.rules[aws.ToString(in.Name)].Label; label != "" {
		oldest.Labels = []string{label}
	}
	return &ssm.GetParameterHistoryOutput{Parameters: []types.ParameterHistory{oldest}}, nil
}
