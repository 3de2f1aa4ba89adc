package proof_test

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
	"postern/internal/proof/conformance"
	"postern/internal/store"
)

// The simulated DynamoDB accepts every call of the store, and each has the meaning that the store's fake gives it.
func TestStoreOverTheWire(t *testing.T) {
	t.Parallel()
	const region = "us-east-1"
	ctx, start := t.Context(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	now := clock.New(start)
	tables := dynamodb.New(now, "111122223333", region)
	err := tables.AddTable(dynamodb.Table{
		Name: "connections", Key: dynamodb.Key{Hash: dynamodb.Attribute{Name: "id", Kind: dynamodb.String}},
		Indexes: []dynamodb.Index{{
			Name: store.WaitingIndex, Projection: "INCLUDE",
			Include: []string{"waitExecution", "waitEndpoint", "waitService", "waitServiceRegion", "waitRegistration", "lastSeen",
				"ticket", "waitAsked", "waitHours", "waitCalendar", "waitTo", "waitSubject", "reminderOf", "reminderPercent",
				"waitRole", "waitExternalId", "waitRegion", "waitHeartbeat", "waitBeat"},
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
	server := wire.NewServer(wire.Config{AccountID: "111122223333", Region: region, Now: now.Now, Authorizer: wire.AllowAll{}}, tables)
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	conformance.Watch(t, server)
	api := client.NewFromConfig(server.AWS("AKIA"))
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
	must(connections.Claim(ctx, id, connection.Turn{Execution: execution, EnteredAt: start}, "", start))
	must(connections.Register(ctx, wait, store.NewToken("secret")))
	if err := connections.Claim(ctx, id, connection.Turn{Execution: execution + "2", EnteredAt: start}, "", start); connection.NameOf(err) != connection.Conflict {
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
	if link, known, err := connections.Link(ctx, id); err != nil || !known || link.Drift.SchemaVersion != 1 {
		t.Errorf("link: got %+v, %v, %v", link, known, err)
	}
	offboarding := connection.Turn{Execution: execution + "2", EnteredAt: start.Add(2 * time.Hour)}
	must(connections.Claim(ctx, id, offboarding, "", offboarding.EnteredAt))
	must(connections.Holds(ctx, id, offboarding))
	for range 2 {
		must(connections.Finish(ctx, store.Result{ConnectionID: id, Turn: offboarding, Status: store.StatusOffboarded}))
	}
	must(connections.SaveDrift(ctx, id, drift))
	if _, known, err := connections.Link(ctx, id); err != nil || known {
		t.Errorf("offboarded: %v, %v", known, err)
	}
	if links, err := connections.Links(ctx); err != nil || len(links) != 0 {
		t.Errorf("offboarded: got %+v, %v", links, err)
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
}
