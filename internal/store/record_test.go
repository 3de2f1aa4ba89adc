package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"postern/internal/connection"
	"postern/internal/store"
	"postern/internal/store/storetest"
)

const (
	mine   = "github:example/network#42"
	theirs = "github:example/network#7"
)

// ledgerOf is the ledger of an onboarding that came from a ticket, "" for the operators.
func ledgerOf(ticket string) *connection.Ledger {
	ledger := &connection.Ledger{SchemaVersion: connection.SchemaVersion, Plan: connection.Plan{ConnectionID: id}}
	if ticket != "" {
		ledger.Plan.Ticket = &connection.Ticket{System: "github", ID: ticket[len("github:"):]}
	}
	return ledger
}

// life is what happened to the connection, in order: each step claims it for an execution and a ticket, and ends as end says.
type life []struct {
	execution, ticket string
	end               func(*store.Result) // nil: it still holds
}

func onboarded(ticket string) func(*store.Result) {
	return func(r *store.Result) {
		r.Status, r.EndpointID, r.Ledger = store.StatusOnboarded, "vpce-0123abcd", ledgerOf(ticket)
	}
}

func clean(r *store.Result)   { r.Failure = &store.Failure{Error: connection.EndpointRejected} }
func dirty(r *store.Result)   { r.Failure = &store.Failure{Error: connection.Internal, Dirty: true} }
func removed(r *store.Result) { r.Status = store.StatusOffboarded }

func (l life) live(t *testing.T, s *store.Store, since time.Time) {
	t.Helper()
	for i, step := range l {
		at := since.Add(time.Duration(i) * time.Hour)
		must(t, s.Claim(t.Context(), id, turn(step.execution, at), step.ticket, at))
		if step.end == nil {
			continue
		}
		result := store.Result{ConnectionID: id, Turn: turn(step.execution, at.Add(time.Minute)), Status: store.StatusFailed}
		step.end(&result)
		must(t, s.Finish(t.Context(), result))
	}
}

