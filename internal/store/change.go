package store

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression writes a change in DynamoDB's language: SET and REMOVE with one placeholder for each attribute. The name "status" is
// a reserved word of that language, so it alone goes by an alias.
func (c change) expression() (string, map[string]string, map[string]types.AttributeValue) {
	var set []string
	remove := slices.Clone(c.remove)
	values := map[string]types.AttributeValue{}
	for _, name := range slices.Sorted(maps.Keys(c.set)) {
		if c.set[name] == "" {
			remove = append(remove, name)
			continue
		}
		set = append(set, alias(name)+" = :"+name)
		values[":"+name] = text(c.set[name])
	}
	if !c.expires.IsZero() {
		set = append(set, ExpiresAttribute+" = :"+ExpiresAttribute)
		values[":"+ExpiresAttribute] = &types.AttributeValueMemberN{Value: strconv.FormatInt(c.expires.Unix(), 10)}
	}
	for name, value := range c.values {
		values[":"+name] = text(value)
	}
	slices.Sort(remove)
	var names map[string]string
	if _, ok := c.set["status"]; ok {
		names = map[string]string{alias("status"): "status"}
	}
	if len(values) == 0 {
		values = nil // AWS refuses an empty map
	}
	var clauses []string
	if len(set) > 0 {
		clauses = append(clauses, "SET "+strings.Join(set, ", "))
	}
	if len(remove) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(remove, ", "))
	}
	return strings.Join(clauses, " "), names, values
}

func alias(name string) string {
	if name == "status" {
		return "#status"
	}
	return name
}
