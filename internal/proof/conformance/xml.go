package conformance

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// element is an element of XML.
type element struct {
	name     string
	children []*element
	text     string
}

// child is the first child of a name, or nil.
func (e *element) child(name string) *element {
	for _, child := range e.children {
		if child.name == name {
			return child
		}
	}
	return nil
}

// leaf is the text at a path of names, "" when there is none.
func (e *element) leaf(names ...string) string {
	for _, name := range names {
		if e = e.child(name); e == nil {
			return ""
		}
	}
	return strings.TrimSpace(e.text)
}

// parse reads a document.
func parse(raw []byte) (*element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	top := &element{}
	open := []*element{top}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			inner := &element{name: token.Name.Local}
			last.children = append(last.children, inner)
			open = append(open, inner)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(token)
		}
	}
	if len(top.children) != 1 {
		return nil, errors.New("one element is expected")
	}
	return top.children[0], nil
}

// fromXML reads a value. Elements that are not members of a structure are faults, but for those in beside.
func (c *checker) fromXML(path, shapeName string, e *element, beside ...string) any {
	shape := c.model.Shapes[shapeName]
	switch shape.Type {
	case "structure":
		return c.structureFromXML(path, shape, e, beside)
	case "list":
		items := []any{}
		for _, child := range e.children {
			if want := named(shape.Member, "member"); child.name != want {
				c.fault(path, "its items are named %s, not %s", want, child.name)
			}
			items = append(items, c.fromXML(path, shape.Member.Shape, child))
		}
		return items
	case "map":
		entries := map[string]any{}
		for _, entry := range e.children {
			value := entry.child(named(shape.Value, "value"))
			if entry.name != "entry" || value == nil {
				c.fault(path, "a map has entries with key and value, not %s", entry.name)
				continue
			}
			entries[entry.leaf(named(shape.Key, "key"))] = c.fromXML(path, shape.Value.Shape, value)
		}
		return entries
	default:
		return e.text
	}
}

func (c *checker) structureFromXML(path string, shape *Shape, e *element, beside []string) any {
	members := map[string]any{}
next:
	for _, child := range e.children {
		for _, name := range beside {
			if child.name == name {
				continue next
			}
		}
		member, ref := shape.xmlMember(child.name)
		if ref == nil {
			c.fault(path, "there is no element %s", child.name)
			continue
		}
		inner := c.model.Shapes[ref.Shape]
		at := path + "." + member
		_, twice := members[member]
		switch {
		case inner.Type == "list" && (ref.Flattened || inner.Flattened):
			list, _ := members[member].([]any)
			members[member] = append(list, c.fromXML(at, inner.Member.Shape, child))
		case twice:
			c.fault(at, "is given twice")
		default:
			members[member] = c.fromXML(at, ref.Shape, child)
		}
	}
	return members
}

// xmlMember is the member of an element's name; nil for none.
func (s *Shape) xmlMember(element string) (string, *Ref) {
	for member, ref := range s.Members {
		if ref.inBody() && named(ref, member) == element {
			return member, ref
		}
	}
	return "", nil
}
