// Package dynamodb simulates DynamoDB: tables with secondary indexes, and the expression language of conditions,
// updates, projections, keys and filters, with AWS's refusals. Indexes, and reads that are not strongly consistent, may lag
// behind in virtual time. Items never expire: AWS may take two days for it, so nothing may depend on it.
package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/clock"
	"postern/internal/local/wire"
)

// Service is the DynamoDB of one account and Region. It is a wire.Service, and safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string

	mu     sync.Mutex
	tables map[string]*table // by name
	lag    Lag
}

// Lag is how far reads that promise no consistency are behind, in virtual time.
type Lag struct {
	Indexes time.Duration // global secondary indexes
	Reads   time.Duration // reads of a table without ConsistentRead
}

// New returns a DynamoDB without tables and without lag.
func New(c *clock.Clock, account, region string) *Service {
	return &Service{clock: c, account: account, region: region, tables: map[string]*table{}}
}

// SetLag sets the lag of all tables, for writes from now on.
func (s *Service) SetLag(lag Lag) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = lag
}

// Name is the signing name.
func (s *Service) Name() string { return "dynamodb" }

// Protocol is awsJson 1.0.
func (s *Service) Protocol() wire.Protocol { return wire.JSON10 }

// AddTable makes a table, active at once.
func (s *Service) AddTable(t Table) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[t.Name] != nil {
		return fmt.Errorf("table %s exists already", t.Name)
	}
	made, err := newTable(t)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name, err)
	}
	made.arn = s.arn(t.Name)
	s.tables[t.Name] = made
	return nil
}

// Items returns every item of a table in the order of their keys; nothing when there is no such table.
func (s *Service) Items(tableName string) []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableName]
	if t == nil {
		return nil
	}
	var items []Item
	for _, r := range t.base.sorted(nil) {
		items = append(items, r.item.clone())
	}
	return items
}

// Put writes an item without a permission check, for a scenario.
func (s *Service) Put(tableName string, item Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(tableName)
	if err != nil {
		return err
	}
	if err := t.checkItem(item); err != nil {
		return err
	}
	s.write(t, t.Key.of(item), item.clone())
	return nil
}

// named finds a table by name or ARN. The service is locked.
func (s *Service) named(nameOrARN string) (*table, error) {
	if t := s.tables[tableName(nameOrARN)]; t != nil {
		return t, nil
	}
	return nil, wire.Errorf("ResourceNotFoundException", "Requested resource not found")
}

func tableName(nameOrARN string) string { return nameOrARN[strings.LastIndex(nameOrARN, "/")+1:] }

func (s *Service) arn(name string) string {
	return "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + name
}

// write replaces an item by another, nil for none, and tells the views, each in its own time. The service is locked.
func (s *Service) write(t *table, key string, item Item) {
	t.writes++
	t.base.put(key, item, t.writes)
	for _, v := range slices.Concat([]*view{t.replica}, t.indexes) {
		lag := s.lag.Indexes
		if v == t.replica {
			lag = s.lag.Reads
		}
		if lag <= 0 {
			v.put(key, item, t.writes)
			continue
		}
		number := t.writes
		s.clock.After(lag, "replication of "+t.Name, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			v.put(key, item, number)
		})
	}
}
