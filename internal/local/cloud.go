// Package local simulates AWS for one CloudFormation template, in one process. It reads the template strictly, interprets the state
// machines on a virtual clock, runs the functions as processes or in this process, answers their AWS calls over HTTP, and checks each
// call against the policies of the template. A test or a demo can act as a vendor or as a person in the account, and inject faults.
// A feature that is not simulated is an error that names it. README.md lists what is simulated.
package local

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"postern/internal/local/apigateway"
	"postern/internal/local/clock"
	"postern/internal/local/cloudtrail"
	"postern/internal/local/dynamodb"
	"postern/internal/local/events"
	"postern/internal/local/iam"
	"postern/internal/local/lambda"
	"postern/internal/local/network"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/secretsmanager"
	"postern/internal/local/sns"
	"postern/internal/local/sqs"
	"postern/internal/local/ssm"
	"postern/internal/local/states"
	"postern/internal/local/sts"
	"postern/internal/local/template"
	"postern/internal/local/wire"
)

// Mode is how functions run.
type Mode int

// The modes.
const (
	// InProcess runs the functions in this process, as Config.Functions builds them: fast, for tests.
	InProcess Mode = iota
	// Process starts the bootstrap executables of the cloud assembly, built for this machine.
	Process
)

// Config says what to deploy, and where. The zero value of a field is a working default unless its comment says otherwise.
type Config struct {
	// Template is the synthesized template; TemplatePath is read when it is nil. One of the two is needed.
	Template     []byte
	TemplatePath string
	// Assembly is the cloud assembly's directory, which holds the functions' code. Needed in mode Process.
	Assembly  string
	StackName string // "Stack" when it is empty
	Region    string // of the first stack; us-east-1 when it is empty
	// Others are the stacks of other accounts and Regions.
	Others []Other
	Mode   Mode
	// Functions build the functions by the template's Handler. Needed in mode InProcess.
	Functions map[string]lambda.Build
	// Environment is added to the variables of every function.
	Environment map[string]string
	// ResolverVariable and GatewayVariable name the variables that give a function in a VPC the address (host:port) of the VPC's DNS
	// resolver, and of a SOCKS-like gateway that leads into the VPC (package network). An empty name sets no variable.
	ResolverVariable, GatewayVariable string
	// Shared are the names of functions whose work belongs to OriginSchedule, whatever event starts them.
	Shared []string
	// Machine returns the name of the state machine that StartExecution starts with an input. Nil: the stack's only one.
	Machine func(input []byte) string
	// Outside starts what the functions call outside AWS. Nil: nothing.
	Outside func(*clock.Clock) (Outside, error)
	// Around, when set, is called in place of each function that a state machine invokes. It may call invoke, and change the payload
	// and the answer.
	Around func(call states.Invocation, invoke Invoke) ([]byte, *states.Failure, time.Duration)
	Start  time.Time // of the virtual clock; 2026-11-02T14:00:00Z when it is zero
	// World makes the networks and the vendors. Nil: privatelink.Small.
	World func(*clock.Clock) *privatelink.World
	// Mutate changes the template before it is read, for example to remove a permission.
	Mutate func(template map[string]any)
}

// Outside is what the functions call outside AWS, for example an HTTP server on this machine.
type Outside interface {
	io.Closer
	// Environment are the variables that tell every function where it is.
	Environment() map[string]string
}

// Invoke calls a function for a state machine.
type Invoke func(states.Invocation) ([]byte, *states.Failure, time.Duration)

// Other is a stack in another account or Region than the first stack.
type Other struct {
	Template          []byte
	TemplatePath      string // read when Template is nil
	StackName         string
	AccountID, Region string
	// Mutate changes the template before it is read.
	Mutate func(template map[string]any)
}

// defaultStart is a Monday, 9 in the morning in New York.
var defaultStart = time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC)

// console is the caller of every manual action.
const console = "console"

// Cloud is a running simulation. Its parts are exported: a scenario reads them, acts as a vendor or a person, and injects faults. All
// parts use one clock: things happen in Run and Advance only.
type Cloud struct {
	Clock      *clock.Clock
	Server     *wire.Server
	World      *privatelink.World
	Zones      *route53.Service
	Network    *network.Network
	Events     *events.Service
	Topics     *sns.Service
	Queues     *sqs.Service
	Tables     *dynamodb.Service
	Parameters *ssm.Service // of the stack's account and Region; see ParametersIn
	Secrets    *secretsmanager.Service
	Door       *apigateway.Service
	States     *states.Service
	Outside    Outside // nil without Config.Outside
	Stack      *template.Stack
	Others     []*template.Stack // of other accounts and Regions

	config    Config
	stores    *wire.Placed[*ssm.Service]
	policies  *iam.Policies
	functions map[string]*function // by ARN
	endpoint  string               // of the AWS API, for processes
	listener  *http.Server

	mu          sync.Mutex
	origin      string // what the running thing belongs to
	invocations []Invocation
	drops       []string
	defects     []error
}

