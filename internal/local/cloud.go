// Package local is the embedded cloud: it runs the synthesized CloudFormation template in one process, without AWS. It reads the
// template strictly, interprets the state machine on a virtual clock, runs the functions as real processes or in this process,
// answers their AWS calls at the wire, checks each call against the policies in the template, and lets the caller play the vendor
// and break things. What it does not know is an error, never a shrug.
package local

import (
	"encoding/json"
	"errors"
	"fmt"
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
	"postern/internal/local/tickets"
	"postern/internal/local/wire"
	"postern/internal/step"
)

// Mode is how functions run.
type Mode int

// The modes.
const (
	// InProcess calls the functions' constructors in this process: fast, for tests.
	InProcess Mode = iota
	// Process starts the bootstrap executables of the cloud assembly: what would be deployed, built for this machine.
	Process
)

// Config says what to deploy, and where. The zero value of a field is a working default unless its comment says otherwise.
type Config struct {
	// Template is the synthesized template; TemplatePath is read when it is nil. One of the two is needed.
	Template     []byte
	TemplatePath string
	// Assembly is the cloud assembly's directory, which holds the functions' code. Needed in mode Process.
	Assembly  string
	StackName string // Postern
	// Others are the stacks of other accounts and Regions.
	Others []Other
	Mode   Mode
	// Functions are the functions' constructors by the template's Handler. Needed in mode InProcess.
	Functions map[string]step.Function
	// Around, when set, stands between the state machines and the functions: it may look at a payload and its answer, or change
	// either.
	Around func(call states.Invocation, invoke Invoke) ([]byte, *states.Failure, time.Duration)
	Start  time.Time // of the virtual clock; 2026-11-02T14:00:00Z, a Monday morning in New York
	// World makes the world outside: VPCs, vendors. privatelink.DemoWorld.
	World func(*clock.Clock) *privatelink.World
	// Mutate changes the template before it is read, such as to take a permission away.
	Mutate func(template map[string]any)
}

// Invoke calls a function for a state machine.
type Invoke func(states.Invocation) ([]byte, *states.Failure, time.Duration)

// Other is a stack of another account or Region than the first one's.
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

// The caller of everything that a person does by hand.
const console = "console"

// Cloud is a running embedded cloud. Its parts are exported so that a scenario can look at them, act as the vendor or a person,
// and disturb them. All use one clock: nothing happens but in Run and Advance.
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
	Tickets    *tickets.Systems
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
	if config.StackName == "" {
		config.StackName = "Postern"
	}
	if config.Start.IsZero() {
		config.Start = defaultStart
	}
	if config.World == nil {
		config.World = privatelink.DemoWorld
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
		AccountID: c.World.AccountID(), Region: privatelink.DemoRegion, Mutate: c.config.Mutate,
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
	c.Zones = route53.New(c.Clock, c.World, route53.DefaultOptions())
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
	}, privatelink.NewService(c.World), c.Zones, c.Events, c.Topics, c.Queues, c.Tables, c.stores, c.Secrets, c.States,
		lambda.NewService(c.runNamed), cloudtrail.New(c.Events.Events), sts.New(func(key string, p wire.Principal) { c.Server.Register(key, p) }))
	var err error
	if c.Network, err = network.New(network.Config{World: c.World, Zones: c.Zones, Now: c.Clock.Now}); err != nil {
		return fmt.Errorf("starting the network: %w", err)
	}
	if c.Tickets, err = tickets.New(c.Clock.Now); err != nil {
		return err
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
	if c.Tickets != nil {
		faults = append(faults, c.Tickets.Close())
	}
	return errors.Join(faults...)
}

// StartExecution starts a state machine of the stack by hand and returns the execution's ARN: that of fleets when the input has
// targets. Name may be "".
func (c *Cloud) StartExecution(name string, input []byte) (string, error) {
	machine := machineName
	var fleet struct{ Targets []any }
	if json.Unmarshal(input, &fleet) == nil && fleet.Targets != nil {
		machine = fleetName
	}
	for _, m := range template.All[template.StateMachine](c.Stack) {
		if m.Properties.StateMachineName == machine {
			return c.States.Start(m.ARN, name, input, console)
		}
	}
	return "", fmt.Errorf("starting an execution: the stack has no state machine %s", machine)
}

// The names of the stack's state machines.
const (
	machineName = "postern"
	fleetName   = "postern-fleet"
)

// Run lets time pass until an execution has ended, for at most limit of simulated time.
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

// The origin of what belongs to no execution.
const (
	// OriginSchedule is the shared sweep and the drift check, and all that they set off but an execution's own steps.
	OriginSchedule = "schedule"
	// OriginOutside is the vendor, a person, and whatever else came from outside.
	OriginOutside = ""
)

// Origin is what the running thing belongs to: the ARN of an execution, OriginSchedule or OriginOutside. Causes are carried to
// their effects: what an event sets off belongs to whoever put the event.
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

// Dropped returns what AWS would have dropped without telling anybody: messages without permission, and why.
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

// fault notes a defect of the embedded cloud itself; Run and Advance return it.
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
