package states

// describe is arn:aws:states:::aws-sdk:sfn:describeExecution: what the API answers, with its members in capitals. Output and
// Input stay text. https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
func (v *visit) describe(input any) {
	object, _ := input.(map[string]any)
	arn, _ := object["ExecutionArn"].(string)
	if !v.attempt.claim() {
		return
	}
	if err := v.run.authorize("states:DescribeExecution", arn); err != nil {
		v.taskFailed(&failure{name: "Sfn.SfnException", cause: err.Error(), located: true})
		return
	}
	e, known := v.run.service.Execution(arn)
	if !known {
		v.taskFailed(&failure{name: "Sfn.ExecutionDoesNotExistException", cause: "Execution Does Not Exist: '" + arn + "'", located: true})
		return
	}
	result := map[string]any{
		"ExecutionArn": e.ARN, "StateMachineArn": e.MachineARN, "Name": e.Name, "Status": string(e.Status), "Input": string(e.Input),
		"StartDate": e.StartedAt.UTC().Format(timeLayout),
	}
	if e.Status != Running {
		result["StopDate"] = e.StoppedAt.UTC().Format(timeLayout)
	}
	for name, value := range map[string]string{
		"Output": string(e.Output), "Error": e.Error, "Cause": e.Cause,
		"StateMachineVersionArn": e.VersionARN, "StateMachineAliasArn": e.AliasARN,
	} {
		if value != "" {
			result[name] = value
		}
	}
	v.note("Succeeded", details{}.with("output", result))
	v.result(result)
}
