package states

// Authorizer is an Invoker that also decides what a state machine's role may do besides calling functions. The error says what is
// not allowed, in AWS's words.
type Authorizer interface {
	Authorize(roleARN, action, resource string) error
}

// authorize asks whether a run's role may do something. Without an Authorizer it may.
func (r *run) authorize(action, resource string) error {
	if a, checks := r.service.invoker.(Authorizer); checks {
		return a.Authorize(r.exec.machine.RoleARN, action, resource)
	}
	return nil
}

// denied is what a task of an integration fails with when its role may not do it. AWS names no error for it: integrations of
// their own report what the API does not name as AWS<Service>Exception, as Lambda.AWSLambdaException.
func denied(err error) *failure {
	return &failure{name: "StepFunctions.AWSStepFunctionsException", cause: err.Error(), located: true}
}
