package conformance

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form reads the members of a request of the protocols query and ec2. Their names are paths, such as Filter.1.Value.1.
func (c *checker) form(values url.Values, shapeName string) any {
	root := map[string]any{}
	for name, given := range values {
		if name == "Action" || name == "Version" {
			continue
		}
		if len(given) != 1 {
			c.fault(name, "is given %d times", len(given))
		}
		at := root
		parts := strings.Split(name, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, ok := at[part].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[part] = inner
			}
			at = inner
		}
		at[parts[len(parts)-1]] = given[0]
	}
	return c.fromForm("request", shapeName, root)
}

func (c *checker) fromForm(path, shapeName string, value any) any {
	shape := c.model.Shapes[shapeName]
	given, nested := value.(map[string]any)
	if !nested {
		return value
	}
	switch shape.Type {
	case "structure":
		members := map[string]any{}
		for name, inner := range given {
			member := c.formMember(shape, name)
			if member == "" {
				c.fault(path, "there is no parameter %s", name)
				continue
			}
			members[member] = c.fromForm(path+"."+member, shape.Members[member].Shape, inner)
		}
		return members
	case "list":
		if c.model.Metadata.Protocol != "ec2" && !shape.Flattened {
			given, _ = given[named(shape.Member, "member")].(map[string]any)
		}
		return c.numbered(path, given, func(path string, item any) any { return c.fromForm(path, shape.Member.Shape, item) })
	case "map":
		if !shape.Flattened {
			given, _ = given["entry"].(map[string]any)
		}
		entries := map[string]any{}
		c.numbered(path, given, func(path string, entry any) any {
			pair, _ := entry.(map[string]any)
			key, _ := pair[named(shape.Key, "key")].(string)
			entries[key] = c.fromForm(path, shape.Value.Shape, pair[named(shape.Value, "value")])
			return nil
		})
		return entries
	}
	return value
}

// numbered reads what is counted from 1.
func (c *checker) numbered(path string, given map[string]any, read func(path string, item any) any) []any {
	items := []any{}
	for i := 1; i <= len(given); i++ {
		item, present := given[strconv.Itoa(i)]
		if !present {
			c.fault(path, "its %d items are not counted from 1", len(given))
			break
		}
		items = append(items, read(path, item))
	}
	return items
}

// formMember is the member of a parameter's name; "" for none.
func (c *checker) formMember(shape *Shape, parameter string) string {
	for member, ref := range shape.Members {
		name := named(ref, member)
		if c.model.Metadata.Protocol == "ec2" {
			name = strings.ToUpper(name[:1]) + name[1:]
			if ref.QueryName != "" {
				name = ref.QueryName
			}
		}
		if name == parameter {
			return member
		}
	}
	return ""
}

// named is the name of a use of a shape on the wire.
func named(ref *Ref, otherwise string) string {
	if ref.LocationName != "" {
		return ref.LocationName
	}
	return otherwise
}

// inBody reports whether a member is in the body.
func (r *Ref) inBody() bool {
	return !slices.Contains([]string{"uri", "querystring", "header"}, r.Location)
}
