package ssm

import (
	"regexp"
	"slices"

	"postern/internal/local/wire"
)

type labelInput struct {
	Name             string
	Labels           []string
	ParameterVersion *int64
}

type labelOutput struct {
	InvalidLabels    []string
	ParameterVersion int64
}

// validLabel is a label. AWS: letters, digits, periods, hyphens and underscores; it begins with none of a number, aws and ssm.
var (
	validLabel    = regexp.MustCompile(`^[A-Za-z_.-][A-Za-z0-9_.-]{0,99}$`)
	reservedLabel = regexp.MustCompile(`^(?i)(aws|ssm)`)
)

// label moves labels to a version: one label is on one version at most, and a version has ten at most.
func (s *Service) label(_ *wire.Call, in labelInput) (labelOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[in.Name]
	if p == nil {
		return labelOutput{}, notFound()
	}
	v := p.latest()
	if in.ParameterVersion != nil {
		at := slices.IndexFunc(p.versions, func(v *Version) bool { return v.Number == *in.ParameterVersion })
		if at < 0 {
			return labelOutput{}, wire.Errorf("ParameterVersionNotFound",
				"Systems Manager could not find version %d of %s. Verify the version and try again.", *in.ParameterVersion, p.name)
		}
		v = p.versions[at]
	}
	out := labelOutput{InvalidLabels: []string{}, ParameterVersion: v.Number}
	labels := slices.Clone(v.Labels)
	for _, label := range in.Labels {
		switch {
		case !validLabel.MatchString(label) || reservedLabel.MatchString(label):
			out.InvalidLabels = append(out.InvalidLabels, label)
		case !slices.Contains(labels, label):
			labels = append(labels, label)
		}
	}
	if len(labels) > 10 {
		return labelOutput{}, wire.Errorf("ParameterVersionLabelLimitExceeded", "A parameter version can have at most 10 labels.")
	}
	for _, other := range p.versions {
		other.Labels = slices.DeleteFunc(other.Labels, func(label string) bool { return slices.Contains(labels, label) })
	}
	v.Labels = labels
	s.changed(p, "LabelParameterVersion")
	return out, nil
}
