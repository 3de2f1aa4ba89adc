package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// format is a form of value that an input may name instead of writing a pattern.
type format struct {
	pattern string
	what    string // a value of it, for people
}

const regionForm = `[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}`

// formats are the formats by name.
//
// AWS: the name of an endpoint service begins with the DNS suffix of its partition, the last label first. In China both forms occur.
var formats = map[string]format{
	"region": {"^" + regionForm + "$", "an AWS Region"},
	"serviceName": {
		`^((cn\.)?com\.amazonaws|eu\.amazonaws|gov\.ic\.c2s|gov\.sgov\.sc2s|gov\.ic\.hci\.csp|uk\.adc-e\.cloud)\.vpce\.` + regionForm +
			`\.vpce-svc-[0-9a-f]{8,17}$`,
		"the name of a VPC endpoint service",
	},
}

// compile prepares the expression that a value, or each item of a list, must match.
func (i *Input) compile() (err error) {
	if named, known := formats[i.Format]; known {
		i.Pattern = named.pattern
	}
	i.expression, err = regexp.Compile(i.Pattern)
	return err
}

// wrong says what is wrong with a value, or with the first wrong item of a list, "" when nothing is.
func (i Input) wrong(value string) string {
	if !i.List {
		return i.mismatch(value)
	}
	values := items(value)
	if len(values) == 0 {
		return "has no item"
	}
	for n, value := range values {
		if problem := i.mismatch(value); problem != "" {
			return fmt.Sprintf("item %d: %s", n+1, problem)
		}
		if slices.Contains(values[:n], value) {
			return fmt.Sprintf("%.80q is there twice", value)
		}
	}
	return ""
}

func (i Input) mismatch(value string) string {
	switch named, known := formats[i.Format]; {
	case i.expression.MatchString(value):
		return ""
	case known:
		return fmt.Sprintf("%.80q is not %s", value, named.what)
	}
	return fmt.Sprintf("%.80q does not match %s", value, i.Pattern)
}

// normal returns a list with its items as the input's pattern wants them, so that what people paste is accepted: without empty items,
// and in lower case, without https:// and without a port where an item matches only so.
func (i Input) normal(value string) string {
	if !i.List {
		return value
	}
	all := items(value)
	for n, item := range all {
		if bare := bareHost(item); !i.expression.MatchString(item) && i.expression.MatchString(bare) {
			all[n] = bare
		}
	}
	return strings.Join(all, ",")
}

var (
	scheme = regexp.MustCompile(`^[a-z]+://`)
	tail   = regexp.MustCompile(`(:[0-9]{1,5})?\.?/?$`) // a port, the dot of a whole name, the slash of an address
)

// bareHost returns the host of an address, in lower case.
func bareHost(text string) string {
	return tail.ReplaceAllString(scheme.ReplaceAllString(strings.ToLower(text), ""), "")
}

// items are the items of a list, which are separated by commas or line breaks. Empty ones, as after a last comma, are left out.
func items(list string) []string {
	var all []string
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}
