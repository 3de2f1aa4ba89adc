package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/store"
)

// Resumer ends waits. It alone reads task tokens and may send them.
type Resumer struct {
	tokens Tokens
	tasks  Tasks
	log    *slog.Logger
}

// NewResumer returns a resumer.
func NewResumer(tokens Tokens, tasks Tasks, log *slog.Logger) *Resumer {
	return &Resumer{tokens: tokens, tasks: tasks, log: log}
}

// Action is what an observation means for a wait.
type Action string

// The actions.
const (
	ActionNone      Action = ""          // the observation is not about this wait
	ActionSucceed   Action = "succeed"   // the gate is passed
	ActionFail      Action = "fail"      // the gate will never be passed
	ActionCancel    Action = "cancel"    // an operator gave the connection up
	ActionHeartbeat Action = "heartbeat" // the wait goes on, and is watched
)

// Resumed is what one invocation did. Late is set when the task had ended already: a duplicate, or a timeout that came first.
type Resumed struct {
	Action Action `json:"action"`
	Late   bool   `json:"late,omitempty"`
}

// observed is an EventBridge event, as far as it matters here.
type observed struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Detail     json.RawMessage `json:"detail"`
}

// Resume handles one observation. Observations that are late, repeated or about something else are no-ops; an error means that
// the token could not be read or sent, and that the event should come again.
func (r *Resumer) Resume(ctx context.Context, e observed) (Resumed, error) {
	o, err := decodeObservation(e)
	if err != nil {
		return Resumed{}, err
	}
	log := r.log.With("detailType", e.DetailType, "connection", o.ConnectionID, "gate", o.Gate,
		"endpoint", o.EndpointID, "state", o.State, "woken", o.ObservedBy)
	if o.ConnectionID == "" {
		log.InfoContext(ctx, "not an observation", "source", e.Source)
		return Resumed{}, nil
	}
	wait, token, found, err := r.tokens.Token(ctx, o.ConnectionID)
	if err != nil {
		return Resumed{}, err
	}
	if !found {
		log.InfoContext(ctx, "nothing waits")
		return Resumed{}, nil
	}
	action := decide(e.DetailType, o, wait)
	if action == ActionNone {
		log.InfoContext(ctx, "not what is waited for", "waitGate", wait.Gate, "waitEndpoint", wait.EndpointID)
		return Resumed{}, nil
	}
	late, err := r.send(ctx, action, o, wait, token)
	if err != nil {
		return Resumed{}, fmt.Errorf("sending %s for %s: %w", action, o.ConnectionID, token.Scrub(err))
	}
	log.InfoContext(ctx, "task token sent", "action", action, "late", late, "execution", wait.Execution)
	return Resumed{Action: action, Late: late}, r.settle(ctx, action, late, o, wait)
}

// decodeObservation reads an event; what is not an observation of ours has no connection id. Fields it does not know are let
// pass: observe may be newer than this function.
func decodeObservation(e observed) (connection.Observation, error) {
	var o connection.Observation
	switch e.DetailType {
	case connection.EventEndpointState, connection.EventServiceVisible, connection.EventGateStillClosed,
		connection.EventAcknowledged, connection.EventCancelled:
	default:
		return o, nil
	}
	if e.Source != connection.EventSource {
		return o, nil
	}
	if err := json.Unmarshal(e.Detail, &o); err != nil {
		return o, connection.Errorf(connection.Internal, "reading the detail of %q: %w", e.DetailType, err)
	}
	if o.ConnectionID == "" {
		return o, connection.Errorf(connection.Internal, "the detail of %q has no connection id", e.DetailType)
	}
	if o.State != "" {
		o.State = connection.ParseEndpointState(string(o.State))
	}
	return o, nil
}

