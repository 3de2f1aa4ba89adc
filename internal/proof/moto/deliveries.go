package moto

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"postern/internal/local/cloudtrail"
	"postern/internal/local/events"
	embeddedsns "postern/internal/local/sns"
	"postern/internal/local/wire"
)

// loadRules copies the rules that moto deployed into the EventBridge of the gateway: moto's own delivers to no function.
func (g *Gateway) loadRules() error {
	ctx := context.Background()
	client := eventbridge.NewFromConfig(Client(g.moto))
	buses, err := client.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	if err != nil {
		return fmt.Errorf("reading the event buses: %w", err)
	}
	for _, bus := range buses.EventBuses {
		if name := aws.ToString(bus.Name); name != events.DefaultBus {
			if err := g.events.AddBus(name); err != nil {
				return err
			}
		}
		if err := g.loadRulesOf(ctx, client, bus.Name); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) loadRulesOf(ctx context.Context, client *eventbridge.Client, bus *string) error {
	listed, err := client.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: bus})
	if err != nil {
		return fmt.Errorf("reading the rules of the bus %s: %w", aws.ToString(bus), err)
	}
	for _, r := range listed.Rules {
		rule := events.Rule{Name: *r.Name, Schedule: aws.ToString(r.ScheduleExpression), State: string(r.State)}
		if r.EventPattern != nil {
			rule.Pattern = json.RawMessage(*r.EventPattern)
		}
		targets, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: r.Name, EventBusName: bus})
		if err != nil {
			return fmt.Errorf("reading the targets of %s: %w", rule.Name, err)
		}
		for _, t := range targets.Targets {
			rule.Targets = append(rule.Targets, events.Target{ID: *t.Id, ARN: *t.Arn, RoleARN: aws.ToString(t.RoleArn)})
		}
		if err := g.events.AddRule(rule); err != nil {
			return err
		}
		if rule.Schedule != "" {
			g.hurry(rule, *r.Arn)
		}
	}
	return nil
}

// hurried is how often a scheduled rule runs here, in addition to its own schedule, which is too slow for a test.
const hurried = 3 * time.Second

func (g *Gateway) hurry(rule events.Rule, arn string) {
	g.Clock.After(hurried, rule.Name+" in a hurry", func() {
		for _, t := range rule.Targets {
			event := events.Event{
				ID: wire.UUID(rule.Name + g.Clock.Now().String()), DetailType: "Scheduled Event", Source: "aws.events",
				Account: g.World.AccountID(), Time: g.Clock.Now(), Region: Region, Resources: []string{arn}, Detail: json.RawMessage("{}"),
			}
			g.runAsync(t.ARN, event.JSON())
		}
		g.hurry(rule, arn)
	})
}

// deliverEvent hands an event to a rule's target.
func (g *Gateway) deliverEvent(d events.Delivery) error {
	if !strings.Contains(d.Target.ARN, ":lambda:") {
		g.fault("rule %s has a target that is not served here: %s", d.RuleName, d.Target.ARN)
		return events.Refused("RESOURCE_NOT_FOUND", "not served")
	}
	g.runAsync(d.Target.ARN, d.Payload)
	return nil
}

// record puts what CloudTrail tells of a change of endpoints on the default bus.
func (g *Gateway) record(eventName string, endpointIDs []string, principal string) {
	change := cloudtrail.Change{
		Name: eventName, EndpointIDs: endpointIDs, Principal: principal,
		Account: g.World.AccountID(), Region: Region, At: g.Clock.Now(),
	}
	event, err := change.Event()
	if err == nil {
		err = g.events.Emit(event)
	}
	if err != nil {
		g.fault("recording %s: %v", eventName, err)
	}
}

// notify publishes an endpoint's connection notification, on moto's topic.
func (g *Gateway) notify(topicARN string, message []byte) {
	_, err := sns.NewFromConfig(Client(g.URL())).Publish(context.Background(),
		&sns.PublishInput{TopicArn: &topicARN, Message: aws.String(string(message))})
	if err != nil {
		g.fault("connection notification to %s: %v", topicARN, err)
	}
}

// OnMail sets who reads the mail of the operators. It runs on the clock.
func (g *Gateway) OnMail(f func(topicARN, body string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onMail = f
}

// published delivers a message that moto took to the topic's subscriptions.
func (g *Gateway) published(body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") != "Publish" {
		return
	}
	g.mu.Lock()
	mail, subscriptions := g.onMail, g.subscriptions
	g.mu.Unlock()
	message := embeddedsns.Notification{
		ID: "00000000-0000-4000-a000-000000000000", TopicARN: form.Get("TopicArn"), Subject: form.Get("Subject"),
		Message: form.Get("Message"), Time: g.Clock.Now(),
	}
	for _, s := range subscriptions {
		switch {
		case s.TopicARN != message.TopicARN:
		case s.Protocol == "lambda":
			event := message.LambdaEvent(embeddedsns.Subscription{TopicARN: s.TopicARN, Protocol: s.Protocol, Endpoint: s.Endpoint})
			g.Clock.After(0, "message to "+s.Endpoint, func() { g.runAsync(s.Endpoint, event) })
		case s.Protocol == "email" && mail != nil:
			g.Clock.After(0, "mail to "+s.Endpoint, func() { mail(s.TopicARN, message.Message) })
		}
	}
}