// Open deploys the template. The caller closes the cloud.
func Open(config Config) (*Cloud, error) {
	config.StackName, config.Region = cmp.Or(config.StackName, "Stack"), cmp.Or(config.Region, "us-east-1")
	if config.Start.IsZero() {
		config.Start = defaultStart
	}
	if config.World == nil {
		config.World = privatelink.Small
	}
	c := &Cloud{config: config, Clock: clock.New(config.Start), functions: map[string]*function{}}
	c.Clock.Carry(func() any { return c.Origin() }, func(cause any) { c.setOrigin(cause.(string)) })
	c.World = config.World(c.Clock)
	if err := c.open(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cloud) open() error {
	var err error
	c.Stack, err = c.load(Other{
		Template: c.config.Template, TemplatePath: c.config.TemplatePath, StackName: c.config.StackName,
		AccountID: c.World.AccountID(), Region: c.config.Region, Mutate: c.config.Mutate,
	})
	if err != nil {
		return err
	}
	for _, other := range c.config.Others {
		stack, err := c.load(other)
		if err != nil {
			return fmt.Errorf("stack %s: %w", other.StackName, err)
		}
		c.Others = append(c.Others, stack)
	}
	c.policies = iam.NewPolicies()
	for _, stack := range c.Stacks() {
		if err := loadPolicies(c.policies, stack); err != nil {
			return err
		}
	}
	if err := c.services(); err != nil {
		return err
	}
	var faults []error
	for _, stack := range c.Stacks() {
		faults = append(faults, c.deployFunctions(stack), c.deploy(stack))
	}
	return errors.Join(faults...)
}

// Stacks are all stacks, the first one before the others.
func (c *Cloud) Stacks() []*template.Stack { return append([]*template.Stack{c.Stack}, c.Others...) }

// load reads a template, changed by Mutate.
func (c *Cloud) load(from Other) (*template.Stack, error) {
	text := from.Template
	if text == nil {
		var err error
		if text, err = os.ReadFile(from.TemplatePath); err != nil {
			return nil, fmt.Errorf("reading the template: %w", err)
		}
	}
	if from.Mutate != nil {
		var document map[string]any
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("reading the template: %w", err)
		}
		from.Mutate(document)
		var err error
		if text, err = json.Marshal(document); err != nil {
			return nil, fmt.Errorf("changing the template: %w", err)
		}
	}
	return template.Load(text, template.Options{
		StackName: from.StackName, AccountID: from.AccountID, Region: from.Region, Assembly: c.config.Assembly,
	})
}

// ParametersIn is the Parameter Store of an account and Region.
func (c *Cloud) ParametersIn(account, region string) *ssm.Service {
	return c.stores.In(account, region)
}

// services makes the AWS of the stack's account and connects its parts.
func (c *Cloud) services() error {
	account, region := c.Stack.AccountID, c.Stack.Region
	c.Zones = route53.New(c.Clock, c.World, route53.DefaultOptions(account))
	c.World.SetZones(c.Zones)
	c.Events = events.New(c.Clock, account, region)
	c.Topics = sns.New(c.Clock, account, region)
	c.Queues = sqs.New(c.Clock, account, region)
	c.Tables = dynamodb.New(c.Clock, account, region)
	c.stores = wire.NewPlaced(func(account, region string) *ssm.Service { return ssm.New(c.Clock, account, region) })
	c.Parameters = c.stores.In(account, region)
	c.Secrets = secretsmanager.New(c.Clock, account, region)
	c.Door = apigateway.New(c.Clock, account, region, c.invokeFromDoor)
	c.States = states.New(c.Clock, account, region, invoker{c})
	c.Server = wire.NewServer(wire.Config{
		AccountID: account, Region: region, Now: c.Clock.Now, Authorizer: c.policies, Origin: c.Origin, Ended: c.end,
	}, privatelink.NewService(c.World), c.Zones, c.Events, c.Topics, c.Tables, c.stores, c.Secrets, c.States,
		lambda.NewService(c.runNamed), cloudtrail.New(c.Events.Events), sts.New(func(key string, p wire.Principal) { c.Server.Register(key, p) }))
	var err error
	if c.Network, err = network.New(network.Config{World: c.World, Zones: c.Zones, Now: c.Clock.Now}); err != nil {
		return fmt.Errorf("starting the network: %w", err)
	}
	if c.config.Outside != nil {
		if c.Outside, err = c.config.Outside(c.Clock); err != nil {
			return fmt.Errorf("starting what is outside AWS: %w", err)
		}
	}
	c.connect()
	return c.listen()
}

