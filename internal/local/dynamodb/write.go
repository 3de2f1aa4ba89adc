package dynamodb

import (
	"postern/internal/local/wire"
)

// written is the members that all writing operations share.
type written struct {
	TableName                           string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]Value
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

type writeOutput struct {
	Attributes Item `json:",omitempty"`
}

type putItemInput struct {
	written
	Item Item
}

type updateItemInput struct {
	written
	Key              Item
	UpdateExpression *string
}

// parsed is a written's condition and placeholders, and the update if there is one.
type parsed struct {
	scope     *scope
	condition condition // nil for none
	update    *update   // nil for none
}

// parse reads the expressions of a write. The argument is nil for a put.
func (w written) parse(updateExpression *string) (parsed, error) {
	p := parsed{scope: newScope(w.ExpressionAttributeNames, w.ExpressionAttributeValues)}
	if updateExpression != nil {
		u, err := parseUpdate(*updateExpression, p.scope)
		if err != nil {
			return p, err
		}
		p.update = &u
	}
	if w.ConditionExpression != nil {
		var err error
		if p.condition, err = parseCondition("ConditionExpression", *w.ConditionExpression, p.scope); err != nil {
			return p, err
		}
	}
	return p, p.scope.check(w.ConditionExpression != nil || updateExpression != nil)
}

// held checks a condition against an item, nil for none.
func (p parsed) held(item Item, returnOld string) error {
	if p.condition == nil || p.condition.holds(item) {
		return nil
	}
	failed := wire.Errorf("ConditionalCheckFailedException", "The conditional request failed")
	if returnOld == "ALL_OLD" && item != nil {
		failed.Members = map[string]any{"Item": item}
	}
	return failed
}

func (w written) checkReturns(allowed ...string) error {
	if f := w.ReturnValuesOnConditionCheckFailure; f != "" && f != "NONE" && f != "ALL_OLD" {
		return invalid("1 validation error detected: Value '%s' at 'returnValuesOnConditionCheckFailure' failed to satisfy "+
			"constraint: Member must satisfy enum value set: [ALL_OLD, NONE]", f)
	}
	for _, value := range append(allowed, "", "NONE", "ALL_OLD") {
		if w.ReturnValues == value {
			return nil
		}
	}
	return invalid("Return values set to invalid value")
}

func (s *Service) putItem(_ *wire.Call, in putItemInput) (writeOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return writeOutput{}, err
	}
	p, err := in.parse(nil)
	if err != nil {
		return writeOutput{}, err
	}
	if err := in.checkReturns(); err != nil {
		return writeOutput{}, err
	}
	if err := t.checkItem(in.Item); err != nil {
		return writeOutput{}, err
	}
	if err := in.Item.check("Item size has exceeded the maximum allowed size"); err != nil {
		return writeOutput{}, err
	}
	key := t.Key.of(in.Item)
	old := t.base.get(key)
	if err := p.held(old, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return writeOutput{}, err
	}
	s.write(t, key, in.Item)
	if in.ReturnValues == "ALL_OLD" {
		return writeOutput{old}, nil
	}
	return writeOutput{}, nil
}

func (s *Service) updateItem(_ *wire.Call, in updateItemInput) (writeOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return writeOutput{}, err
	}
	p, err := in.parse(in.UpdateExpression)
	if err != nil {
		return writeOutput{}, err
	}
	if err := in.checkReturns("ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"); err != nil {
		return writeOutput{}, err
	}
	if err := t.checkKey(in.Key); err != nil {
		return writeOutput{}, err
	}
	if err := t.checkUpdate(p.update); err != nil {
		return writeOutput{}, err
	}
	key := t.Key.of(in.Key)
	old := t.base.get(key)
	if err := p.held(old, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return writeOutput{}, err
	}
	updated, err := t.updated(old, in.Key, p.update)
	if err != nil {
		return writeOutput{}, err
	}
	s.write(t, key, updated)
	return in.answer(old, updated, p.update), nil
}

// checkUpdate refuses an update of the key.
func (t *table) checkUpdate(u *update) error {
	if u == nil {
		return nil
	}
	for _, p := range u.paths() {
		if t.Key.has(p[0].name) {
			return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key",
				p[0].name)
		}
	}
	return nil
}

// updated is the item after an update, made of its key when there is none.
func (t *table) updated(old, key Item, u *update) (Item, error) {
	before := old
	if before == nil {
		before = key
	}
	if u == nil {
		return before, nil
	}
	after, err := u.apply(before)
	if err != nil {
		return nil, err
	}
	if err := t.checkItem(after); err != nil {
		return nil, err
	}
	return after, after.check("Item size to update has exceeded the maximum allowed size")
}

// answer is what an update returns.
func (in updateItemInput) answer(old, updated Item, u *update) writeOutput {
	var paths []path
	if u != nil {
		paths = u.paths()
	}
	switch in.ReturnValues {
	case "ALL_OLD":
		return writeOutput{old}
	case "ALL_NEW":
		return writeOutput{updated}
	case "UPDATED_OLD":
		return writeOutput{project(old, paths)}
	case "UPDATED_NEW":
		return writeOutput{project(updated, paths)}
	}
	return writeOutput{}
}
