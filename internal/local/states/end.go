package states

import "strings"

// ending is what a Fail ends with: fixed texts, or expressions.
type ending struct {
	error, cause         string
	errorExpr, causeExpr *expression
}

func (s *state) readFail(o *object) {
	o.only("Error", "ErrorPath")
	o.only("Cause", "CausePath")
	s.fail = ending{o.text("Error"), o.text("Cause"), o.failExpression("ErrorPath"), o.failExpression("CausePath")}
}

// failExpression reads ErrorPath or CausePath: a reference path, or the function that gives text.
// AWS: https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html
func (o *object) failExpression(name string) *expression {
	n, present := o.field(name)
	if !present {
		return nil
	}
	if text, _ := n.value.(string); !strings.HasPrefix(text, "States.") {
		o.reference(name, true)
		return n.asExpression()
	}
	e := n.asExpression()
	if e != nil && e.call != nil && e.call.name != "States.Format" {
		n.fault("%s gives no text", e.call.name)
	}
	return e
}

// end is what a Fail does.
func (v *visit) end(data any) {
	f := &failure{name: v.state.fail.error, cause: v.state.fail.cause, located: true}
	err := v.failText(&f.name, "ErrorPath", v.state.fail.errorExpr, data)
	if err == nil {
		err = v.failText(&f.cause, "CausePath", v.state.fail.causeExpr, data)
	}
	if err != nil {
		f = v.locate(asFailure(err))
	}
	v.close()
	v.tell(StateEvent{Kind: Exited, Error: f.name, Cause: f.cause})
	v.run.end(nil, f)
}

func (v *visit) failText(into *string, field string, e *expression, data any) error {
	if e == nil {
		return nil
	}
	value, err := e.value(field, v.scope(data))
	if err != nil {
		return err
	}
	text, ok := value.(string)
	if !ok {
		return runtimeError("The value of %s '%s' is no string", field, e.text)
	}
	*into = text
	return nil
}
