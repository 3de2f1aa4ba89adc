package moto

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// CDK deploys a stack with the CDK command line, as a user would.
type CDK struct {
	Root     string   // of the project
	Command  []string // the command line, pinned: npx --yes aws-cdk@…
	Dir      string   // for what is made on the way
	Stack    string
	Account  string
	Endpoint string    // of moto
	Out      io.Writer // what the commands print
}

// qualifier names the bootstrap bucket. moto reads a template from S3 only when the URL says localhost, and so it does, in the
// name of the bucket.
const qualifier = "localhost"

const qualifierContext = "@aws-cdk/core:bootstrapQualifier"

// Template is the path of the synthesized template, as it came from the CDK app.
func (c CDK) Template() string { return filepath.Join(c.Dir, "synthesized.template.json") }

// Assembly is the directory of the cloud assembly.
func (c CDK) Assembly() string { return filepath.Join(c.Dir, "assembly") }

// Synthesize runs the CDK app. The deployed template is the synthesized one without its outputs and its dashboard: moto fails on
// what names a resource it has no support for.
func (c CDK) Synthesize(ctx context.Context) error {
	if err := os.RemoveAll(c.Assembly()); err != nil {
		return err
	}
	app := exec.CommandContext(ctx, filepath.Join(c.Root, "build/bin/infra"))
	app.Dir = c.Root
	app.Env = append(os.Environ(), "CDK_OUTDIR="+c.Assembly(), "CDK_CONTEXT_JSON="+fmt.Sprintf(`{%q:%q}`, qualifierContext, qualifier),
		"POSTERN_ASSETS=build/host", "POSTERN_SETTINGS=infra/testdata/settings.json")
	if out, err := app.CombinedOutput(); err != nil {
		return fmt.Errorf("running the CDK app: %w\n%s", err, out)
	}
	path := filepath.Join(c.Assembly(), c.Stack+".template.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Template(), raw, 0o600); err != nil {
		return err
	}
	var template map[string]json.RawMessage
	if err := json.Unmarshal(raw, &template); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	delete(template, "Outputs")
	if template["Resources"], err = withoutDashboard(template["Resources"]); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if raw, err = json.Marshal(template); err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

func withoutDashboard(raw json.RawMessage) (json.RawMessage, error) {
	var resources map[string]json.RawMessage
	if err := json.Unmarshal(raw, &resources); err != nil {
		return nil, err
	}
	for id, raw := range resources {
		var resource struct{ Type string }
		if err := json.Unmarshal(raw, &resource); err != nil {
			return nil, err
		}
		if resource.Type == "AWS::CloudWatch::Dashboard" {
			delete(resources, id)
		}
	}
	return json.Marshal(resources)
}

// Bootstrap runs cdk bootstrap.
func (c CDK) Bootstrap(ctx context.Context) error {
	return c.run(ctx, "bootstrap", "--qualifier", qualifier, "--context", qualifierContext+"="+qualifier,
		"aws://"+c.Account+"/"+Region)
}

// Deploy runs cdk deploy, without change sets: moto fails on the second one, and gives no outputs.
func (c CDK) Deploy(ctx context.Context) error {
	return c.run(ctx, "deploy", "--method", "direct", "--require-approval", "never", c.Stack)
}

func (c CDK) run(ctx context.Context, arguments ...string) error {
	line := append(append([]string{}, c.Command...), arguments...)
	line = append(line, "--app", c.Assembly(), "--output", filepath.Join(c.Dir, "cdk"), "--progress", "events", "--ci")
	fmt.Fprintln(c.Out, strings.Join(line, " "))
	command := exec.CommandContext(ctx, line[0], line[1:]...)
	command.Dir, command.Stdout, command.Stderr = c.Root, c.Out, c.Out
	command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+c.Endpoint, "AWS_REGION="+Region, "AWS_DEFAULT_REGION="+Region,
		"AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_EC2_METADATA_DISABLED=true")
	if err := command.Run(); err != nil {
		return fmt.Errorf("cdk %s: %w", arguments[0], err)
	}
	return nil
}
