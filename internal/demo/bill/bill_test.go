package bill_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/demo/bill"
	"postern/internal/local"
	"postern/internal/local/wire"
)

func TestCountsKeepTheSweepApart(t *testing.T) {
	t.Parallel()
	calls := []wire.Recorded{
		{Service: "ec2", Operation: "DescribeVpcs", Origin: "arn"},
		{Service: "ssm", Operation: "PutParameter", Origin: "arn", Write: true},
		{Service: "events", Operation: "PutEvents", Origin: local.OriginOutside, Message: true},
		{Service: "dynamodb", Operation: "Query", Origin: local.OriginSchedule},
		{Service: "events", Operation: "PutEvents", Origin: local.OriginSchedule, Message: true},
	}
	got := bill.Of(15, 10, calls)
	got.USD = 0
	want := bill.Counts{Transitions: 15, Calls: 3, Writes: 1, Messages: 1, Sweep: 2, Invocations: 10,
		ByCall: map[string]int{"ec2:DescribeVpcs": 1, "ssm:PutParameter": 1, "events:PutEvents": 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
