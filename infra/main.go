// Package main is the CDK app: it reads the postern block of cdk.json's context and synthesizes one stack.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(&awscdk.AppProps{Context: fileContext("cdk.json")})
	NewStack(app, "Postern", readSettings(app))
	app.Synth(nil)
}
