package dynamodb_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"postern/internal/connection"
	"postern/internal/local/clock"
	"postern/internal/local/dynamodb"
	"postern/internal/local/wire"
	"postern/internal/store"
)

// The store's own calls are what this DynamoDB is for: they must be taken, and mean here what its fake takes them to mean.
func TestStoreOverTheWire(t *testing.T) {
	t.Parallel()
	w := &world{clock: clock.New(start)}
	w.Service = dynamodb.New(w.clock, account, region)
	err := w.AddTable(dynamodb.Table{
		Name: "connections", Key: dynamodb.Key{Hash: dynamodb.Attribute{Name: "id", Kind: dynamodb.String}},
		Indexes: []dynamodb.Index{{
			Name: store.WaitingIndex, Projection: "INCLUDE",
			Include: []string{"waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration", "lastSeen",
				"ticket", "waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "reminderOf", "reminderPercent",
				"waitRole", "waitExternalId", "waitRegion"},
			Key: dynamodb.Key{
				Hash:  dynamodb.Attribute{Name: "waitGate", Kind: dynamodb.String},
				Range: &dynamodb.Attribute{Name: "waitSince", Kind: dynamodb.String},
			},
		}, {
			Name: store.LinkedIndex, Projection: "INCLUDE", Include: []string{"expects", "drift", "holder", "ticket"},
			Key: dynamodb.Key{
				Hash:  dynamodb.Attribute{Name: "linked", Kind: dynamodb.String},
				Range: &dynamodb.Attribute{Name: "id", Kind: dynamodb.String},
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	api := w.as(t, wire.AllowAll{})
	connections := store.New(api, "connections")
	const id, execution = "monte-carlo/prod", "arn:aws:states:us-east-1:111122223333:execution:m:1"
	wait := store.Wait{
		ConnectionID: id, Gate: connection.GateApproval, Execution: execution, Since: start, EndpointID: "vpce-0f1e2d3c4b5a69788",
		ServiceName: "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", ServiceRegion: region,
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(connections.Claim(ctx, id, connection.Turn{Execution: execution, EnteredAt: start}, start))
	must(connections.Register(ctx, wait, store.NewToken("secret")))
	if err := connections.Claim(ctx, id, connection.Turn{Execution: execution + "2", EnteredAt: start}, start); connection.NameOf(err) != connection.Conflict {
		t.Errorf("a claim by another: got %v", err)
	}
	first, err := connections.ClaimNotice(ctx, id, execution, connection.GateApproval, start)
	must(err)
	second, err := connections.ClaimNotice(ctx, id, execution, connection.GateApproval, start)
	must(err)
	if first == "" || second != "" {
		t.Errorf("first %q, second %q", first, second)
	}
	claimed, err := api.GetItem(ctx, &client.GetItemInput{TableName: aws.String("connections"), Key: map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "notice/" + id + "/" + execution},
	}})
	must(err)
	if _, number := claimed.Item["expires"].(*types.AttributeValueMemberN); !number {
		t.Errorf("expires is no number, and DynamoDB would never expire the claim: %v", claimed.Item)
	}
	waits, err := connections.Waiting(ctx)
	if err != nil || len(waits) != 1 || waits[0].EndpointID != wait.EndpointID || !waits[0].Since.Equal(start) {
		t.Errorf("got %+v, %v", waits, err)
	}
	found, token, ok, err := connections.Token(ctx, id)
	if err != nil || !ok || token.Reveal() != "secret" {
		t.Errorf("got %+v, %v, %v", found, ok, err)
	}
	must(connections.Settle(ctx, found, connection.ParseEndpointState("available")))
	if waits, err := connections.Waiting(ctx); err != nil || len(waits) != 0 {
		t.Errorf("after the wait: got %+v, %v", waits, err)
	}
	ledger := connection.Ledger{SchemaVersion: 1, At: start.Add(time.Hour), Endpoint: connection.Endpoint{ID: wait.EndpointID}}
	must(connections.Finish(ctx, store.Result{
		ConnectionID: id, Turn: connection.Turn{Execution: execution, EnteredAt: start.Add(time.Hour)}, Status: store.StatusOnboarded, EndpointID: wait.EndpointID,
		LastSeen: connection.ParseEndpointState("available"), Ledger: &ledger,
	}))
	if holder, err := connections.Holder(ctx, id); err != nil || holder != "" {
		t.Errorf("holder %q, %v", holder, err)
	}

	drift := connection.Drift{SchemaVersion: 1, Ledger: ledger.At, Findings: []connection.DriftFinding{}}
	must(connections.SaveDrift(ctx, id, drift))
	links, err := connections.Links(ctx)
	if err != nil || len(links) != 1 || links[0].Expects.EndpointID != wait.EndpointID || links[0].Drift.SchemaVersion != 1 {
		t.Errorf("links: got %+v, %v", links, err)
	}
	// The claim of a mail about an orphan is no connection.
	_, err = connections.ClaimOrphan(ctx, connection.OrphanNotice{ConnectionID: id, Kind: connection.OrphanUnknown, Digest: "1"})
	must(err)
	all, err := connections.All(ctx)
	if err != nil || len(all) != 1 || all[0].Status != store.StatusOnboarded || all[0].Drift == nil || all[0].Wait != nil {
		t.Errorf("all: got %+v, %v", all, err)
	}
	broken := map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "a/broken"}, "vendor": &types.AttributeValueMemberS{Value: "a"}, "linked": &types.AttributeValueMemberS{Value: "yes"},
		"expects": &types.AttributeValueMemberS{Value: "{"}, "status": &types.AttributeValueMemberS{Value: "onboarded"},
	}
	_, err = api.PutItem(ctx, &client.PutItemInput{TableName: aws.String("connections"), Item: broken})
	must(err)
	all, err = connections.All(ctx)
	faults := map[string]bool{}
	for _, o := range all {
		faults[o.ConnectionID] = o.Fault != nil
	}
	if err != nil || len(all) != 2 || !faults["a/broken"] || faults[id] {
		t.Errorf("all, with one that cannot be read: got %+v, %v", all, err)
	}
	_, err = api.DeleteItem(ctx, &client.DeleteItemInput{TableName: aws.String("connections"), Key: map[string]types.AttributeValue{"id": broken["id"]}})
	must(err)
	if link, known, err := connections.Link(ctx, id); err != nil || !known || link.Drift.SchemaVersion != 1 {
		t.Errorf("link: got %+v, %v, %v", link, known, err)
	}
	offboarding := connection.Turn{Execution: execution + "2", EnteredAt: start.Add(2 * time.Hour)}
	must(connections.Claim(ctx, id, offboarding, offboarding.EnteredAt))
	must(connections.Holds(ctx, id, offboarding))
	must(connections.Finish(ctx, store.Result{ConnectionID: id, Turn: connection.Turn{Execution: offboarding.Execution, EnteredAt: offboarding.EnteredAt}, Status: store.StatusOffboarded}))
	must(connections.Finish(ctx, store.Result{ConnectionID: id, Turn: connection.Turn{Execution: offboarding.Execution, EnteredAt: offboarding.EnteredAt}, Status: store.StatusOffboarded}))
	must(connections.SaveDrift(ctx, id, drift))
	if _, known, err := connections.Link(ctx, id); err != nil || known {
		t.Errorf("offboarded: %v, %v", known, err)
	}
	if links, err := connections.Links(ctx); err != nil || len(links) != 0 {
		t.Errorf("offboarded: got %+v, %v", links, err)
	}
}
