package ticket

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"postern/internal/connection"
)

// statusChange is the detail of "Step Functions Execution Status Change".
//
// AWS: input and output are JSON as text, and absent when both together exceed 248 KB; inputDetails and outputDetails say so.
type statusChange struct {
	ExecutionARN string  `json:"executionArn"`
	Status       string  `json:"status"`
	Input        *string `json:"input"`
	Output       *string `json:"output"`
	Error        string  `json:"error"`
	Cause        string  `json:"cause"`
	RedriveCount int     `json:"redriveCount"`
}

// execution tells that an execution began or ended. One without a readable request, or whose request names no ticket, has no
// ticket to notify.
func execution(change statusChange) (*news, error) {
	var state connection.State
	if change.Output != nil {
		if err := json.Unmarshal([]byte(*change.Output), &state); err != nil {
			return nil, fmt.Errorf("reading the output of %s: %w", change.ExecutionARN, err)
		}
	}
	asked := request(change, state)
	if asked.Ticket == nil {
		return nil, nil
	}
	c, told := ending(change, asked, state)
	if !told {
		return nil, nil
	}
	if link := connection.ConsoleLink(change.ExecutionARN); link != "" {
		c.Blocks = append(c.Blocks, Block{Text: "Execution, for operators", Link: link})
	}
	return &news{connectionID: asked.ConnectionID(), ticket: asked.Ticket, comment: c,
		scope: []string{change.ExecutionARN, strconv.Itoa(change.RedriveCount)}}, nil
}

// request is what was asked for, as far as it can be known: an input that is no request ends in Plan, and may still name its ticket.
func request(change statusChange, state connection.State) connection.Request {
	var asked connection.Request
	if change.Input != nil {
		_ = json.Unmarshal([]byte(*change.Input), &asked) // what cannot be read stays empty
	}
	if plan := state.Plan; plan != nil {
		vendor, name, _ := strings.Cut(plan.ConnectionID, "/")
		asked.Vendor, asked.Name = vendor, name
		if plan.Ticket != nil {
			asked.Ticket = plan.Ticket
		}
	}
	return asked
}

func ending(change statusChange, asked connection.Request, state connection.State) (Comment, bool) {
	of := Block{Items: facts{"Connection: " + asked.ConnectionID()}}
	switch change.Status {
	case "RUNNING":
		if change.RedriveCount > 0 || asked.Action == connection.ActionApprove || asked.Action == connection.ActionCancel {
			return Comment{}, false
		}
		next := "Next: the request is checked and a plan is made. What happens is told here."
		switch asked.Action {
		case connection.ActionPlan:
			next = "Next: the request is checked and a plan is told here. Nothing is made."
		case connection.ActionDiagnose:
			next = "Next: the connection is looked at. What is found is told here; nothing is changed."
		case connection.ActionOffboard:
			next = "Next: what is ours of the connection is removed. What happens is told here."
		}
		return Comment{State: stateAccepted, Head: "Accepted", Blocks: []Block{of, {Text: next}}}, true
	case "SUCCEEDED":
		return succeeded(of, change, state), true
	case "FAILED":
		return failed(of, change, asked.Action), true
	case "TIMED_OUT":
		return stopped(of, "Failed: the onboarding took too long and was ended"), true
	case "ABORTED":
		return stopped(of, "Failed: an operator stopped the onboarding manually"), true
	}
	return Comment{}, false
}

