package moto_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"postern/internal/connection"
	"postern/internal/demo/world"
	"postern/internal/local"
	embedded "postern/internal/local/route53"
	"postern/internal/local/template"
	"postern/internal/proof/moto"
)

// witness compares one onboarding in moto with the same in the embedded cloud.
type witness struct {
	cdk     moto.CDK
	gateway *moto.Gateway
	moto    string       // URL
	machine string       // ARN of the state machine in moto
	table   string       // its name in moto
	zones   int          // private zones in moto before the onboarding
	cloud   *local.Cloud // the embedded one, after its onboarding
}

// named is what differs from world to world: an endpoint's id and the names made of it.
var named = regexp.MustCompile(`vpce-[0-9a-f]+(-[0-9a-z]+)?`)

func masked(text string) string { return named.ReplaceAllString(text, "vpce-x") }

// checkPublished checks that the same parameters hold the same values.
func (w *witness) checkPublished(ctx context.Context, t *testing.T, state connection.State) {
	t.Helper()
	want, got := map[string]string{}, map[string]string{}
	for _, name := range w.cloud.Parameters.Names() {
		version, _ := w.cloud.Parameters.Get(name)
		want[name] = version.Value
	}
	prefix := "/postern/" + state.Plan.ConnectionID
	pages := ssm.NewGetParametersByPathPaginator(ssm.NewFromConfig(moto.Client(w.moto)), &ssm.GetParametersByPathInput{
		Path: &prefix, Recursive: aws.Bool(true), WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parameters {
			got[*p.Name] = *p.Value
		}
	}
	for name := range want { // what names this run's endpoint differs from world to world
		want[name], got[name] = masked(want[name]), masked(got[name])
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("parameters (-embedded +moto):\n%s", diff)
	}
	t.Logf("published in moto: %v", slices.Sorted(maps.Keys(got)))
}

// checkZones checks that moto holds the private zones and records that the embedded cloud holds, and not one more.
func (w *witness) checkZones(t *testing.T) {
	t.Helper()
	shown := func(zones []embedded.Zone) []string {
		var lines []string
		for _, zone := range zones {
			for _, record := range zone.Records {
				target := strings.Join(record.Values, " ")
				switch {
				case record.Type == "NS" || record.Type == "SOA":
					continue
				case record.Alias != nil:
					target = "alias of " + strings.TrimSuffix(record.Alias.DNSName, ".")
				}
				lines = append(lines, masked(fmt.Sprintf("%s: %s %s %s", zone.Name, record.Name, record.Type, target)))
			}
		}
		slices.Sort(lines)
		return lines
	}
	want, got := shown(w.cloud.Zones.View(world.VPC)), shown(w.gateway.Zones(world.VPC)[w.zones:])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records of private zones (-embedded +moto):\n%s", diff)
	}
	t.Logf("records in moto: %q", got)
}

// checkItem checks that the connection's item has the attributes and the status that the embedded cloud's has.
func (w *witness) checkItem(ctx context.Context, t *testing.T, state connection.State) {
	t.Helper()
	answer, err := dynamodb.NewFromConfig(moto.Client(w.moto)).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &w.table, Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: state.Plan.ConnectionID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := answer.Item["status"].(*types.AttributeValueMemberS)
	if status == nil || status.Value != "onboarded" {
		t.Errorf("the item in moto: %v", slices.Sorted(maps.Keys(answer.Item)))
	}
	items := w.cloud.Tables.Items(template.All[template.Table](w.cloud.Stack)[0].Ref)
	for _, item := range items {
		if item["id"].Text != state.Plan.ConnectionID {
			continue
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(item)), slices.Sorted(maps.Keys(answer.Item))); diff != "" {
			t.Errorf("attributes of the item (-embedded +moto):\n%s", diff)
		}
		return
	}
	t.Errorf("the embedded cloud has no item %s", state.Plan.ConnectionID)
}

// checkTokens checks that no task token is anywhere but where AWS shows it: in the parameters of the task that got it.
func checkTokens(t *testing.T, gateway *moto.Gateway, run moto.Execution) {
	t.Helper()
	tokens := run.Tokens()
	if len(tokens) == 0 {
		t.Error("the history shows no task token where AWS shows it: the check is wrong")
	}
	places := map[string]string{"output": string(run.Output), "cause": run.Cause}
	for _, event := range run.Events {
		if event.TaskScheduledEventDetails != nil {
			event.TaskScheduledEventDetails.Parameters = nil
		}
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		places[fmt.Sprintf("event %d, %s", event.Id, event.Type)] = string(text)
	}
	for name, text := range gateway.Logs() {
		places["log of "+name] = text
	}
	for place, text := range places {
		for _, token := range tokens {
			if strings.Contains(text, token) {
				t.Errorf("%s holds a task token", place)
			}
		}
	}
}
