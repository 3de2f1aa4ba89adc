package ssm

import (
	"net/http"
	"regexp"
	"strings"

	"postern/internal/local/wire"
)

type putParameterInput struct {
	Name, Value, Type string
	Overwrite         bool
	Tags              []tag
}

type putParameterOutput struct {
	Version int64
	Tier    string
}

func (s *Service) putParameter(call *wire.Call, in putParameterInput) (putParameterOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.put(in, call.Principal)
	if err != nil {
		return putParameterOutput{}, err
	}
	return putParameterOutput{Version: v.Number, Tier: "Standard"}, nil
}

// put makes a parameter, or a new version of one. Every overwrite makes a version, even one with the same value. The service is locked.
func (s *Service) put(in putParameterInput, caller string) (*Version, error) {
	if err := s.checkName(in.Name); err != nil {
		return nil, err
	}
	p := s.parameters[in.Name]
	if err := checkPut(in, p); err != nil {
		return nil, err
	}
	v := &Version{Number: 1, Type: in.Type, Value: in.Value, Modified: s.clock.Now(), ModifiedBy: caller}
	operation := "Update"
	if p == nil {
		p = &parameter{name: in.Name, tags: tagMap(in.Tags)}
		operation = "Create"
	} else {
		v.Number, v.Type = p.latest().Number+1, p.latest().Type
		// AWS: a parameter keeps 100 versions.
		p.versions = p.versions[max(0, len(p.versions)-mostVersions+1):]
	}
	s.parameters[in.Name] = p
	p.versions = append(p.versions, v)
	s.changed(p, operation)
	return v, nil
}

func checkPut(in putParameterInput, existing *parameter) error {
	switch {
	case len(in.Tags) > 0 && in.Overwrite:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove " +
			"overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case in.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length " +
			"greater than or equal to 1")
	case strings.Contains(in.Value, "{{"):
		return invalid(`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	case existing == nil && in.Type == "":
		return invalid("A parameter type is required when you create a parameter.")
	case in.Type != "" && in.Type != "String":
		return &wire.Error{
			Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented, Message: "parameters of type " + in.Type + " are not simulated",
		}
	case len(in.Value) > 4096:
		return invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger " +
			"parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see " +
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case existing != nil && !in.Overwrite:
		return wire.Errorf("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	return checkTags(nil, in.Tags)
}

// mostVersions is how many versions a parameter keeps.
const mostVersions = 100

var (
	nameSymbols = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
	reserved    = regexp.MustCompile(`^(?i)/?(aws|ssm)`)
)

// The limits of a name. AWS: 1,011 characters, those of the ARN before it included; 15 levels.
const (
	longestName = 1011
	mostLevels  = 15
)

// checkName applies the rules for the name of a new parameter.
func (s *Service) checkName(name string) error {
	levels := strings.Count(strings.TrimPrefix(name, "/"), "/") + 1
	switch {
	case name == "":
		return invalid("1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length " +
			"greater than or equal to 1")
	case reserved.MatchString(name):
		return invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case !nameSymbols.MatchString(name) || strings.Contains(name, "//") || strings.HasSuffix(name, "/"):
		return invalid(`Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of ` +
			"sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.Contains(name, "/") && name[0] != '/':
		return invalid("Parameter name must be a fully qualified name.")
	case levels > mostLevels:
		return wire.Errorf("HierarchyLevelLimitExceededException", "The parameter name has %d levels, at most %d are allowed.",
			levels, mostLevels)
	case len(s.arn(name)) > longestName:
		return invalid("The parameter name is too long.")
	}
	return nil
}

func invalid(message string) error { return &wire.Error{Code: "ValidationException", Message: message} }
