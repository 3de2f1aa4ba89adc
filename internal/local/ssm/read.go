package ssm

import (
	"slices"
	"strconv"
	"strings"

	"postern/internal/local/wire"
)

// described is a parameter as the reading operations answer it.
type described struct {
	ARN, DataType, Name, Type, Value string
	Selector                         string `json:",omitempty"`
	Version                          int64
	LastModifiedDate                 float64
}

func (s *Service) describe(p *parameter, v *Version, selector string) described {
	return described{
		ARN: s.arn(p.name), DataType: "text", Name: p.name, Type: v.Type, Value: v.Value, Selector: selector, Version: v.Number,
		LastModifiedDate: v.modified(),
	}
}

// modified is in seconds since 1970, as the protocol has it.
func (v *Version) modified() float64 { return float64(v.Modified.UnixMilli()) / 1000 }

// notFound says nothing more, and neither does AWS.
func notFound() error { return &wire.Error{Code: "ParameterNotFound"} }

type getParametersInput struct{ Names []string }

type getParametersOutput struct {
	Parameters        []described
	InvalidParameters []string
}

// getParameters answers sorted by name, and not as asked: AWS promises no order.
func (s *Service) getParameters(_ *wire.Call, in getParametersInput) (getParametersOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := getParametersOutput{Parameters: []described{}, InvalidParameters: []string{}}
	if n := len(in.Names); n < 1 || n > 10 {
		return out, wire.Errorf("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: "+
			"Member must have length between 1 and 10, inclusive; it has %d", n)
	}
	for i, name := range in.Names {
		if slices.Contains(in.Names[:i], name) {
			return out, invalid("Duplicate parameter name " + name)
		}
		p, v, selector, err := s.selected(name)
		if p == nil || err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		out.Parameters = append(out.Parameters, s.describe(p, v, selector))
	}
	slices.SortStableFunc(out.Parameters, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// pageOf cuts a page out of all results. The token is where the next one begins.
func pageOf[T any](all []T, asked *int, most int, token string) (page []T, next string, err error) {
	size := most
	if asked != nil {
		size = *asked
	}
	if size < 1 || size > most {
		return nil, "", wire.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy "+
			"constraint: Member must have value between 1 and %d", size, most)
	}
	start := 0
	if token != "" {
		if start, err = strconv.Atoi(token); err != nil || start < 0 {
			return nil, "", wire.Errorf("InvalidNextToken", "The specified token is not valid.")
		}
	}
	start = min(start, len(all))
	end := min(start+size, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, all[start:end]...), next, nil
}
