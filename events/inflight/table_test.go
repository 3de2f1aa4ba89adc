package inflight

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/store"
	"postern/internal/store/storetest"
)

// tableOf is a table that holds one recorded item.
func tableOf(t *testing.T, item map[string]string) *storetest.Table {
	t.Helper()
	table := &storetest.Table{}
	var set []string
	values := map[string]types.AttributeValue{}
	for name, value := range item {
		if name != "id" {
			set = append(set, strings.ReplaceAll(name, "status", "#status")+" = :"+name)
			values[":"+name] = &types.AttributeValueMemberS{Value: value}
		}
	}
	_, err := table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		Key:              map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: item["id"]}},
		UpdateExpression: aws.String("SET " + strings.Join(set, ", ")), ExpressionAttributeValues: values,
		ExpressionAttributeNames: map[string]string{"#status": "status"},
	})
	must(t, err)
	return table
}

// Every recorded item is read by today's store with all it says: what is read of a wait, and registered again, gives the same
// attributes; who holds the connection, how it ended and its ledger are there.
func TestItemsAreRead(t *testing.T) {
	t.Parallel()
	for name, r := range readRecordings(t) {
		for key, item := range r.Items {
			s := store.New(tableOf(t, item), "table")
			record, err := s.Record(t.Context(), item["id"])
			must(t, err)
			want := store.Record{
				Holder: item["holder"], Ticket: item["ticket"], EndpointID: item["endpointId"], Status: store.Status(item["status"]),
				Taken: item["holder"] != "" || item["endpointId"] != "",
			}
			if diff := cmp.Diff(want, record); diff != "" {
				t.Errorf("%s: %s: (-recorded +read)\n%s", name, key, diff)
			}
			known := item["ledger"] != "" && store.Status(item["status"]) != store.StatusOffboarded // then it is history
			if ledger, err := s.Ledger(t.Context(), item["id"]); err != nil || (ledger != nil) != known {
				t.Errorf("%s: %s: ledger %v, %v", name, key, ledger, err)
			}
			checkWait(t, name+": "+key, s, item)
		}
	}
}

func checkWait(t *testing.T, what string, s *store.Store, item map[string]string) {
	t.Helper()
	wait, waits, err := s.WaitOf(t.Context(), item["id"])
	must(t, err)
	if recorded := item["waitGate"] != ""; waits != recorded {
		t.Errorf("%s: waits %v, want %v", what, waits, recorded)
	}
	if !waits {
		return
	}
	anew := &storetest.Table{}
	must(t, store.New(anew, "table").Register(t.Context(), wait, store.NewToken("[redacted]")))
	written := anew.Get(item["id"])
	for name, value := range item {
		// A registration is a digest of the token, and a new token has had no heartbeat.
		if !strings.HasPrefix(name, "wait") || name == "waitRegistration" || name == "waitBeat" {
			continue
		}
		if written[name] != value && !sameTime(written[name], value) {
			t.Errorf("%s: %s is %q, was %q", what, name, written[name], value)
		}
	}
}

func sameTime(a, b string) bool {
	first, errA := time.Parse(time.RFC3339Nano, a)
	second, errB := time.Parse(time.RFC3339Nano, b)
	return errA == nil && errB == nil && first.Equal(second)
}
