package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"postern/internal/demo/people"
)

// options are what the command line says.
type options struct {
	assembly string
	request  string
	door     string
	vendor   people.Behaviour
	vendorIn map[string]people.Behaviour // by VPC id
	after    time.Duration
	// acknowledge is when an operator says that the vendor confirmed, 0 for never.
	acknowledge time.Duration
	damage      *people.Damage // nil: nothing is done to the connection
	drift       *people.Damage // what is broken after the onboarding, nil for nothing
	serve       address        // of the page, "" for none
	at          time.Duration  // when it is served instead of at the end, 0 for the end
	adopt       bool           // an endpoint was created manually before
	json        bool
	logs        bool
	colour      bool
}

const usage = `demo onboards a vendor on the embedded cloud: no AWS account is needed and nothing leaves this machine.

usage: make demo DEMO_FLAGS="[flags]"

flags:
`

// adoptSample is the request that adopts the endpoint that was created manually.
const adoptSample = "events/onboard.monte-carlo.adopt.json"

// maxAfter keeps a demo inside what its waits allow.
const maxAfter = 365 * 24 * time.Hour

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var vendor, breaks, drifts string
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.assembly, "assembly", "build/demo-assembly", "the cloud assembly to run, a `directory` that make demo keeps up to date")
	flags.StringVar(&o.request, "request", "", "the request, a JSON `file`, see events/README.md; by default that of Monte Carlo for the door")
	flags.StringVar(&o.door, "door", doorConsole, "how the onboarding is started: "+doorConsole+", or "+doorWebhook+" with a delivery such as events/webhook.standard.json")
	flags.StringVar(&vendor, "vendor", string(people.Approve), "what the vendor does: "+names()+"; with ,VPC=BEHAVIOUR for something else in one VPC")
	flags.DurationVar(&o.after, "after", 26*time.Hour, "how long the vendor takes at each gate, in simulated time")
	flags.DurationVar(&o.acknowledge, "acknowledge", 0, "when an operator says that the vendor confirmed, and gives the inputs that came with the allow-listing: a time since the start, such as 30h")
	flags.StringVar(&breaks, "break", "", "onboard first, break one `thing`, then diagnose: "+damages())
	flags.StringVar(&drifts, "drift", "", "break one `thing` after the onboarding, and let the drift check find and repair it, as far as it may: as -break's")
	flags.BoolVar(&o.adopt, "adopt", false, "create Monte Carlo's endpoint manually first: the onboarding adopts it, or fails if the request has no adoptEndpointId")
	flags.BoolVar(&o.json, "json", false, "print one JSON document on standard output, and the timeline on standard error")
	flags.Var(&o.serve, "serve", "serve the page of every connection afterwards, at "+defaultAddress+" or -serve=`address` of this machine")
	flags.DurationVar(&o.at, "at", 0, "serve the page as it is then, a time since the start such as 30h, and not at the end; with -serve")
	flags.BoolVar(&o.logs, "logs", false, "print the functions' logs at the end, on standard error")
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
		fmt.Fprint(out, "\nexit status: 0 the execution succeeded, 1 it failed, 2 the demo could not run\n")
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected %q; -help lists the flags", flags.Arg(0))
	}
	if err := o.checkTimes(); err != nil {
		return o, err
	}
	if err := o.serve.check(); err != nil {
		return o, err
	}
	if o.serve != "" && o.json {
		return o, errors.New("-serve: the document of -json would never end; leave one of them out")
	}
	if err := o.chooseDamage(breaks); err != nil {
		return o, err
	}
	if err := o.chooseDrift(drifts); err != nil {
		return o, err
	}
	if o.adopt && o.request == "" && o.door == doorConsole {
		o.request = adoptSample
	}
	if err := o.chooseDoor(); err != nil {
		return o, err
	}
	var err error
	o.vendor, o.vendorIn, err = behaviours(vendor)
	o.colour = isTerminal(os.Stdout) && !o.json && os.Getenv("NO_COLOR") == ""
	return o, err
}

func (o *options) checkTimes() error {
	switch {
	case o.after < 0 || o.after > maxAfter:
		return errors.New("-after: write a duration from 0s to 8760h, such as 48h")
	case o.acknowledge < 0 || o.acknowledge > maxAfter:
		return errors.New("-acknowledge: write a duration from 0s to 8760h, such as 30h")
	case o.at < 0 || o.at > maxAfter || o.at > 0 && o.serve == "":
		return errors.New("-at: write a duration from 0s to 8760h, such as 30h, and -serve with it")
	}
	return nil
}

// chooseDamage reads what to break, and sets the request that matches it.
func (o *options) chooseDamage(name string) error {
	if name == "" {
		return nil
	}
	damage, err := people.ParseDamage(name)
	if err != nil {
		return fmt.Errorf("-break: %w", err)
	}
	if o.damage = &damage; o.request == "" {
		o.request = sampleOf(damage)
	}
	if o.door != doorConsole {
		return errors.New("-break: a diagnosis is started by an operator; leave -door out")
	}
	return nil
}

// chooseDrift reads what to break after the onboarding, and sets the request that matches it.
func (o *options) chooseDrift(name string) error {
	if name == "" {
		return nil
	}
	damage, err := people.ParseDamage(name)
	if err != nil {
		return fmt.Errorf("-drift: %w", err)
	}
	if o.damage != nil || o.door != doorConsole {
		return errors.New("-drift: an operator's onboarding comes before it; leave -break and -door out")
	}
	if o.drift = &damage; o.request == "" {
		o.request = onboardingOf(damage)
	}
	return nil
}

func damages() string {
	list := make([]string, len(people.Damages))
	for i, damage := range people.Damages {
		list[i] = damage.Name
	}
	return strings.Join(list, ", ")
}

// chooseDoor checks the door and fills in the request that goes with it.
func (o *options) chooseDoor() error {
	samples := map[string]string{doorConsole: "events/onboard.monte-carlo.json", doorWebhook: "events/webhook.standard.json"}
	sample, known := samples[o.door]
	if !known {
		return fmt.Errorf("-door: %q is no door; write %s or %s", o.door, doorConsole, doorWebhook)
	}
	if o.request == "" {
		o.request = sample
	}
	return nil
}

// behaviours reads -vendor, such as approve,vpc-0b2c3d4e5f6071829=reject.
func behaviours(text string) (people.Behaviour, map[string]people.Behaviour, error) {
	parts := strings.Split(text, ",")
	all, err := people.ParseBehaviour(parts[0])
	in := map[string]people.Behaviour{}
	for _, part := range parts[1:] {
		vpc, name, found := strings.Cut(part, "=")
		if !found {
			return "", nil, fmt.Errorf("-vendor: write %q as VPC=BEHAVIOUR, such as vpc-0b2c3d4e5f6071829=reject", part)
		}
		behaviour, unknown := people.ParseBehaviour(name)
		in[vpc], err = behaviour, errors.Join(err, unknown)
	}
	return all, in, err
}

func names() string {
	list := make([]string, len(people.Behaviours))
	for i, b := range people.Behaviours {
		list[i] = string(b)
	}
	return strings.Join(list, ", ")
}
