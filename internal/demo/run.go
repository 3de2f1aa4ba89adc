package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"postern/internal/connection"
	"postern/internal/demo/bill"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/states"
)

const (
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
)

// handMadeOf is the vendor of people.HandMade.
const handMadeOf = "monte-carlo"

// patience is how much simulated time an onboarding may take.
const patience = 400 * 24 * time.Hour

func isTerminal(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }

// run runs one onboarding and returns what it ended with. An error means that the command could not do its work.
func run(o options, stdout, stderr io.Writer) (report, error) {
	input, err := o.input()
	if err != nil {
		return report{}, err
	}
	cloud, err := open(o.assembly)
	if err != nil {
		return report{}, err
	}
	defer cloud.Close() //nolint:errcheck // the processes end with us
	out := stdout
	if o.json {
		out = stderr
	}
	t := &timeline{out: out, colour: o.colour, start: cloud.Clock.Now(), started: time.Now(),
		names: map[string]string{}, gates: map[string]connection.Gates{}}
	fmt.Fprintf(out, "Embedded cloud, a simulation: %s, vendor: %s after %s. It is %s there.\n\n", o.request, o.vendor, simulated(o.after),
		t.start.Format("Monday, 2 January 2006, 15:04 MST"))
	t.header()
	cloud.States.OnStatusChange(t.join)
	vendor := &people.Vendor{Behaviour: o.vendor, In: o.vendorIn, After: o.after, Tell: func(at time.Time, what string) { t.line(at, markPerson, "", what) }}
	if err := makeByHand(cloud, t, o.adopt); err != nil {
		return report{}, err
	}
	vendor.Join(cloud)
	var last []byte // the state's data as the execution left its last state: a failed execution has no output
	cloud.States.OnState(func(e states.StateEvent) {
		if e.Kind == states.Exited && e.Output != nil {
			last = e.Output
		}
		t.state(e)
	})

	if err := breakFirst(cloud, t, input, o.damage); err != nil {
		return report{}, err
	}
	before := mark{calls: len(cloud.Calls()), invocations: len(cloud.Invocations())}
	if err := listenToTickets(cloud, t); err != nil {
		return report{}, err
	}
	execution, err := begin(cloud, t, o, input)
	if err != nil {
		return report{}, err
	}
	if o.at > 0 {
		return report{Status: succeeded}, serveAt(cloud, o, out)
	}
	ended, err := cloud.Run(execution, patience)
	if o.logs {
		printLogs(stderr, cloud.Logs())
	}
	if o.door == doorWebhook && err == nil {
		err = cloud.Advance(time.Second) // an event reports the end to the ticket
	}
	if err != nil {
		return report{}, fmt.Errorf("running the execution: %w", err)
	}
	result := reportOf(cloud, before, ended, last, time.Since(t.started))
	if o.drift != nil {
		if result.Broke, result.Drift, err = drift(cloud, t, ended, *o.drift); err != nil {
			return report{}, err
		}
	}
	result.print(out, t.paint)
	if o.serve != "" {
		err = serve(cloud, o.serve, out)
	}
	return result, err
}

// begin starts the execution, and has an operator approve when that is asked for.
func begin(cloud *local.Cloud, t *timeline, o options, input []byte) (execution string, err error) {
	execution, how, err := start(cloud, o.door, input)
	if err != nil {
		return "", fmt.Errorf("starting the execution: %w", err)
	}
	t.line(cloud.Clock.Now(), markPerson, "", how)
	if o.acknowledge > 0 {
		cloud.Clock.After(o.acknowledge, "an operator approves", func() { approve(cloud, t, execution) })
	}
	return execution, nil
}

// input is the request that the execution is started with.
func (o options) input() ([]byte, error) {
	input, err := os.ReadFile(o.request)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if o.adopt {
		if err := adoptable(input); err != nil {
			return nil, err
		}
	}
	if o.drift == nil {
		return input, nil
	}
	return repairing(input, *o.drift)
}

