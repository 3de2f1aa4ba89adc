package bill

// Prices in US dollars, us-east-1, as published; they price one onboarding's own work. The endpoint itself is priced by the plan.
const (
	pricePerTransition = 0.025 / 1000     // https://aws.amazon.com/step-functions/pricing/ (Standard; a retry is a transition)
	pricePerInvocation = 0.20 / 1_000_000 // https://aws.amazon.com/lambda/pricing/
	pricePerGBSecond   = 0.0000133334     // the same page, arm64
	pricePerWrite      = 0.625 / 1_000_000
	pricePerRead       = 0.125 / 1_000_000 // https://aws.amazon.com/dynamodb/pricing/on-demand/
	pricePerEvent      = 1.00 / 1_000_000  // https://aws.amazon.com/eventbridge/pricing/ (custom events)
	pricePerPublish    = 0.50 / 1_000_000  // https://aws.amazon.com/sns/pricing/
	memoryGB           = 0.25
	invocationSeconds  = 0.2 // assumed for each invocation: AWS's answers, not our code, take the time
)

// cost estimates what AWS charges for the orchestration of one onboarding, the sweep and the endpoint's own hours aside.
func (c Counts) cost() float64 {
	perInvocation := pricePerInvocation + invocationSeconds*memoryGB*pricePerGBSecond
	return float64(c.Transitions)*pricePerTransition + float64(c.Invocations)*perInvocation +
		float64(c.ByCall["dynamodb:GetItem"])*pricePerRead + float64(c.ByCall["dynamodb:UpdateItem"])*pricePerWrite +
		float64(c.ByCall["events:PutEvents"])*pricePerEvent + float64(c.ByCall["sns:Publish"])*pricePerPublish
}
