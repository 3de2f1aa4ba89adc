// Package template reads a synthesized CloudFormation template as CloudFormation does: it evaluates the intrinsic functions, names
// every resource, and gives each resource its typed properties. An unknown section, resource type, intrinsic function, attribute or
// property is an error that names the resource.
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Options say where a stack is deployed.
type Options struct {
	StackName string
	AccountID string
	Region    string
	// Assembly is the cloud assembly's directory (cdk.out), which holds the functions' code; "" when the code is not needed.
	Assembly string
}

// Stack is a template with every reference resolved.
type Stack struct {
	Name      string
	AccountID string
	Region    string
	Resources []Resource // in an order in which they could be created
	Outputs   map[string]string
}

// Resource is one resource of a stack.
type Resource struct {
	LogicalID string
	Type      string
	Ref       string // what Ref gives: mostly the physical name
	ARN       string // "" for a type without one
	// Properties points to the struct of the resource's type, such as *Function.
	Properties any
	// Code is the directory of a function's code, "" without a cloud assembly.
	Code string
}

// Typed is a resource together with its properties.
type Typed[P any] struct {
	Resource
	Properties *P
}

// All returns the stack's resources whose properties are a P, in creation order.
func All[P any](s *Stack) []Typed[P] {
	var all []Typed[P]
	for _, resource := range s.Resources {
		if properties, ok := resource.Properties.(*P); ok {
			all = append(all, Typed[P]{resource, properties})
		}
	}
	return all
}

// document is a template as it is written.
type document struct {
	AWSTemplateFormatVersion string
	Description              string
	Metadata                 map[string]any
	Resources                map[string]declaration
	Outputs                  map[string]output
}

type declaration struct {
	Type                string
	Properties          map[string]any
	DependsOn           any
	Metadata            map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

type output struct {
	Value       any
	Description string
	Export      any
}

// Load reads a template. The error joins every fault that was found, each naming its resource.
func Load(text []byte, o Options) (*Stack, error) {
	var d document
	if err := decode(text, &d); err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	l := &loader{
		options: o, document: d, identities: map[string]identity{}, resolving: map[string]bool{}, needs: map[string]map[string]bool{},
	}
	stack := &Stack{Name: o.StackName, AccountID: o.AccountID, Region: o.Region, Outputs: map[string]string{}}
	resources := map[string]Resource{}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(d.Resources)) {
		resource, err := l.resource(id)
		if err != nil {
			faults = append(faults, fmt.Errorf("resource %s (%s): %w", id, d.Resources[id].Type, err))
			continue
		}
		resources[id] = resource
	}
	for _, name := range slices.Sorted(maps.Keys(d.Outputs)) {
		if err := l.output(stack, name); err != nil {
			faults = append(faults, fmt.Errorf("output %s: %w", name, err))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	order, err := l.order(resources)
	if err != nil {
		return nil, err
	}
	for _, id := range order {
		stack.Resources = append(stack.Resources, resources[id])
	}
	return stack, nil
}

// decode is encoding/json that refuses unknown fields and keeps numbers as they are written.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}

// resource resolves one resource.
func (l *loader) resource(id string) (Resource, error) {
	declared := l.document.Resources[id]
	kind, known := types[declared.Type]
	if !known {
		return Resource{}, errors.New("unknown resource type")
	}
	l.current = id
	if err := l.dependsOn(id, declared.DependsOn); err != nil {
		return Resource{}, err
	}
	identity, err := l.identity(id)
	if err != nil {
		return Resource{}, err
	}
	resolved, err := l.resolve(anyMap(declared.Properties))
	if err != nil {
		return Resource{}, err
	}
	text, err := json.Marshal(resolved)
	if err != nil {
		return Resource{}, err
	}
	properties := kind.properties()
	if err := decode(text, properties); err != nil {
		return Resource{}, err
	}
	resource := Resource{LogicalID: id, Type: declared.Type, Ref: identity.ref, ARN: identity.arn, Properties: properties}
	if function, ok := properties.(*Function); ok {
		resource.Code, err = l.code(declared.Metadata, function)
	}
	return resource, err
}

func (l *loader) dependsOn(id string, raw any) error {
	list, isList := raw.([]any)
	if !isList && raw != nil {
		list = []any{raw}
	}
	for _, item := range list {
		name, _ := item.(string)
		if _, known := l.document.Resources[name]; !known {
			return fmt.Errorf("depends on %v, which does not exist", item)
		}
		l.need(id, name)
	}
	return nil
}

func (l *loader) output(stack *Stack, name string) error {
	l.current = ""
	declared := l.document.Outputs[name]
	value, err := l.resolve(declared.Value)
	if err != nil {
		return err
	}
	text, err := scalar(value)
	stack.Outputs[name] = text
	return err
}

// order sorts the resources so that each comes after what it refers to; among equals the logical id decides.
func (l *loader) order(resources map[string]Resource) ([]string, error) {
	var order []string
	state := map[string]int{} // 1 being visited, 2 done
	var visit func(id string, path []string) error
	visit = func(id string, path []string) error {
		path = append(path, id)
		switch state[id] {
		case 2:
			return nil
		case 1:
			return fmt.Errorf("circular dependency: %s", strings.Join(path, " -> "))
		}
		state[id] = 1
		for _, other := range slices.Sorted(maps.Keys(l.needs[id])) {
			if err := visit(other, path); err != nil {
				return err
			}
		}
		state[id] = 2
		order = append(order, id)
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if err := visit(id, nil); err != nil {
			return nil, err
		}
	}
	return order, nil
}
