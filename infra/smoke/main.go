// Command smoke checks a deployed Postern from outside and touches nothing: it runs one plan, asks IAM whether the functions' roles
// may do what their policies say, and makes a dry run of the endpoint that was planned. It needs AWS credentials.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

func main() {
	request := flag.String("request", "events/plan.monte-carlo.json", "the request to plan, a JSON `file` whose action is plan")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *request, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{})) // our line says what is missing
	if err != nil {
		return fmt.Errorf("the AWS configuration cannot be read: %w", err)
	}
	if err := ready(ctx, cfg); err != nil {
		return err
	}
	request, err := planOnly(file)
	if err != nil {
		return err
	}
	caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return fmt.Errorf("AWS does not take these credentials, renew them: %w", err)
	}
	home := place{caller: aws.ToString(caller.Arn), account: aws.ToString(caller.Account), region: cfg.Region}
	fmt.Fprintf(out, "in %s, %s, as %s\n", home.account, home.region, home.caller)

	plan, planFault := runPlan(ctx, sfn.NewFromConfig(cfg), home.machine(), request, out)
	roleFault := checkRoles(ctx, iam.NewFromConfig(cfg), out)
	var dryFault error
	if plan != nil {
		dryFault = dryRun(ctx, ec2.NewFromConfig(cfg), home, plan, out)
	}
	if err := errors.Join(planFault, roleFault, dryFault); err != nil {
		return err
	}
	fmt.Fprintln(out, "smoke: passed; nothing was made but the execution's own record and logs")
	return nil
}

// ready reports in one line what is missing before AWS can be asked anything.
func ready(ctx context.Context, cfg aws.Config) error {
	const remedy = "set AWS_PROFILE (or log in with aws sso login) and AWS_REGION to where Postern is deployed"
	if cfg.Region == "" {
		return errors.New("no AWS Region: " + remedy)
	}
	if cfg.Credentials == nil {
		return errors.New("no AWS credentials: " + remedy)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return errors.New("no AWS credentials: " + remedy) // what the SDK says is a paragraph on instance metadata
	}
	return nil
}
