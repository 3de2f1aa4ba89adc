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

// value of a SecureString that is not decrypted; the real one is other ciphertext.
const ciphertext = "AQICAHembedded"

func (s *Service) describe(p *parameter, v *Version, selector string, decrypt bool) described {
	d := described{
		ARN: s.arn(p.name), DataType: v.DataType, Name: p.name, Type: v.Type, Value: v.Value, Selector: selector, Version: v.Number,
		LastModifiedDate: v.modified(),
	}
	if v.Type == "SecureString" && !decrypt {
		d.Value = ciphertext
	}
	return d
}

// modified is in seconds since 1970, as the protocol has it.
func (v *Version) modified() float64 { return float64(v.Modified.UnixMilli()) / 1000 }

type getParameterInput struct {
	Name           string
	WithDecryption bool
}

type getParameterOutput struct{ Parameter described }

func (s *Service) getParameter(_ *wire.Call, in getParameterInput) (getParameterOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, v, selector, err := s.selected(in.Name)
	if err != nil {
		return getParameterOutput{}, err
	}
	if p == nil {
		return getParameterOutput{}, notFound()
	}
	return getParameterOutput{s.describe(p, v, selector, in.WithDecryption)}, nil
}

// notFound says nothing more, and neither does AWS.
func notFound() error { return &wire.Error{Code: "ParameterNotFound"} }

type getParametersInput struct {
	Names          []string
	WithDecryption bool
}

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
		out.Parameters = append(out.Parameters, s.describe(p, v, selector, in.WithDecryption))
	}
	slices.SortStableFunc(out.Parameters, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

type getParametersByPathInput struct {
	Path, NextToken           string
	MaxResults                *int
	Recursive, WithDecryption bool
}

type getParametersByPathOutput struct {
	Parameters []described
	NextToken  string `json:",omitempty"`
}

func (s *Service) getParametersByPath(_ *wire.Call, in getParametersByPathInput) (getParametersByPathOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.Path != "/" && (!strings.HasPrefix(in.Path, "/") || !nameSymbols.MatchString(in.Path)) {
		return getParametersByPathOutput{}, invalid("The parameter doesn't meet the parameter name requirements. The parameter name " +
			`must begin with a forward slash "/".`)
	}
	var found []described
	for _, name := range s.names() {
		if below(name, in.Path, in.Recursive) {
			found = append(found, s.describe(s.parameters[name], s.parameters[name].latest(), "", in.WithDecryption))
		}
	}
	page, next, err := pageOf(found, in.MaxResults, 10, in.NextToken)
	return getParametersByPathOutput{Parameters: page, NextToken: next}, err
}

// below reports whether a name is inside a path, at whatever depth or just one level down.
func below(name, path string, recursive bool) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
	return ok && rest != "" && (recursive || !strings.Contains(rest, "/"))
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

type getParameterHistoryInput struct {
	Name, NextToken string
	MaxResults      *int
	WithDecryption  bool
}

type pastVersion struct {
	Name, Type, Value, Tier, DataType, LastModifiedUser string
	Description, AllowedPattern                         string `json:",omitempty"`
	KeyID                                               string `json:"KeyId,omitempty"`
	Version                                             int64
	LastModifiedDate                                    float64
	Labels                                              []string
}

type getParameterHistoryOutput struct {
	Parameters []pastVersion
	NextToken  string `json:",omitempty"`
}

func (s *Service) getParameterHistory(_ *wire.Call, in getParameterHistoryInput) (getParameterHistoryOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.named(in.Name)
	if p == nil {
		return getParameterHistoryOutput{}, notFound()
	}
	var all []pastVersion
	for _, v := range p.versions {
		d := s.describe(p, v, "", in.WithDecryption)
		all = append(all, pastVersion{
			Name: p.name, Type: v.Type, Value: d.Value, Tier: v.Tier, DataType: v.DataType, LastModifiedUser: v.ModifiedBy,
			Description: v.Description, AllowedPattern: v.AllowedPattern, KeyID: v.KeyID, Version: v.Number,
			LastModifiedDate: v.modified(), Labels: append([]string{}, v.Labels...),
		})
	}
	page, next, err := pageOf(all, in.MaxResults, 50, in.NextToken)
	return getParameterHistoryOutput{Parameters: page, NextToken: next}, err
}
