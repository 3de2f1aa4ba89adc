package ssm

import "postern/internal/local/wire"

type empty struct{}

type deleteParameterInput struct{ Name string }

func (s *Service) deleteParameter(_ *wire.Call, in deleteParameterInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.delete(in.Name) {
		return empty{}, notFound()
	}
	return empty{}, nil
}

type deleteParametersInput struct{ Names []string }

type deleteParametersOutput struct{ DeletedParameters, InvalidParameters []string }

func (s *Service) deleteParameters(_ *wire.Call, in deleteParametersInput) (deleteParametersOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := deleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	if n := len(in.Names); n < 1 || n > 10 {
		return out, wire.Errorf("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: "+
			"Member must have length between 1 and 10, inclusive; it has %d", n)
	}
	for _, name := range in.Names {
		if s.delete(name) {
			out.DeletedParameters = append(out.DeletedParameters, name)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

// delete removes a parameter with all its versions and reports whether there was one.
func (s *Service) delete(name string) bool {
	p := s.parameters[name]
	if p == nil {
		return false
	}
	delete(s.parameters, name)
	s.changed(p, "Delete")
	return true
}
