package moto

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"postern/internal/local/lambda"
	"postern/internal/local/network"
	"postern/internal/local/wire"
	"postern/internal/step"
)

// function is a function that runs.
type function struct {
	runtime lambda.Function
	one     sync.Mutex // at a time
}

// Connect starts to serve the functions, rules and subscriptions of a deployed stack. Code is in the cloud assembly.
func (g *Gateway) Connect(stack *Stack, assembly string) error {
	machine, err := stack.Machine("postern")
	if err != nil {
		return err
	}
	for i, f := range stack.Functions {
		code, err := stack.Code(assembly, f.Name)
		if err != nil {
			return err
		}
		accessKey := fmt.Sprintf("AKIAMOTO%012d", i+1)
		g.embedded.Register(accessKey, wire.Principal{RoleARN: f.Role, Function: f.Name})
		environment, err := g.environment(f, code, accessKey)
		if err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
		if environment[step.EnvStateMachine] == "" { // moto skips the alias, whose ARN it is
			environment[step.EnvStateMachine] = machine
		}
		runtime, err := lambda.NewProcess(lambda.Spec{
			Name: f.Name, ARN: f.ARN, Handler: f.Handler, Directory: code, Environment: environment,
			Timeout: time.Duration(f.Timeout) * time.Second,
		})
		if err != nil {
			return err
		}
		g.mu.Lock()
		g.functions[f.Name] = &function{runtime: runtime}
		g.mu.Unlock()
	}
	if g.subscriptions, err = stack.Subscriptions(); err != nil {
		return err
	}
	return g.loadRules()
}

// environment is all that a function sees: what moto has of its configuration, what Lambda adds, and inside a VPC the stand-ins
// for that VPC's resolver and network.
func (g *Gateway) environment(f Function, code, accessKey string) (map[string]string, error) {
	env := map[string]string{
		"AWS_REGION": Region, "AWS_DEFAULT_REGION": Region, "AWS_ENDPOINT_URL": g.URL(),
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": "example",
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cmp.Or(f.MemorySize, 128)),
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME": "moto",
		"AWS_LAMBDA_LOG_FORMAT": "JSON", "LAMBDA_TASK_ROOT": code, "_HANDLER": f.Handler, "TZ": ":UTC",
	}
	if len(f.VpcConfig.SubnetIds) > 0 {
		subnet, known := g.World.Subnet(f.VpcConfig.SubnetIds[0])
		if !known {
			return nil, fmt.Errorf("subnet %s does not exist", f.VpcConfig.SubnetIds[0])
		}
		resolver, err := g.network.Resolver(subnet.VPCID)
		if err != nil {
			return nil, err
		}
		way, err := g.network.Gateway(network.Source{
			VPCID: subnet.VPCID, SubnetID: subnet.ID, SecurityGroupIDs: f.VpcConfig.SecurityGroupIds,
		})
		if err != nil {
			return nil, err
		}
		maps.Copy(env, map[string]string{step.EnvResolver: resolver, step.EnvGateway: way, "SSL_CERT_FILE": g.network.CABundle()})
	}
	maps.Copy(env, f.Environment.Variables)
	return env, nil
}

// function finds a function by name or ARN.
func (g *Gateway) function(name string) (*function, error) {
	if parts := strings.Split(name, ":"); len(parts) > 6 {
		name = parts[6]
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f, known := g.functions[name]; known {
		return f, nil
	}
	return nil, fmt.Errorf("function %s does not exist", name)
}

// run runs a function once.
func (g *Gateway) run(f *function, payload []byte) lambda.Result {
	g.mu.Lock()
	g.invocations++
	id := fmt.Sprintf("00000000-0000-4000-9000-%012x", g.invocations)
	g.mu.Unlock()
	f.one.Lock()
	defer f.one.Unlock()
	return f.runtime.Invoke(id, payload)
}

// runAsync runs a function for a service that does not wait for it. AWS would try again; here a failure is a finding.
func (g *Gateway) runAsync(name string, payload []byte) {
	f, err := g.function(name)
	if err != nil {
		g.fault("%v", err)
		return
	}
	if result := g.run(f, payload); result.ErrorType != "" {
		g.fault("%s failed: %s", name, result.Payload)
	}
}