// listen opens the AWS API to processes.
func (c *Cloud) listen() error {
	if c.config.Mode != Process {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the functions' calls: %w", err)
	}
	c.endpoint = "http://" + listener.Addr().String()
	c.listener = &http.Server{Handler: c.Server, ReadHeaderTimeout: time.Minute}
	go c.listener.Serve(listener) //nolint:errcheck // it ends when Close closes it
	return nil
}

// end ends a function whose call a fault does not let it survive.
func (c *Cloud) end(name string, how wire.Ending) {
	if f, err := c.function(name); err == nil {
		f.runtime.End(how)
	}
}

// Close ends every function and the network.
func (c *Cloud) Close() error {
	var faults []error
	for _, f := range c.functions {
		faults = append(faults, f.runtime.Close())
	}
	if c.listener != nil {
		faults = append(faults, c.listener.Close())
	}
	if c.Network != nil {
		faults = append(faults, c.Network.Close())
	}
	if c.Outside != nil {
		faults = append(faults, c.Outside.Close())
	}
	return errors.Join(faults...)
}

// StartExecution starts a state machine of the first stack, which Config.Machine chooses, and returns the execution's ARN. An empty
// name makes up a name.
func (c *Cloud) StartExecution(name string, input []byte) (string, error) {
	machines := template.All[template.StateMachine](c.Stack)
	if c.config.Machine == nil {
		if len(machines) != 1 {
			return "", fmt.Errorf("starting an execution: the stack has %d state machines; set Config.Machine", len(machines))
		}
		return c.States.Start(machines[0].ARN, name, input, console)
	}
	machine := c.config.Machine(input)
	for _, m := range machines {
		if m.Properties.StateMachineName == machine {
			return c.States.Start(m.ARN, name, input, console)
		}
	}
	return "", fmt.Errorf("starting an execution: the stack has no state machine %s", machine)
}

// Run lets simulated time pass until an execution has ended, for at most limit.
func (c *Cloud) Run(execution string, limit time.Duration) (states.Execution, error) {
	ended := func() bool {
		e, known := c.States.Execution(execution)
		return !known || e.Status != states.Running || c.defect() != nil
	}
	err := c.Clock.Run(ended, c.Clock.Now().Add(limit))
	e, known := c.States.Execution(execution)
	if !known {
		err = fmt.Errorf("execution %s does not exist", execution)
	}
	return e, errors.Join(err, c.defect())
}

// Advance lets d of simulated time pass.
func (c *Cloud) Advance(d time.Duration) error {
	passed := false
	c.Clock.After(d, "the end of the wait", func() { passed = true })
	err := c.Clock.Run(func() bool { return passed || c.defect() != nil }, c.Clock.Now().Add(d))
	return errors.Join(err, c.defect())
}

// The origins of work that belongs to no execution.
const (
	// OriginSchedule is the work of scheduled rules and of Config.Shared, and all that follows from it but an execution's own steps.
	OriginSchedule = "schedule"
	// OriginOutside is what a vendor, a person or another system does.
	OriginOutside = ""
)

// Origin is what the current work belongs to: the ARN of an execution, OriginSchedule or OriginOutside. An effect has the origin of
// its cause: what an event starts belongs to the origin that put the event.
func (c *Cloud) Origin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.origin
}

func (c *Cloud) setOrigin(origin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.origin = origin
}

// Calls returns every call of the functions so far.
func (c *Cloud) Calls() []wire.Recorded { return c.Server.Calls() }

// Invocations returns every run of a function so far.
func (c *Cloud) Invocations() []Invocation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.invocations)
}

// Logs returns what each function wrote, by name.
func (c *Cloud) Logs() map[string]string {
	logs := map[string]string{}
	for _, f := range c.functions {
		logs[f.name] = f.runtime.Logs()
	}
	return logs
}

// Mail returns every e-mail that SNS sent so far.
func (c *Cloud) Mail() []sns.Mail { return c.Topics.Mails() }

// Dropped returns the messages that AWS would drop silently for lack of a permission, each with its reason.
func (c *Cloud) Dropped() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.drops)
}

func (c *Cloud) drop(what string, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops = append(c.drops, what+": "+why.Error())
}

// Grants returns what the template's policies grant, in what was used so far and what was not.
func (c *Cloud) Grants() (used, unused []iam.Grant) { return c.policies.Grants() }

// fault records a defect of the simulation itself; Run and Advance return it.
func (c *Cloud) fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.defects = append(c.defects, err)
}

func (c *Cloud) defect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.defects...)
}