// lives are connections, whose each is, and whether it is free for any ticket.
var lives = map[string]struct {
	life   life
	ticket string
	free   bool
}{
	"never made":                                 {nil, "", true},
	"at work for a ticket":                       {life{{"arn:1", mine, nil}}, mine, false},
	"at work for the operators":                  {life{{"arn:1", "", nil}}, "", false},
	"onboarded by a ticket":                      {life{{"arn:1", mine, onboarded(mine)}}, mine, false},
	"onboarded by the operators":                 {life{{"arn:1", "", onboarded("")}}, "", false},
	"failed clean":                               {life{{"arn:1", mine, clean}}, mine, true},
	"failed, and left something":                 {life{{"arn:1", mine, dirty}}, mine, false},
	"offboarded":                                 {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", mine, removed}}, mine, true},
	"failed clean, then the operators":           {life{{"arn:1", mine, clean}, {"arn:2", "", nil}}, "", false},
	"failed clean, then another ticket":          {life{{"arn:1", mine, clean}, {"arn:2", theirs, nil}}, theirs, false},
	"failed clean, then another ticket, dirty":   {life{{"arn:1", mine, clean}, {"arn:2", theirs, dirty}}, theirs, false},
	"offboarded, then onboarded by operators":    {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", mine, removed}, {"arn:3", "", onboarded("")}}, "", false},
	"offboarded by the operators":                {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", "", removed}}, "", true},
	"onboarded, then taken over by operators":    {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", "", nil}}, "", false},
	"the operators failed to onboard it again":   {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", "", clean}}, mine, false},
	"the operators failed to offboard it":        {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", "", dirty}}, mine, false},
	"operators' own, failed to offboard":         {life{{"arn:1", "", onboarded("")}, {"arn:2", "", dirty}}, "", false},
	"repaired, and given to another ticket":      {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", mine, onboarded(theirs)}}, theirs, false},
	"onboarded by a ticket, and failed to again": {life{{"arn:1", mine, onboarded(mine)}, {"arn:2", mine, clean}}, mine, false},
}

// A ticket acts on what belongs to it now, and opens that and what is free; the operators act on everything.
func TestWhoseConnection(t *testing.T) {
	t.Parallel()
	for name, test := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open()
			test.life.live(t, s, noon)
			record, err := s.Record(t.Context(), id)
			if err != nil || record.Ticket != test.ticket || record.Taken == test.free {
				t.Fatalf("%+v, %v; want ticket %q, free %v", record, err, test.ticket, test.free)
			}
			for _, ticket := range []string{"", mine, theirs} {
				owns := ticket == "" || ticket == test.ticket
				if record.Owns(ticket) != owns || record.Opens(ticket) != (owns || test.free) {
					t.Errorf("%q: owns %v, opens %v", ticket, record.Owns(ticket), record.Opens(ticket))
				}
			}
		})
	}
}

// takes are the two writes that take a connection, for an execution which came from a ticket.
var takes = map[string]func(context.Context, *store.Store, string) error{
	"claim": func(ctx context.Context, s *store.Store, ticket string) error {
		return s.Claim(ctx, id, turn("arn:9", noon.Add(24*time.Hour)), ticket, noon.Add(24*time.Hour))
	},
	"register": func(ctx context.Context, s *store.Store, ticket string) error {
		wait := approval("arn:9", noon.Add(24*time.Hour))
		wait.Ticket, wait.Planned = ticket, noon.Add(24*time.Hour)
		return s.Register(ctx, wait, store.NewToken(canary))
	},
}

// An execution that takes a connection writes its ticket in place of the earlier one, or removes it; a ticket takes only what it may open.
// The executions that held the connection before have all ended.
func TestTakingReplacesTheTicket(t *testing.T) {
	t.Parallel()
	for name, test := range lives {
		for how, take := range takes {
			for _, ticket := range []string{"", mine, theirs} {
				t.Run(name+", "+how+" for "+ticket, func(t *testing.T) {
					t.Parallel()
					s, table := open()
					test.life.live(t, s, noon)
					before := table.Get(id)
					err := take(t.Context(), s.Asking(&executions{}), ticket)
					if ticket == "" || ticket == test.ticket || test.free {
						if item := table.Get(id); err != nil || item["holder"] != "arn:9" || item["ticket"] != ticket {
							t.Errorf("%v, held by %s for %q", err, item["holder"], item["ticket"])
						}
						return
					}
					item := table.Get(id)
					if connection.NameOf(err) != connection.Conflict || item["holder"] != before["holder"] || item["ticket"] != before["ticket"] {
						t.Errorf("%v, held by %s for %q", err, item["holder"], item["ticket"])
					}
				})
			}
		}
	}
}

// The look and the write are two calls. What happens between them decides: a connection that was free when it was read may belong to
// another ticket, or have something left of it, when it is written.
func TestTicketAndClaimRace(t *testing.T) {
	t.Parallel()
	free := life{{"arn:1", mine, clean}}
	for name, test := range map[string]struct{ before, between life }{
		"another ticket's execution took it, and was stopped": {free, life{{"arn:2", theirs, nil}}},
		"the operators' did": {free, life{{"arn:2", "", nil}}},
		"another ticket's execution took it, and left something":            {free, life{{"arn:2", theirs, dirty}}},
		"the operators onboarded it":                                        {free, life{{"arn:2", "", onboarded("")}}},
		"another ticket's execution left something, then operators":         {free, life{{"arn:2", theirs, dirty}, {"arn:3", "", nil}}},
		"the operators onboarded it as they did before":                     {life{{"arn:1", "", removed}}, life{{"arn:2", "", onboarded("")}}},
		"its first execution was stopped, and the operators left something": {life{{"arn:1", mine, nil}}, life{{"arn:2", "", dirty}}},
	} {
		for how, take := range takes {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				s, table := open()
				test.before.live(t, s, noon)
				late := &afterRead{API: table, do: func() { test.between.live(t, s.Asking(&executions{}), noon.Add(2*time.Hour)) }}
				err := take(t.Context(), store.New(late, "connections").Asking(&executions{}), mine)
				if item := table.Get(id); connection.NameOf(err) != connection.Conflict || item["holder"] == "arn:9" || item["ticket"] == mine {
					t.Errorf("%v, held by %s for %q", err, item["holder"], item["ticket"])
				}
			})
		}
	}
}

// afterRead is a table to which something else happens just after it was first read.
type afterRead struct {
	store.API
	do func()
}

func (a *afterRead) GetItem(ctx context.Context, in *dynamodb.GetItemInput, options ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := a.API.GetItem(ctx, in, options...)
	if do := a.do; do != nil {
		a.do = nil
		do()
	}
	return out, err
}

// An execution that holds the connection goes on whatever its ticket, and writes it down: a release before may not have.
func TestTheHolderNamesItsTicket(t *testing.T) {
	t.Parallel()
	s, table := open()
	must(t, s.Claim(t.Context(), id, turn("arn:1", noon), "", noon))
	wait := approval("arn:1", noon)
	wait.Ticket = mine
	must(t, s.Register(t.Context(), wait, store.NewToken(canary)))
	if item := table.Get(id); item["ticket"] != mine {
		t.Errorf("item %v", item)
	}
	must(t, s.Finish(t.Context(), store.Result{ConnectionID: id, Turn: turn("arn:1", noon), Status: store.StatusOnboarded,
		EndpointID: "vpce-0123abcd", Ledger: ledgerOf("")}))
	if item := table.Get(id); item["ticket"] != "" {
		t.Errorf("the ledger names no ticket, the item %q", item["ticket"])
	}
}

// What a release before left: an item whose ticket is an old one's, beside the operators' ledger. The ledger counts.
func TestTheLedgerCountsMoreThanAnOldTicket(t *testing.T) {
	t.Parallel()
	s, table := open()
	life{{"arn:1", "", onboarded("")}}.live(t, s, noon)
	put(t, table, "ticket", mine)
	if record, err := s.Record(t.Context(), id); err != nil || record.Ticket != "" || record.Opens(mine) {
		t.Errorf("%+v, %v", record, err)
	}
	for how, take := range takes {
		if err := take(t.Context(), s, mine); connection.NameOf(err) != connection.Conflict {
			t.Errorf("%s: %v", how, err)
		}
	}
}

// A failure that cannot be read may have left something.
func TestAFailureThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, table := open()
	life{{"arn:1", mine, clean}}.live(t, s, noon)
	put(t, table, "failure", "{")
	if record, err := s.Record(t.Context(), id); err != nil || !record.Taken {
		t.Errorf("%+v, %v", record, err)
	}
}

// A stranger's ticket is refused before Step Functions is asked whether the holder runs.
func TestAStrangerIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for how, take := range takes {
		s, _ := open()
		life{{"arn:1", mine, nil}}.live(t, s, noon)
		asked := &executions{status: map[string]types.ExecutionStatus{}}
		if err := take(t.Context(), s.Asking(asked), theirs); connection.NameOf(err) != connection.Conflict || len(asked.asked) > 0 {
			t.Errorf("%s: %v, asked for %v", how, err, asked.asked)
		}
	}
}

// put sets an attribute of the connection's item.
func put(t *testing.T, table *storetest.Table, name, value string) {
	t.Helper()
	_, err := table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		Key:              map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
		UpdateExpression: aws.String("SET " + name + " = :" + name),
		ExpressionAttributeValues: map[string]dynamodbtypes.AttributeValue{
			":" + name: &dynamodbtypes.AttributeValueMemberS{Value: value},
		},
	})
	must(t, err)
}
