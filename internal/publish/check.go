package publish

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"postern/internal/connection"
)

// The largest values in bytes.
//
// AWS: 4 KB in the standard tier, 8 KB in the advanced one, which costs money and cannot be left. So Postern puts no parameter there.
const (
	maxStandard = 4096
	maxAdvanced = 8192
)

// maxValue returns the largest value of a parameter. An existing one that is larger than the standard tier takes is in the other.
func maxValue(existing *Existing) int {
	if existing != nil && (existing.Rules.Tier == string(types.ParameterTierAdvanced) || len(existing.Value) > maxStandard) {
		return maxAdvanced
	}
	return maxStandard
}

// Check returns why an output cannot be published over what exists, or nil; existing is nil when the parameter does not exist.
func Check(output connection.Output, existing *Existing) error {
	value, err := render(output, existing)
	if err != nil || existing == nil || value == existing.Value {
		return err
	}
	return writable(output.Parameter, value, existing.Rules)
}

// writable returns why AWS would refuse a value as a parameter's next version, or nil.
func writable(name, value string, rules Rules) error {
	if rules.LabelOnOldest != "" {
		return fmt.Errorf("%s has %d versions, and the oldest has the label %s, so AWS takes no further version; move the label to a newer version",
			name, mostVersions, rules.LabelOnOldest)
	}
	// AWS takes Java's expressions; of those that Go does not know, the write decides.
	if pattern, err := regexp.Compile(rules.Pattern); err == nil && rules.Pattern != "" && !pattern.MatchString(value) {
		return fmt.Errorf("%s has the allowed pattern %s, which the new value does not match; change the pattern", name, rules.Pattern)
	}
	return nil
}

// render returns the whole new value of an output's parameter, when AWS takes it.
func render(output connection.Output, existing *Existing) (string, error) {
	value, err := compose(output, existing)
	switch most := maxValue(existing); {
	case err != nil:
		return "", err
	case value == "":
		return "", fmt.Errorf("%s: the value is empty, which SSM refuses", output.Parameter)
	case len(value) > most && most == maxStandard:
		return "", fmt.Errorf("%s: the value has %d bytes with our change, the standard tier takes %d; shorten the document, or put it into the "+
			"advanced tier", output.Parameter, len(value), most)
	case len(value) > most:
		return "", fmt.Errorf("%s: the value has %d bytes with our change, the advanced tier takes %d; shorten the document", output.Parameter,
			len(value), most)
	case strings.Contains(value, "{{"):
		return "", fmt.Errorf("%s: the value contains {{, which SSM takes for a reference; remove it", output.Parameter)
	}
	return value, nil
}

// compose returns the whole new value of an output's parameter.
func compose(output connection.Output, existing *Existing) (string, error) {
	if existing != nil && existing.Type != "String" {
		return "", fmt.Errorf("%s is a %s, and we publish plain String parameters; delete it, or use another name", output.Parameter,
			existing.Type)
	}
	if output.Format != connection.FormatYAML {
		return output.Value, nil
	}
	document := ""
	if existing != nil {
		document = existing.Value
	}
	spliced, err := Splice(document, output.YAMLPath, output.Value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", output.Parameter, err)
	}
	return spliced, nil
}
