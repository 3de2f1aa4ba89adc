package dynamodb

// keyCondition is a parsed key condition: comparisons joined by AND.
type keyCondition struct {
	parts []condition
}

func parseKeyCondition(text string, s *scope) (*keyCondition, error) {
	parsed, err := parseCondition("KeyConditionExpression", text, s)
	if err != nil {
		return nil, err
	}
	k := &keyCondition{}
	return k, k.flatten(parsed)
}

func (k *keyCondition) flatten(c condition) error {
	switch c := c.(type) {
	case group:
		return k.flatten(c.a)
	case and:
		if err := k.flatten(c.a); err != nil {
			return err
		}
		return k.flatten(c.b)
	case comparison:
		k.parts = append(k.parts, c)
		return nil
	case or:
		return invalid("Invalid operator used in KeyConditionExpression: OR")
	case not:
		return invalid("Invalid operator used in KeyConditionExpression: NOT")
	}
	return invalid("Invalid operator used in KeyConditionExpression")
}

// target is the attribute that a part is about, and the value it is compared with; an empty name when it has another form.
func target(c condition) (name, operator string, value Value) {
	compared := c.(comparison) // flatten lets nothing else through
	p, isPath := compared.a.(pathOperand)
	literal, isLiteral := compared.b.(valueOperand)
	if !isPath || !isLiteral || len(p.path) != 1 {
		return "", "", Value{}
	}
	return p.path[0].name, compared.operator, literal.value
}

// of returns a test of items for a key: the hash key equal to a value, and perhaps one condition on the range key.
func (k *keyCondition) of(key Key) (func(Item) bool, error) {
	hashed := false
	ranged := false
	for _, part := range k.parts {
		name, operator, value := target(part)
		a := key.Hash
		isRange := key.Range != nil && name == key.Range.Name
		switch {
		case name == key.Hash.Name && operator == "=" && !hashed:
			hashed = true
		case isRange && operator != "<>" && !ranged:
			ranged, a = true, *key.Range
		case name == "" || name == key.Hash.Name || isRange:
			return nil, invalid("Query key condition not supported")
		default:
			return nil, k.missed(key, hashed)
		}
		if err := checkKeyValue(a, value); err != nil {
			return nil, err
		}
	}
	if !hashed {
		return nil, k.missed(key, false)
	}
	return func(item Item) bool {
		for _, part := range k.parts {
			if !part.holds(item) {
				return false
			}
		}
		return true
	}, nil
}

// checkKeyValue checks what a key attribute is compared with.
func checkKeyValue(a Attribute, v Value) error {
	if v.Kind != a.Kind {
		return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	if v.Text == "" {
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "+
			"an empty string value. Key: %s", a.Name)
	}
	return nil
}

// missed names the part of the key that an unknown attribute stands in place of.
func (k *keyCondition) missed(key Key, hashed bool) error {
	name := key.Hash.Name
	if hashed && key.Range != nil {
		name = key.Range.Name
	}
	return invalid("Query condition missed key schema element: %s", name)
}

// hash returns the value of the hash key that is asked for, or false.
func (k *keyCondition) hash(key Key) (Value, bool) {
	for _, part := range k.parts {
		if name, operator, value := target(part); name == key.Hash.Name && operator == "=" {
			return value, true
		}
	}
	return Value{}, false
}
