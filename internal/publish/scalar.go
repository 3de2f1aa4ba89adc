package publish

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar writes a string as YAML: plain where every reader takes it for this string, in a flow mapping too, else in quotes.
func scalar(value string) string {
	plain, err := yaml.Marshal(value)
	if err == nil && string(plain) == value+"\n" && !strings.ContainsAny(value, ",[]{}") && !strings.HasPrefix(value, ":") {
		return value
	}
	return quote(value)
}

func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// doubleQuoted returns the length of the double-quoted scalar at the start of a text.
func doubleQuoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// singleQuoted returns the length of the single-quoted scalar at the start of a text; two quotes inside stand for one.
func singleQuoted(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}
