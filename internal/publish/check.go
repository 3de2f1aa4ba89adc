package publish

import (
	"fmt"
	"strings"

	"postern/internal/connection"
)

// maxValue is the largest value in bytes.
//
// AWS: 4 KB in the standard tier. The advanced tier costs money and cannot be left, so we do not enter it.
const maxValue = 4096

// Check returns why an output cannot be published over what exists, or nil; existing is nil when the parameter does not exist.
func Check(output connection.Output, existing *Existing) error {
	_, err := render(output, existing)
	return err
}

// render returns the whole new value of an output's parameter.
func render(output connection.Output, existing *Existing) (string, error) {
	if existing != nil && existing.Type != "String" {
		return "", fmt.Errorf("%s is a %s, and we publish plain String parameters; delete it, or use another name", output.Parameter,
			existing.Type)
	}
	value := output.Value
	if output.Format == connection.FormatYAML {
		document := ""
		if existing != nil {
			document = existing.Value
		}
		spliced, err := Splice(document, output.YAMLPath, output.Value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", output.Parameter, err)
		}
		value = spliced
	}
	switch {
	case value == "":
		return "", fmt.Errorf("%s: the value is empty, which SSM refuses", output.Parameter)
	case len(value) > maxValue:
		return "", fmt.Errorf("%s: the value has %d bytes, the standard tier takes %d; shorten the document", output.Parameter,
			len(value), maxValue)
	case strings.Contains(value, "{{"):
		return "", fmt.Errorf("%s: the value contains {{, which SSM takes for a reference; remove it", output.Parameter)
	}
	return value, nil
}
