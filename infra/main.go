// Package main is the CDK app: it reads the postern block of cdk.json's context and synthesizes Postern's stack, and one for each
// network of another account or Region.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(&awscdk.AppProps{Context: fileContext("cdk.json")})
	newStacks(app)
	app.Synth(nil)
}

// newStacks defines every stack that the settings ask for.
func newStacks(app awscdk.App) {
	settings := readSettings(app)
	NewStack(app, "Postern", settings)
	for _, network := range settings.Networks {
		if settings.elsewhere(network) {
			NewNetworkStack(app, "Postern-"+network.Name, settings, network)
		}
	}
}
