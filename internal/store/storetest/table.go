// Package storetest is a DynamoDB table in memory for tests of what uses the store: one partition key, the sparse index,
// conditions and update expressions as the store writes them. What it does not know is an error.
package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is an item: every attribute of the store is a string.
type Item map[string]string

// Table implements store.API. Fault, when set, is asked before and after each call takes effect; an error is returned instead of
// the answer, so one before loses the request and one after loses the answer.
type Table struct {
	Fault func(operation string, after bool) error
	// PageSize is how many items a Scan returns at once; 0 means all.
	PageSize int

	mu    sync.Mutex
	items map[string]Item
	calls []string
}

// Get returns a copy of an item, nil when there is none.
func (t *Table) Get(id string) Item {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.items[id])
}

// Drop removes an attribute of an item, as if a release that did not know it had written the item.
func (t *Table) Drop(id, attribute string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.items[id], attribute)
}

// Calls returns the operations so far, in order.
func (t *Table) Calls() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

func (t *Table) fault(operation string, after bool) error {
	if t.Fault == nil {
		return nil
	}
	return t.Fault(operation, after)
}

// GetItem returns the projected attributes.
func (t *Table) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (
	*dynamodb.GetItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, "GetItem")
	if err := t.fault("GetItem", false); err != nil {
		return nil, err
	}
	if !aws.ToBool(in.ConsistentRead) {
		return nil, fmt.Errorf("storetest: a read that may be stale")
	}
	projection := aws.ToString(in.ProjectionExpression)
	for alias, name := range in.ExpressionAttributeNames {
		projection = strings.ReplaceAll(projection, alias, name)
	}
	item := project(t.items[value(in.Key["id"])], projection)
	return &dynamodb.GetItemOutput{Item: item}, t.fault("GetItem", true)
}

// Query is not faked: the reader of the onboarded connections is tested over the embedded DynamoDB.
func (t *Table) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, fmt.Errorf("storetest: no Query")
}

// Scan returns the waits, without what the index does not carry.
func (t *Table) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, "Scan")
	if err := t.fault("Scan", false); err != nil {
		return nil, err
	}
	if aws.ToString(in.IndexName) != "waiting" {
		return nil, fmt.Errorf("storetest: no such scan: of %q", aws.ToString(in.IndexName))
	}
	if strings.Contains(aws.ToString(in.ProjectionExpression), "waitToken") ||
		strings.Contains(aws.ToString(in.ProjectionExpression), "waitRegistration") {
		return nil, fmt.Errorf("storetest: the index does not carry what is asked for: %s", aws.ToString(in.ProjectionExpression))
	}
	var found []Item
	for _, item := range t.items {
		if item["waitGate"] != "" && item["waitSince"] != "" {
			found = append(found, item)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i]["id"] < found[j]["id"] }) // AWS promises no order
	if start := value(in.ExclusiveStartKey["id"]); start != "" {
		found = found[slices.IndexFunc(found, func(i Item) bool { return i["id"] == start })+1:]
	}
	out := &dynamodb.ScanOutput{}
	if t.PageSize > 0 && len(found) > t.PageSize {
		found = found[:t.PageSize]
		out.LastEvaluatedKey = map[string]types.AttributeValue{"id": text(found[t.PageSize-1]["id"])}
	}
	for _, item := range found {
		out.Items = append(out.Items, project(item, aws.ToString(in.ProjectionExpression)))
	}
	return out, t.fault("Scan", true)
}

// UpdateItem makes a change when its condition holds.
func (t *Table) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (
	*dynamodb.UpdateItemOutput, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, "UpdateItem")
	if err := t.fault("UpdateItem", false); err != nil {
		return nil, err
	}
	id := value(in.Key["id"])
	e := expression{item: t.items[id], names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues}
	held, err := e.condition(aws.ToString(in.ConditionExpression))
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	}
	item, err := e.update(aws.ToString(in.UpdateExpression))
	if err != nil {
		return nil, err
	}
	item["id"] = id
	if t.items == nil {
		t.items = map[string]Item{}
	}
	t.items[id] = item
	return &dynamodb.UpdateItemOutput{}, t.fault("UpdateItem", true)
}

func project(item Item, projection string) map[string]types.AttributeValue {
	var out map[string]types.AttributeValue
	for name := range strings.SplitSeq(projection, ", ") {
		if content, there := item[name]; there {
			if out == nil {
				out = map[string]types.AttributeValue{}
			}
			out[name] = text(content)
		}
	}
	return out
}

func text(content string) types.AttributeValue { return &types.AttributeValueMemberS{Value: content} }

func value(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}