// adoptable refuses a request, or a delivery, of another vendor than that whose endpoint -adopt creates manually.
func adoptable(input []byte) error {
	var request struct {
		Vendor string
		Data   struct{ Vendor string }
	}
	_ = json.Unmarshal(input, &request) // Postern says what is wrong with it
	if vendor := cmp.Or(request.Vendor, request.Data.Vendor, handMadeOf); vendor != handMadeOf {
		return fmt.Errorf("-adopt: it creates an endpoint of %s, and the request is of %s; omit -adopt or -request", handMadeOf, vendor)
	}
	return nil
}

// open opens the embedded cloud with the functions as processes.
func open(assembly string) (*local.Cloud, error) {
	config, err := local.OfAssembly(assembly, "Postern")
	if err != nil {
		return nil, err
	}
	config.Mode = local.Process
	cloud, err := world.Open(config)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded cloud: %w", err)
	}
	return cloud, nil
}

// makeByHand creates the endpoint that the onboarding must adopt, if -adopt is set.
func makeByHand(cloud *local.Cloud, t *timeline, asked bool) error {
	if !asked {
		return nil
	}
	id, err := people.MakeByHand(cloud, people.HandMade)
	if err == nil {
		t.line(cloud.Clock.Now(), markPerson, "", "an operator created "+id+" manually, and the vendor accepted it")
	}
	return err
}

func printLogs(out io.Writer, logs map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		for _, line := range strings.Split(strings.TrimSpace(logs[name]), "\n") {
			fmt.Fprintf(out, "%s: %s\n", name, line)
		}
	}
}

// mark is how much the cloud had done when the execution began that is reported on.
type mark struct{ calls, invocations int }

// reportOf reads the end of an execution off the cloud.
func reportOf(cloud *local.Cloud, from mark, ended states.Execution, last []byte, wall time.Duration) report {
	r := report{
		Status: succeeded, Path: ended.Path, Error: ended.Error, Cause: ended.Cause, Parameters: parameters(cloud),
		Findings: []connection.Finding{}, Simulated: ended.StoppedAt.Sub(ended.StartedAt).Seconds(), Wall: wall.Seconds(),
	}
	if ended.Status != states.Succeeded {
		r.Status = failed
	}
	ours, transitions := map[string]bool{local.OriginOutside: true}, 0
	for _, e := range started(cloud, ended) {
		ours[e.ARN], transitions = true, transitions+e.Transitions
	}
	r.Counts = bill.Of(transitions, bill.InvocationsOf(cloud.Invocations()[from.invocations:], ours), cloud.Calls()[from.calls:])
	for _, c := range world.Tickets(cloud).Comments("") {
		r.Comments = append(r.Comments, comment{Ticket: c.Ticket, Simulated: c.At.Sub(ended.StartedAt).Seconds(), Text: c.Text})
	}
	if r.Fleet = fleetReport(ended, last); r.Fleet != nil {
		r.Cost = connection.Cost{MonthlyUSD: r.Fleet.MonthlyUSD, Basis: "all endpoints together"}
		return r
	}
	var state connection.State
	if json.Unmarshal(last, &state) != nil || state.Plan == nil {
		return r
	}
	r.Findings = append(r.Findings, state.Plan.Findings...)
	if state.Plan.Decision == connection.DecisionPlanned {
		r.Creates = state.Plan.Creates
	}
	if r.Status == failed {
		return r // what it made is undone, or listed in the cause
	}
	r.Cost, r.Diagnosis = state.Plan.Cost, state.Diagnosis
	if state.Endpoint != nil {
		r.Endpoint = state.Endpoint.ID
		if live, ok := cloud.World.Endpoint(state.Endpoint.ID); ok {
			r.State = string(live.State)
		}
	}
	if state.DNS != nil {
		for _, record := range state.DNS.Records {
			r.Records = append(r.Records, record.Record)
		}
	}
	if state.Config != nil {
		r.Clients = state.Plan.ClientActions
	}
	return r
}

// parameters are those of the account that was onboarded, and of our own.
func parameters(cloud *local.Cloud) map[string]string {
	values := map[string]string{}
	for _, stack := range cloud.Stacks() {
		store := cloud.ParametersIn(stack.AccountID, stack.Region)
		for _, name := range store.Names() {
			if version, ok := store.Get(name); ok {
				values[name] = version.Value
			}
		}
	}
	return values
}
