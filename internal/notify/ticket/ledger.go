package ticket

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"postern/internal/awserr"
)

// LedgerAPI is what the ledger calls of DynamoDB; *dynamodb.Client satisfies it.
type LedgerAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Ledger is the table of comments: one item for each, by its reference.
//
//	id       reference of the comment (partition key)
//	posted   "yes" once the ticket system has taken it
//	expires  second at which DynamoDB may remove the item; events do not come again after so long
type Ledger struct {
	api   LedgerAPI
	table string
}

// NewLedger returns the ledger in a table.
func NewLedger(api LedgerAPI, table string) *Ledger { return &Ledger{api: api, table: table} }

// Standing is how far a comment came.
type Standing int

// The standings.
const (
	Fresh  Standing = iota // no call began to post it
	Begun                  // a call began to post it: it may be out
	Posted                 // it is out
)

// kept is how long an item is kept. AWS: an execution runs for at most a year, and a dead letter is kept for 14 days.
const kept = 400 * 24 * time.Hour

// Begin notes that a comment is about to be posted, and returns how far it came before.
func (l *Ledger) Begin(ctx context.Context, ref string, at time.Time) (Standing, error) {
	_, err := l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(l.table), Key: ledgerKey(ref), UpdateExpression: aws.String("SET expires = :expires"),
		ConditionExpression: aws.String("attribute_not_exists(id)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Add(kept).Unix(), 10)},
		},
	})
	if err == nil {
		return Fresh, nil
	}
	if !awserr.Is(err, "ConditionalCheckFailedException") {
		return Begun, fmt.Errorf("noting comment %s: %w", ref, err)
	}
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(l.table), Key: ledgerKey(ref), ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("posted"),
	})
	if err != nil {
		return Begun, fmt.Errorf("reading how far comment %s came: %w", ref, err)
	}
	if out.Item["posted"] != nil {
		return Posted, nil
	}
	return Begun, nil
}

// Done notes that a comment is out.
func (l *Ledger) Done(ctx context.Context, ref string) error {
	_, err := l.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(l.table), Key: ledgerKey(ref), UpdateExpression: aws.String("SET posted = :posted"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":posted": &types.AttributeValueMemberS{Value: "yes"}},
	})
	if err != nil {
		return fmt.Errorf("noting that comment %s is out: %w", ref, err)
	}
	return nil
}

func ledgerKey(ref string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: ref}}
}