// decide returns what an observation means for what the connection waits for now.
//
// A failure that was seen before this wait began says nothing about it: an event can come again days later, from a dead-letter
// queue for one. Whatever is still true, await-gate has seen after it stored the token. An acceptance needs no such care: AWS has
// no way back from it to pendingAcceptance.
func decide(detailType string, o connection.Observation, wait store.Wait) Action {
	if o.Gate != wait.Gate || o.EndpointID != wait.EndpointID {
		return ActionNone
	}
	switch detailType {
	case connection.EventServiceVisible:
		if wait.Gate == connection.GateAllowlist && o.ServiceName == wait.ServiceName {
			return ActionSucceed
		}
	case connection.EventAcknowledged:
		if wait.Gate == connection.GateAllowlist && meant(o, wait) {
			return ActionSucceed
		}
	case connection.EventCancelled:
		if meant(o, wait) {
			return ActionCancel
		}
	case connection.EventGateStillClosed:
		return ActionHeartbeat
	case connection.EventEndpointState:
		if wait.Gate == connection.GateApproval {
			return decideState(o, wait)
		}
	}
	return ActionNone
}

// decideState returns what an endpoint's state means for a wait for its acceptance.
func decideState(o connection.Observation, wait store.Wait) Action {
	switch {
	case o.State.Accepted():
		return ActionSucceed
	case o.State.Waiting():
		return ActionHeartbeat
	case o.State.Failure() != "" && (o.ObservedAt.IsZero() || !o.ObservedAt.Before(wait.Since)):
		return ActionFail
	}
	return ActionNone
}

// meant reports whether an operator's word is about this very wait: another execution's, and an earlier one of the same gate, it does
// not concern.
func meant(o connection.Observation, wait store.Wait) bool {
	return o.Execution == wait.Execution && !o.ObservedAt.Before(wait.Since)
}

// send sends the token, and reports whether it was too late.
//
// AWS answers TaskTimedOut for a task that ended, whether by its timeout or by an earlier call of ours, TaskDoesNotExist and
// InvalidToken for one whose execution is gone. All three mean that no execution waits with this token.
func (r *Resumer) send(
	ctx context.Context, action Action, o connection.Observation, wait store.Wait, token store.Token,
) (late bool, err error) {
	switch action {
	case ActionSucceed:
		var output []byte
		output, err = json.Marshal(connection.GateResult{
			ObservedAt: o.ObservedAt, ObservedBy: o.ObservedBy, State: o.State, AskedAt: wait.Asked, Inputs: o.Inputs, By: o.By,
		})
		if err == nil {
			_, err = r.tasks.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{
				TaskToken: aws.String(token.Reveal()), Output: aws.String(string(output)),
			})
		}
	case ActionFail:
		_, err = r.tasks.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
			TaskToken: aws.String(token.Reveal()), Error: aws.String(o.State.Failure()), Cause: aws.String(cause(o, wait)),
		})
	case ActionCancel:
		_, err = r.tasks.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{
			TaskToken: aws.String(token.Reveal()), Error: aws.String(connection.Cancelled), Cause: aws.String(cancellation(o, wait)),
		})
	default:
		_, err = r.tasks.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String(token.Reveal())})
	}
	if awserr.Is(err, "TaskTimedOut", "TaskDoesNotExist", "InvalidToken") {
		return true, nil
	}
	return false, err
}

// settle writes down what was sent: it clears a wait that has ended, and notes a heartbeat, so that the sweep asks for the next one
// only when it is due. The allow-listing wait is left to be replaced by the approval's, seconds later: one write less, and its used
// token answers TaskTimedOut.
func (r *Resumer) settle(ctx context.Context, action Action, late bool, o connection.Observation, wait store.Wait) error {
	switch {
	case late, wait.Gate == connection.GateApproval && action != ActionHeartbeat:
		return r.tokens.Settle(ctx, wait, o.State)
	case action == ActionHeartbeat:
		return r.tokens.Beat(ctx, wait, o.ObservedAt, o.State)
	default:
		return nil
	}
}
