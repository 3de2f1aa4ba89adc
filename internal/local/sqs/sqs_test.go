package sqs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postern/internal/local/clock"
	"postern/internal/local/sqs"
)

const arn = "arn:aws:sqs:us-east-1:111122223333:dead"

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func newQueue(t *testing.T, retention time.Duration) (*sqs.Service, *clock.Clock) {
	t.Helper()
	c := clock.New(start)
	s := sqs.New(c, "111122223333", "us-east-1")
	if err := s.AddQueue(sqs.Queue{ARN: arn, Retention: retention}); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestMessagesAreKeptInOrder(t *testing.T) {
	t.Parallel()
	s, _ := newQueue(t, 0)
	attributes := map[string]string{"ERROR_CODE": "403"}
	for _, body := range []string{"one", "two"} {
		if err := s.Send(arn, []byte(body), attributes); err != nil {
			t.Fatal(err)
		}
	}
	attributes["ERROR_CODE"] = "changed"
	want := []sqs.Message{
		{Body: "one", Attributes: map[string]string{"ERROR_CODE": "403"}, Sent: start},
		{Body: "two", Attributes: map[string]string{"ERROR_CODE": "403"}, Sent: start},
	}
	got := s.Messages(arn)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(sqs.Message{}, "ID")); diff != "" || got[0].ID == got[1].ID {
		t.Errorf("%s, IDs %s and %s", diff, got[0].ID, got[1].ID)
	}
}

func TestMessagesExpire(t *testing.T) {
	t.Parallel()
	for retention, days := range map[time.Duration]int{0: 4, 14 * 24 * time.Hour: 14} {
		s, c := newQueue(t, retention)
		if err := s.Send(arn, []byte("one"), nil); err != nil {
			t.Fatal(err)
		}
		end := start.Add(time.Duration(days) * 24 * time.Hour)
		at := func(when time.Time) int {
			c.After(when.Sub(c.Now()), "a look at the queue", func() {})
			c.Step()
			return len(s.Messages(arn))
		}
		if before, then := at(end.Add(-time.Second)), at(end); before != 1 || then != 0 {
			t.Errorf("retention %s: %d messages just before its end, %d at its end", retention, before, then)
		}
	}
}

func TestQueuesThatAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := newQueue(t, 0)
	for queue, want := range map[string]string{
		arn:           "exists already",
		arn + ".fifo": "not simulated",
		strings.Replace(arn, "us-east-1", "eu-west-1", 1): "not one of this account and Region",
		"dead": "not one of this account and Region",
	} {
		if err := s.AddQueue(sqs.Queue{ARN: queue}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", queue, err, want)
		}
	}
	if err := s.Send(arn+"x", nil, nil); err == nil || len(s.Messages(arn+"x")) > 0 {
		t.Errorf("a queue that does not exist: got %v", err)
	}
}
