package states

import (
	"encoding/json"
	"strings"
)

// distributed is what a distributed Map has besides. Each item is a workflow execution of its own on AWS; here it is a run of the
// same execution, without events in its history: no state of it may look at who it is.
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
type distributed struct {
	percentage float64 // ToleratedFailurePercentage
}

// readDistributed reads the fields that only a distributed Map has.
func (s *state) readDistributed(o *object, processor *object) {
	const percentage = "ToleratedFailurePercentage"
	config, _ := processor.fields["ProcessorConfig"].(map[string]any)
	if config["Mode"] != "DISTRIBUTED" {
		return
	}
	s.distributed = &distributed{percentage: o.float(percentage, 0, 0)}
	if n, _ := o.field(percentage); s.distributed.percentage > 100 {
		n.fault("a percentage is expected")
	}
	raw, _ := json.Marshal(processor.fields["States"])
	for _, own := range []string{"$$.Execution", "$$.StateMachine"} {
		if strings.Contains(string(raw), own) {
			processor.fault("%s is that of the item's own execution, which is not supported", own)
		}
	}
}

// tolerates reports whether a number of failed items is within the limit. AWS: a Map Run fails when the limit is exceeded; without one
// the limit is 0.
func (d *distributed) tolerates(failures, of int) bool {
	return float64(failures)*100 <= d.percentage*float64(of)
}

// absent stands for the output of an item that failed and was tolerated. What AWS puts into the results for it is not documented;
// here they have nothing for it, so that no machine counts on it.
var absent any = new(struct{ _ byte })

// exceeded is what a Map Run fails with.
func exceeded() *failure {
	return &failure{
		name: "States.ExceedToleratedFailureThreshold", cause: "The specified tolerated failure threshold was exceeded", located: true,
	}
}

// mayDistribute checks what Step Functions needs to start the items' executions: AWS asks for it on the machine itself.
func (v *visit) mayDistribute() error {
	if v.state.distributed == nil {
		return nil
	}
	if err := v.run.authorize("states:StartExecution", v.run.exec.MachineARN); err != nil {
		return &failure{name: "States.Permissions", cause: err.Error(), located: true}
	}
	return nil
}
