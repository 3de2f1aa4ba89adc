package ssm

import (
	"regexp"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

type putParameterInput struct {
	Name, Value, Type, Tier, DataType, KeyID string
	Description, AllowedPattern              *string
	Overwrite                                bool
	Tags                                     []tag
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
	return putParameterOutput{Version: v.Number, Tier: v.Tier}, nil
}

// put makes a parameter, or a new version of one. Every overwrite makes a version, even of the same value. The service is locked.
func (s *Service) put(in putParameterInput, caller string) (*Version, error) {
	if err := s.checkName(in.Name); err != nil {
		return nil, err
	}
	p := s.parameters[in.Name]
	if err := checkPut(in, p); err != nil {
		return nil, err
	}
	v, err := newVersion(in, p)
	if err != nil {
		return nil, err
	}
	v.Modified, v.ModifiedBy = s.clock.Now(), caller
	operation := "Update"
	if p == nil {
		p = &parameter{name: in.Name, tags: tagMap(in.Tags)}
		operation = "Create"
	} else if err := p.makeRoom(); err != nil {
		return nil, err
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
	case in.Type != "" && !slices.Contains([]string{"String", "StringList", "SecureString"}, in.Type):
		return invalid("1 validation error detected: Value '" + in.Type + "' at 'type' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [String, StringList, SecureString]")
	case in.DataType != "" && in.DataType != "text":
		return invalid("The embedded cloud knows the data type text only, not " + in.DataType)
	case in.KeyID != "" && in.Type != "SecureString":
		return invalid("KeyId is required for SecureString type parameter only.")
	case existing != nil && !in.Overwrite:
		return wire.Errorf("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case existing != nil && in.Type != "" && in.Type != existing.latest().Type:
		return wire.Errorf("HierarchyTypeMismatchException", "Parameter Store doesn't support changing a parameter type "+
			"in a hierarchy. The parameter %s has type %s, not %s.", existing.name, existing.latest().Type, in.Type)
	}
	return checkTags(nil, in.Tags)
}

// newVersion is the version that a put makes. What the put does not say stays as it was.
func newVersion(in putParameterInput, p *parameter) (*Version, error) {
	v := &Version{Number: 1, Type: in.Type, Value: in.Value, DataType: "text", KeyID: in.KeyID}
	current := ""
	if p != nil {
		last := p.latest()
		v.Number, v.Type, v.Description, v.AllowedPattern = last.Number+1, last.Type, last.Description, last.AllowedPattern
		if v.KeyID == "" {
			v.KeyID = last.KeyID
		}
		current = last.Tier
	}
	if in.Description != nil {
		v.Description = *in.Description
	}
	if in.AllowedPattern != nil {
		v.AllowedPattern = *in.AllowedPattern
	}
	if v.Type == "SecureString" && v.KeyID == "" {
		v.KeyID = "alias/aws/ssm"
	}
	if err := matches(v.AllowedPattern, v.Value); err != nil {
		return nil, err
	}
	var err error
	v.Tier, err = tierOf(in.Tier, current, len(in.Value))
	return v, err
}

func matches(pattern, value string) error {
	if pattern == "" {
		return nil
	}
	allowed, err := regexp.Compile(pattern)
	if err != nil {
		return wire.Errorf("InvalidAllowedPatternException", "The request does not meet the regular expression requirement.")
	}
	if !allowed.MatchString(value) {
		return wire.Errorf("ParameterPatternMismatchException",
			"Parameter value, cannot be validated against allowedPattern: %s", pattern)
	}
	return nil
}

// The tiers, and the largest value of each in bytes.
const (
	standard     = "Standard"
	advanced     = "Advanced"
	intelligent  = "Intelligent-Tiering"
	standardSize = 4096
	advancedSize = 8192
)

// tierOf is the tier of a parameter after a put. Current is "" for a new one.
//
// AWS: without a tier a new parameter is Standard and an existing one keeps its own; Intelligent-Tiering becomes Advanced when
// the value needs it; Advanced is never left.
func tierOf(asked, current string, size int) (string, error) {
	tier := asked
	switch asked {
	case standard, advanced:
	case "":
		if tier = current; tier == "" {
			tier = standard
		}
	case intelligent:
		if tier = standard; size > standardSize || current == advanced {
			tier = advanced
		}
	default:
		return "", invalid("1 validation error detected: Value '" + asked + "' at 'tier' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]")
	}
	switch {
	case asked == standard && current == advanced:
		return "", invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the " +
			"advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate " +
			"it as a standard parameter.")
	case tier == standard && size > standardSize:
		return "", invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger " +
			"parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see " +
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	case size > advancedSize:
		return "", invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.")
	}
	return tier, nil
}

// mostVersions is how many versions a parameter keeps. AWS: 100.
const mostVersions = 100

// makeRoom drops the oldest version when there are as many as may be.
//
// AWS: a version with a label is never dropped, so that no label loses its version.
func (p *parameter) makeRoom() error {
	if len(p.versions) < mostVersions {
		return nil
	}
	if oldest := p.versions[0]; len(oldest.Labels) > 0 {
		return wire.Errorf("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of %s by calling the "+
			"PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label "+
			"associated with it. Move the label to another version of the parameter, and try again.", p.name, oldest.Number)
	}
	p.versions = p.versions[1:]
	return nil
}

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
