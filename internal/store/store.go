package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"postern/internal/awserr"
	"postern/internal/connection"
)

// API is what the store calls of DynamoDB; *dynamodb.Client satisfies it.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// WaitingIndex is the name of the sparse index of waits: partition key waitGate, sort key waitSince.
const WaitingIndex = "waiting"

// LinkedIndex is the name of the sparse index of onboarded connections: partition key linked, sort key id.
const LinkedIndex = "linked"

// Store is the table of connections.
type Store struct {
	api        API
	table      string
	executions Executions // nil: every holder is taken to run
}

// New returns the store in a table.
func New(api API, table string) *Store { return &Store{api: api, table: table} }

// ExpiresAttribute is the attribute after which DynamoDB may delete an item; a connection's own has none.
//
// AWS: TimeToLive wants a Number, the second of the epoch. An expired item goes within a few days, and is read until then.
const ExpiresAttribute = "expires"

// timeLayout keeps every zero, so that times compare as strings.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

func stamp(at time.Time) string { return at.UTC().Format(timeLayout) }

// read returns the named attributes of a connection's item, strongly consistent; a missing item has none.
func (s *Store) read(ctx context.Context, connectionID string, attributes ...string) (item, error) {
	if connectionID == "" {
		return nil, errors.New("no connection id")
	}
	projection := make([]string, len(attributes))
	var names map[string]string
	for i, name := range attributes {
		if projection[i] = alias(name); projection[i] != name {
			names = map[string]string{projection[i]: name}
		}
	}
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:                aws.String(s.table),
		Key:                      key(connectionID),
		ConsistentRead:           aws.Bool(true),
		ProjectionExpression:     aws.String(strings.Join(projection, ", ")),
		ExpressionAttributeNames: names,
	})
	if err != nil {
		return nil, err
	}
	return item(out.Item), nil
}

// change is one UpdateItem: attributes to set (an empty value removes), further ones to remove, and the condition it is made
// under.
type change struct {
	set       map[string]string
	expires   time.Time // of the item; zero leaves it as it is
	remove    []string
	condition string
	values    map[string]string // of the condition, without the colon
}

// update makes a change and reports whether its condition held.
func (s *Store) update(ctx context.Context, connectionID string, c change) (held bool, err error) {
	if connectionID == "" {
		return false, errors.New("no connection id")
	}
	expression, names, values := c.expression()
	_, err = s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 aws.String(s.table),
		Key:                       key(connectionID),
		UpdateExpression:          aws.String(expression),
		ConditionExpression:       optional(c.condition),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	if awserr.Is(err, "ConditionalCheckFailedException") {
		return false, nil
	}
	return err == nil, err
}

func key(connectionID string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": text(connectionID)}
}

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func optional(expression string) *string {
	if expression == "" {
		return nil
	}
	return aws.String(expression)
}

// item is an item as DynamoDB gives it.
type item map[string]types.AttributeValue

// text returns a string attribute, or "" when it is absent.
func (i item) text(name string) string {
	if value, ok := i[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}

// state returns a state attribute, or "" when it is absent: never seen is not the same as unknown.
func (i item) state(name string) connection.EndpointState {
	if raw := i.text(name); raw != "" {
		return connection.ParseEndpointState(raw)
	}
	return ""
}
