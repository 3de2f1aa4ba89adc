package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// turn is longer than the drift check takes to look at everything: within it, the check finds and repairs a change even without an
// event.
const turn = 27 * time.Hour

// mending is a manual change that breaks a connection, and the result of its repair.
type mending struct {
	cloud         *local.Cloud
	damage        people.Damage
	whole, broken []string // inventories
	endpoints     []string
	wrong         []string // a violation each
}

// newMending watches the executions of a cloud in which nothing has run yet.
func newMending(c *local.Cloud, damage string) (*mending, error) {
	d, err := people.ParseDamage(damage)
	m := &mending{cloud: c, damage: d}
	c.States.OnStatusChange(func(e states.Execution) {
		if now := c.Inventory(); e.Status == states.Failed && isRepair(e) && !slices.Equal(now, m.broken) {
			m.say("restored: the repair %s failed, and what it found is not as it was: %q", e.ARN, now)
		}
	})
	return m, err
}

// do does the damage, and waits until the connection is as it was and no drift of it is known.
func (m *mending) do() error {
	m.whole, m.endpoints = m.cloud.Inventory(), m.live()
	if len(m.endpoints) != 1 {
		return fmt.Errorf("%d endpoints before the damage", len(m.endpoints))
	}
	if err := m.damage.Do(m.cloud, m.endpoints[0]); err != nil {
		return err
	}
	if m.broken = m.cloud.Inventory(); slices.Equal(m.whole, m.broken) {
		return fmt.Errorf("%s changes nothing", m.damage.Name)
	}
	for begun := m.cloud.Clock.Now(); m.cloud.Clock.Now().Sub(begun) < turn && !m.mended(); {
		if err := m.cloud.Advance(time.Hour); err != nil {
			return err
		}
	}
	return nil
}

func (m *mending) mended() bool {
	return slices.Equal(m.cloud.Inventory(), m.whole) && len(m.findings()) == 0
}

// end returns the last state of the first repair, and what was wrong: something is still broken, another endpoint, two repairs at
// once.
func (m *mending) end() (string, []string) {
	if now, open := m.cloud.Inventory(), m.findings(); !m.mended() {
		m.say("repaired: after %s findings %v are open, the account was %q and is %q", turn, open, m.whole, now)
	}
	if now := m.live(); !slices.Equal(now, m.endpoints) {
		m.say("one of each: endpoints %q became %q", m.endpoints, now)
	}
	repairs := slices.DeleteFunc(m.cloud.States.Executions(), func(e states.Execution) bool { return !isRepair(e) })
	for i := 1; i < len(repairs); i++ {
		if before := repairs[i-1]; before.StoppedAt.IsZero() || repairs[i].StartedAt.Before(before.StoppedAt) {
			m.say("one of each: the repairs %s and %s ran at once", before.ARN, repairs[i].ARN)
		}
	}
	if len(repairs) == 0 || len(repairs[0].Path) == 0 {
		return "no state", m.wrong
	}
	return repairs[0].Path[len(repairs[0].Path)-1], m.wrong
}

func (m *mending) say(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

func (m *mending) live() []string {
	var ids []string
	for _, e := range m.cloud.World.Endpoints() {
		if e.State != privatelink.Deleted {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// findings are the checks of every connection that are not ok.
func (m *mending) findings() []connection.DriftCheck {
	var open []connection.DriftCheck
	for _, table := range template.All[template.Table](m.cloud.Stack) {
		for _, item := range m.cloud.Tables.Items(table.Ref) {
			var drift connection.Drift
			if json.Unmarshal([]byte(item["drift"].Text), &drift) != nil {
				continue // not of a connection that was looked at
			}
			for _, finding := range drift.Findings {
				open = append(open, finding.Check)
			}
		}
	}
	return open
}

func isRepair(e states.Execution) bool {
	var request connection.Request
	return json.Unmarshal(e.Input, &request) == nil && request.Action == connection.ActionRepair
}
