package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"postern/internal/connection"
)

// linked is the value of the attribute of that name.
const linked = "yes"

// Link is an onboarded connection as the index shows it.
type Link struct {
	ConnectionID string
	Holder       string // ARN of the execution that holds it now, "" for none
	Expects      connection.Expectation
	Drift        connection.Drift // zero when nothing was ever found or looked at
}

// Links returns every onboarded connection. It may miss the change of the last second (AWS: an index is eventually consistent).
func (s *Store) Links(ctx context.Context) ([]Link, error) {
	var links []Link
	pages := dynamodb.NewQueryPaginator(s.api, &dynamodb.QueryInput{
		TableName: aws.String(s.table), IndexName: aws.String(LinkedIndex),
		KeyConditionExpression:    aws.String("linked = :linked"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":linked": text(linked)},
		ProjectionExpression:      aws.String("id, expects, drift, holder"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the onboarded connections: %w", err)
		}
		for _, found := range page.Items {
			link, err := linkOf(found)
			if err != nil {
				return nil, err
			}
			links = append(links, link)
		}
	}
	return links, nil
}

// Link returns one onboarded connection; false when it is not onboarded.
func (s *Store) Link(ctx context.Context, connectionID string) (Link, bool, error) {
	found, err := s.read(ctx, connectionID, "id", "linked", "expects", "drift", "holder")
	if err != nil {
		return Link{}, false, fmt.Errorf("reading connection %s: %w", connectionID, err)
	}
	if found.text("linked") == "" {
		return Link{}, false, nil
	}
	link, err := linkOf(found)
	return link, err == nil, err
}

func linkOf(found item) (Link, error) {
	link := Link{ConnectionID: found.text("id"), Holder: found.text("holder")}
	if err := json.Unmarshal([]byte(found.text("expects")), &link.Expects); err != nil {
		return Link{}, connection.Errorf(connection.Internal, "reading what is expected of %s: %w", link.ConnectionID, err)
	}
	drift, err := driftOf(found)
	if err != nil {
		return Link{}, err
	}
	if drift != nil {
		link.Drift = *drift
	}
	return link, nil
}

func driftOf(found item) (*connection.Drift, error) {
	raw := found.text("drift")
	if raw == "" {
		return nil, nil
	}
	var drift connection.Drift
	if err := json.Unmarshal([]byte(raw), &drift); err != nil {
		return nil, connection.Errorf(connection.Internal, "reading the drift of %s: %w", found.text("id"), err)
	}
	return &drift, nil
}

// SaveDrift keeps what the drift check found of a connection. One that was offboarded meanwhile stays as it is.
func (s *Store) SaveDrift(ctx context.Context, connectionID string, drift connection.Drift) error {
	raw, err := json.Marshal(drift)
	if err != nil {
		return connection.Errorf(connection.Internal, "writing the drift of %s: %w", connectionID, err)
	}
	_, err = s.update(ctx, connectionID, change{
		set: map[string]string{"drift": string(raw)}, values: map[string]string{"linked": linked}, condition: "linked = :linked",
	})
	if err != nil {
		return fmt.Errorf("writing the drift of %s: %w", connectionID, err)
	}
	return nil
}

// Overview is a connection as a list shows it, whatever has become of it.
type Overview struct {
	ConnectionID string
	Status       Status // how its last execution ended, "" when none has
	Holder       string // ARN of the execution that holds it, "" for none
	FinishedBy   string // ARN of the last execution that ended
	Ticket       string
	EndpointID   string
	LastSeen     connection.EndpointState
	UpdatedAt    time.Time
	Wait         *Wait                   // nil when nothing waits
	Expects      *connection.Expectation // nil when it is not onboarded
	Drift        *connection.Drift       // nil when nothing was ever found or looked at
	Failure      *Failure                // why the last execution failed, nil when it did not or nothing says so
	Fault        error                   // why Wait, Expects and Drift could not be read; the others are shown all the same
}

// overviewAttributes are what a list shows: neither ledger nor token.
var overviewAttributes = append([]string{
	"vendor", "status", "holder", "finishedBy", "endpointId", "updatedAt", "linked", "expects", "drift", "failure",
}, waitAttributes...)

// All returns every connection there ever was, in no order. It reads the whole table.
func (s *Store) All(ctx context.Context) ([]Overview, error) {
	projection := strings.ReplaceAll(strings.Join(overviewAttributes, ", "), "status", alias("status"))
	var all []Overview
	pages := dynamodb.NewScanPaginator(s.api, &dynamodb.ScanInput{
		TableName: aws.String(s.table), ProjectionExpression: aws.String(projection),
		ExpressionAttributeNames: map[string]string{alias("status"): "status"},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading all connections: %w", err)
		}
		for _, found := range page.Items {
			if item(found).text("vendor") == "" {
				continue // no connection, but the claim of a message
			}
			all = append(all, overviewOf(found))
		}
	}
	return all, nil
}

func overviewOf(found item) Overview {
	o := Overview{
		ConnectionID: found.text("id"), Status: Status(found.text("status")), Holder: found.text("holder"),
		FinishedBy: found.text("finishedBy"), Ticket: found.text("ticket"), EndpointID: found.text("endpointId"),
		LastSeen: found.state("lastSeen"),
	}
	if at, err := time.Parse(timeLayout, found.text("updatedAt")); err == nil {
		o.UpdatedAt = at
	}
	if raw := found.text("failure"); raw != "" {
		var failure Failure
		if err := json.Unmarshal([]byte(raw), &failure); err == nil { // it only explains: without it the status is the same
			o.Failure = &failure
		}
	}
	if found["waitGate"] != nil {
		wait, err := waitOf(found)
		if err != nil {
			o.Fault = err
			return o
		}
		o.Wait = &wait
	}
	if found["linked"] == nil {
		return o
	}
	link, err := linkOf(found)
	if err != nil {
		o.Fault = err
		return o
	}
	o.Expects = &link.Expects
	if link.Drift.SchemaVersion != 0 {
		o.Drift = &link.Drift
	}
	return o
}