func succeeded(of Block, change statusChange, state connection.State) Comment {
	plan := state.Plan
	switch {
	case plan == nil:
		text := "The execution has the result."
		if change.Output == nil {
			text = "The result is too large to be told here; the execution has it."
		}
		return Comment{State: stateFinished, Head: "Finished", Blocks: []Block{of, {Text: text}}}
	case plan.Decision == connection.DecisionPlanned:
		return Comment{State: statePlanned, Head: "The request can work; nothing was made",
			Blocks: append([]Block{of}, planned(plan.Creates, plan.Findings, plan.Cost)...)}
	case plan.Decision == connection.DecisionApprove:
		return Comment{State: statePassedOn, Head: "The vendor's confirmation was passed on", Blocks: []Block{of}}
	case plan.Decision == connection.DecisionCancel:
		return Comment{State: statePassedOn, Head: "The wish to cancel was passed on", Blocks: []Block{of}}
	case plan.Decision == connection.DecisionOffboard:
		return offboarded(of, state)
	case plan.Decision == connection.DecisionDiagnose:
		return diagnosed(of, state)
	}
	c := Comment{State: stateOnboarded, Head: "Connected", Blocks: []Block{{Items: append(of.Items, made(state)...)}}}
	if state.Config != nil {
		var paths []string
		for _, p := range state.Config.Parameters {
			paths = append(paths, p.Name)
		}
		c.Blocks = append(c.Blocks, Block{Title: "Published for the agents, in SSM", Items: paths})
	}
	var warnings []string
	for _, finding := range plan.Findings {
		if finding.Severity == connection.SeverityWarning {
			warnings = append(warnings, finding.Message)
		}
	}
	if len(warnings) > 0 {
		c.Blocks = append(c.Blocks, Block{Title: "Mind", Items: warnings})
	}
	if len(plan.ClientActions) > 0 {
		c.Blocks = append(c.Blocks, Block{Title: "Left to do", Items: plan.ClientActions})
	}
	c.Blocks = append(c.Blocks, costs(plan.Cost)...)
	return c
}

func diagnosed(of Block, state connection.State) Comment {
	c := Comment{State: stateDiagnosed, Head: "Diagnosed", Blocks: []Block{of}}
	if d := state.Diagnosis; d != nil {
		c.Blocks = append(c.Blocks, Block{Text: d.Sentence}, Block{Text: "Next: " + d.Next})
	}
	return c
}

func offboarded(of Block, state connection.State) Comment {
	c := Comment{State: stateOffboarded, Head: "Removed", Blocks: []Block{of}}
	if state.Removal != nil {
		for _, b := range []Block{{Title: "Removed", Items: state.Removal.Removed}, {Title: "Kept", Items: state.Removal.Kept}} {
			if len(b.Items) > 0 {
				c.Blocks = append(c.Blocks, b)
			}
		}
		if notice := state.Removal.Notice; notice != nil {
			c.Blocks = append(c.Blocks, Block{Title: "To tell the vendor", Quote: "Subject: " + notice.Subject + "\n\n" + notice.Body})
		}
	}
	return c
}

// made are the facts of a connection. Verified is what a probe saw, never what was only set up.
func made(state connection.State) facts {
	var f facts
	if state.Endpoint != nil {
		f.add("Endpoint", state.Endpoint.ID)
	}
	if state.DNS != nil {
		f.add("Name", state.DNS.Hostname)
	}
	if proof := state.Verification; proof != nil && proof.Verdict == connection.Pass {
		text := fmt.Sprintf("from inside the VPC, %d checks", len(proof.Checks))
		if len(proof.Addresses) > 0 {
			text += "; " + proof.Host + " is " + strings.Join(proof.Addresses, ", ")
		}
		f.add("Verified", text)
	} else {
		f.add("Verified", "no")
	}
	return f
}

// failed tells the cause, which says what was undone and what to do next.
func failed(of Block, change statusChange, action connection.Action) Comment {
	name := change.Error
	if name == "" {
		name = "no reason given"
	}
	c := Comment{State: stateFailed, Head: "Failed: " + name, Blocks: []Block{of}}
	switch {
	case action == connection.ActionApprove || action == connection.ActionCancel: // the onboarding itself goes on
		c.State, c.Head = stateNotPassedOn, "Not passed on: "+name
	case name == connection.Cancelled:
		c.State, c.Head = stateCancelled, "Cancelled"
	}
	if change.Cause != "" {
		c.Blocks = append(c.Blocks, Block{Title: "Cause", Quote: change.Cause})
	} else {
		c.Blocks = append(c.Blocks, Block{Text: "Next: the execution has the cause; ask the operators."})
	}
	return c
}

func stopped(of Block, head string) Comment {
	return Comment{State: stateFailed, Head: head, Blocks: []Block{of,
		{Text: "Nothing was undone. Next: ask the operators, who have been told, to decide what becomes of what was made."}}}
}
