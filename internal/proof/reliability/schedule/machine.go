package schedule

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/wire"
	"postern/internal/proof/handlers"
	"postern/internal/proof/invariant"
)

var (
	// Those who never answer cost days of sweeps; they have tests of their own.
	behaviours = rapid.SampledFrom([]people.Behaviour{people.Approve, people.Early, people.Lost, people.Reject, people.Fail, people.Deleted})
	presses    = rapid.IntRange(0, 6)
	moments    = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, time.Minute, time.Hour, 5 * time.Hour})
	buttons    = rapid.SampledFrom([]string{"start", "stop", "redrive", "approve", "cancel", "offboard", "delete manually", "fault", "fault", "lose", "restore"})
	kinds      = rapid.SampledFrom([]wire.FaultKind{wire.Throttle, wire.ServerError, wire.Hang, wire.LostAnswer, wire.CrashBefore, wire.CrashAfter})
	numbers    = rapid.IntRange(0, 60)
)

// Machine returns what draws one schedule of the whole machine, and fails when an invariant does not hold in it: people press
// buttons while an onboarding runs, notifications are lost, and calls fail.
func Machine(template []byte) func(*rapid.T) {
	return func(t *rapid.T) {
		c, err := world.Open(local.Config{Template: template, Functions: handlers.InProcess()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		w, before := invariant.Watch(c), c.Inventory()
		(&people.Vendor{Behaviour: behaviours.Draw(t, "vendor"), After: 40 * time.Minute}).Join(c)
		m := &machine{Cloud: c, t: t, faults: map[int]wire.FaultKind{}}
		c.Server.SetFault(m.fault)
		m.start(events.Read("onboard.monte-carlo.json"))
		for range presses.Draw(t, "presses") {
			m.advance(moments.Draw(t, "wait"))
			m.press(buttons.Draw(t, "button"))
		}
		clear(m.faults)
		m.finish()
		if wrong := w.Violations(); len(wrong) > 0 {
			t.Fatalf("%s\n%s", strings.Join(wrong, "\n"), m)
		}
		m.start(action(connection.ActionOffboard))
		m.finish()
		if wrong := append(w.Violations(), w.Restored(before)...); len(wrong) > 0 {
			t.Fatalf("after an offboarding: %s\n%s", strings.Join(wrong, "\n"), m)
		}
	}
}

// machine is a cloud whose buttons are pressed.
type machine struct {
	*local.Cloud
	t      *rapid.T
	arns   []string
	calls  int
	faults map[int]wire.FaultKind // by the call's number
}

func (m *machine) fault(*wire.Call, wire.Recorded) *wire.Fault {
	m.calls++
	if kind, is := m.faults[m.calls]; is {
		return &wire.Fault{Kind: kind}
	}
	return nil
}

func (m *machine) advance(d time.Duration) {
	if err := m.Advance(d); err != nil {
		m.t.Fatal(err)
	}
}

// finish lets every execution end, and an hour pass for what is still under way.
func (m *machine) finish() {
	for _, arn := range m.arns {
		if _, err := m.Run(arn, 30*24*time.Hour); err != nil {
			m.t.Fatal(err)
		}
	}
	m.advance(time.Hour)
}

func (m *machine) start(input []byte) {
	arn, err := m.StartExecution("", input)
	if err != nil {
		m.t.Fatal(err)
	}
	m.arns = append(m.arns, arn)
}

func action(name connection.Action) []byte {
	return fmt.Appendf(nil, `{"schemaVersion":1,"action":%q,"vendor":"monte-carlo","name":"agents-prod"}`, name)
}

func (m *machine) press(button string) {
	switch button {
	case "start":
		m.start(events.Read("onboard.monte-carlo.json"))
	case "approve", "cancel", "offboard":
		m.start(action(connection.Action(button)))
	case "stop":
		arn, _ := some(m.t, m.arns, "execution")
		_ = m.States.Stop(arn, "", "")
	case "redrive":
		if arn, _ := some(m.t, m.arns, "execution"); m.aborted(arn) {
			_, _ = m.States.Redrive(arn)
		}
	case "delete manually":
		if e, ok := some(m.t, m.World.Endpoints(), "endpoint"); ok {
			_ = m.World.DeleteByHand(e.ID)
		}
	case "fault":
		m.faults[m.calls+1+numbers.Draw(m.t, "call")] = kinds.Draw(m.t, "kind")
	case "lose", "restore":
		m.World.Configure(func(o *privatelink.Options) { o.LoseNotifications = button == "lose" })
	}
}

func (m *machine) aborted(arn string) bool {
	e, _ := m.States.Execution(arn)
	return e.Status == states.Aborted
}

// String is how the executions went, for the report of a schedule that failed.
func (m *machine) String() string {
	var b strings.Builder
	for _, e := range m.States.Executions() {
		fmt.Fprintf(&b, "%s %s, redriven %d times: %v\n%s: %s\n", e.Name, e.Status, e.Redrives, e.Path, e.Error, e.Cause)
	}
	return b.String()
}
