package template

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
)

// identity is how other resources and AWS refer to a resource.
type identity struct {
	ref        string
	arn        string
	attributes map[string]string // beside Arn
}

// resourceType is what is known of a resource type: its properties, and how its resources are named.
type resourceType struct {
	properties func() any
	identify   func(naming) (identity, error)
}

// naming is what the identity of a resource is made from: its name property, or a name of CloudFormation's.
type naming struct {
	*loader
	id string
}

// identity names a resource, once, and notes that the current resource refers to it.
func (l *loader) identity(id string) (identity, error) {
	declared, known := l.document.Resources[id]
	if !known {
		return identity{}, fmt.Errorf("%q is not a resource of the template", id)
	}
	if l.current != "" && id != l.current {
		l.need(l.current, id)
	}
	if identity, done := l.identities[id]; done {
		return identity, nil
	}
	kind, known := types[declared.Type]
	if !known {
		return identity{}, fmt.Errorf("%s has the unknown resource type %s", id, declared.Type)
	}
	if l.resolving[id] {
		return identity{}, fmt.Errorf("the name of %s depends on itself", id)
	}
	l.resolving[id] = true
	current := l.current
	l.current = id // what the name refers to is a need of this resource
	found, err := kind.identify(naming{l, id})
	l.current = current
	delete(l.resolving, id)
	if err != nil {
		return identity{}, fmt.Errorf("naming %s: %w", id, err)
	}
	l.identities[id] = found
	return found, nil
}

func (l *loader) need(from, to string) {
	if l.needs[from] == nil {
		l.needs[from] = map[string]bool{}
	}
	l.needs[from][to] = true
}

// property is a property of the resource as text, "" when it is not set.
func (n naming) property(name string) (string, error) {
	raw, set := n.document.Resources[n.id].Properties[name]
	if !set {
		return "", nil
	}
	value, err := n.resolve(raw)
	if err != nil || value == (noValue{}) {
		return "", err
	}
	return scalar(value)
}

// name is the resource's own name, or the one CloudFormation makes up: Stack-LogicalId-SUFFIX, at most limit characters.
func (n naming) name(property string, limit int) (string, error) {
	given, err := n.property(property)
	if given != "" || err != nil {
		return given, err
	}
	suffix := "-" + n.suffix()
	base := n.options.StackName + "-" + n.id
	if most := limit - len(suffix); len(base) > most {
		base = base[:most]
	}
	return base + suffix, nil
}

// suffix stands for the random part of a generated name: the same for the same stack and logical id.
func (n naming) suffix() string {
	sum := sha256.Sum256([]byte(n.options.StackName + "/" + n.id))
	return base32.StdEncoding.EncodeToString(sum[:])[:12]
}

func (n naming) uuid() string { return uuid(n.options.StackName + "/" + n.id) }

func uuid(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:32]}, "-")
}

// arn is an ARN of the stack's account and Region.
func (l *loader) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + l.options.Region + ":" + l.options.AccountID + ":" + resource
}

// named returns the identity of types that have a name and an ARN made of it; Ref is the name.
func named(property string, limit int, service, resource string) func(naming) (identity, error) {
	return func(n naming) (identity, error) {
		name, err := n.name(property, limit)
		return identity{ref: name, arn: n.arn(service, resource+name)}, err
	}
}

// unnamed returns the identity of types to which nothing refers by anything but Ref.
func unnamed(n naming) (identity, error) {
	return identity{ref: n.options.StackName + "-" + n.id + "-" + n.suffix()}, nil
}
