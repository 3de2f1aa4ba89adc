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
