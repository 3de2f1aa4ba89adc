package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text is text with variables: ${name}, or ${function(name)}. It is no template language: only values that passed their input's
// pattern, and names that Postern itself knows, are substituted, and nothing is computed but what textFunctions can do.
type Text struct {
	source string
	pieces []piece
}

// piece is a part of a text as it is written: literal, or a variable with an optional function.
type piece struct {
	source             string
	dynamic            bool
	function, variable string
}

// The variables that every text may use besides the profile's inputs.
const (
	varAccount    = "awsAccountId"
	varRegion     = "region"
	varVPC        = "vpcId"
	varConnection = "connectionId"
	// varEndpoint is known only once the endpoint exists. The approval gate's body may have it, and it stays as it is.
	varEndpoint = "vpcEndpointId"
	// varItem and varZone are known in the names of records only: an item of a list, and the id of an Availability Zone.
	varItem = "item"
	varZone = "azId"
)

var commonVariables = []string{varAccount, varRegion, varVPC, varConnection}

// textFunctions are the functions a variable can pass through.
var textFunctions = map[string]func(string) string{"parentDomain": parentDomain, "withoutGLB": withoutGLB}

var glbName = regexp.MustCompile(`^(?:([a-z0-9]+(?:-[a-z0-9]+)*)-([a-z0-9]+)\.)?(.+)\.glb\.confluent\.cloud$`)

// withoutGLB returns the name in a network's own zone to which Confluent's public DNS points a name of the global load balancer:
// lkc-1-4kgzg.us-east-1.aws.glb.confluent.cloud is a CNAME to lkc-1.4kgzg.us-east-1.aws.confluent.cloud. Other names stay as they are.
//
// https://docs.confluent.io/cloud/current/networking/private-links/aws-privatelink.html
func withoutGLB(name string) string {
	parts := glbName.FindStringSubmatch(name)
	switch {
	case parts == nil:
		return name
	case parts[1] == "" || parts[1] == "lkc": // a zone, or a cluster without its network
		return strings.Replace(name, ".glb.", ".", 1)
	}
	return parts[1] + "." + parts[2] + "." + parts[3] + ".confluent.cloud"
}

// parentDomain returns the domain above a name, or "" when the name has one label.
func parentDomain(name string) string {
	_, parent, _ := strings.Cut(name, ".")
	return parent
}

var variablePattern = regexp.MustCompile(`\$\{([^}]*)\}`)

// UnmarshalYAML reads a text; what its variables are worth is checked with the whole profile.
func (t *Text) UnmarshalYAML(node *yaml.Node) error {
	*t = parseText(node.Value)
	return nil
}

func parseText(source string) Text {
	text := Text{source: source}
	rest := 0
	for _, at := range variablePattern.FindAllStringSubmatchIndex(source, -1) {
		text.literal(source[rest:at[0]])
		function, variable := "", source[at[2]:at[3]]
		if before, inside, ok := strings.Cut(variable, "("); ok && strings.HasSuffix(inside, ")") {
			function, variable = before, strings.TrimSuffix(inside, ")")
		}
		text.pieces = append(text.pieces, piece{source: source[at[0]:at[1]], dynamic: true, function: function, variable: variable})
		rest = at[1]
	}
	text.literal(source[rest:])
	return text
}

func (t *Text) literal(source string) {
	if source != "" {
		t.pieces = append(t.pieces, piece{source: source})
	}
}

// String returns the text as it was written.
func (t Text) String() string { return t.source }

// check returns what is wrong with the text's variables when only known may be used, or "".
func (t Text) check(known []string) string {
	for _, p := range t.pieces {
		_, isFunction := textFunctions[p.function]
		switch {
		case !p.dynamic && strings.Contains(p.source, "${"):
			return "${ without }; expected ${name}"
		case !p.dynamic:
		case p.function != "" && !isFunction:
			return fmt.Sprintf("unknown function in %s; expected one of %s", p.source,
				strings.Join(slices.Sorted(maps.Keys(textFunctions)), ", "))
		case !slices.Contains(known, p.variable):
			return fmt.Sprintf("unknown variable in %s; expected one of %s", p.source, strings.Join(known, ", "))
		}
	}
	return ""
}

// render substitutes values; a variable that has none stays as it is written.
func (t Text) render(values map[string]string) string {
	var b strings.Builder
	for _, p := range t.pieces {
		value, ok := values[p.variable]
		switch {
		case !p.dynamic || !ok:
			b.WriteString(p.source)
		case p.function != "":
			b.WriteString(textFunctions[p.function](value))
		default:
			b.WriteString(value)
		}
	}
	return b.String()
}

// uses reports whether the text has a variable.
func (t Text) uses(variable string) bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.dynamic && p.variable == variable })
}

// only returns the variable that the text wholly consists of, alone or in a function, or "".
func (t Text) only() string {
	if len(t.pieces) == 1 && t.pieces[0].dynamic {
		return t.pieces[0].variable
	}
	return ""
}
