// Package limits are the rates at which AWS answers calls, as far as AWS publishes them: token buckets for each account and Region.
// A bucket that is empty throttles the call, each service with its own error code.
package limits

import (
	"slices"
	"strings"
	"sync"
	"time"

	"postern/internal/local/wire"
)

// rate is a token bucket's size and how many tokens it gets in a second.
type rate struct{ size, refill float64 }

// shared is the name of the bucket from which every operation of a service takes a token besides its own.
const shared = "*"

// of says which buckets a service has. Operations of one bucket are written with commas between them.
type of struct {
	write, read rate // of each operation that has no bucket of its own; the zero value has no limit
	buckets     map[string]rate
}

// published are the default limits of an account. Where AWS has published two figures, the lower one is used.
//
//   - EC2: buckets by kind of operation, and CreateVpcEndpoint by name, 4 and 0.3 a second; the other writes to an endpoint are taken
//     to be as slow. https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
//   - Route 53: five requests a second for an account, whatever they are (in 2026 AWS raised that to 10, with a burst of 50), and
//     lower rates of its own for some. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/throttling-api-requests.html
//   - Systems Manager: 40 reads of parameters a second, and 3 PutParameter; its other calls are taken to be as slow.
//     https://docs.aws.amazon.com/general/latest/gr/ssm.html
//   - Step Functions: the buckets of the smaller Regions.
//     https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
//
// DynamoDB on demand, SNS, EventBridge and Lambda take more than what hundreds of onboardings ask for.
var published = map[string]of{
	"ec2": {write: rate{50, 5}, read: rate{100, 20}, buckets: map[string]rate{
		"CreateVpcEndpoint": {4, 0.3}, "ModifyVpcEndpoint": {4, 0.3}, "DeleteVpcEndpoints": {4, 0.3},
	}},
	"route53": {buckets: map[string]rate{
		shared: {5, 5}, "CreateHostedZone": {40, 2}, "AssociateVPCWithHostedZone": {20, 5},
	}},
	"ssm": {write: rate{3, 3}, read: rate{40, 40}, buckets: map[string]rate{
		"GetParameter,GetParameters,GetParametersByPath": {40, 40},
	}},
	"states": {buckets: map[string]rate{
		"StartExecution":  {800, 150},
		"SendTaskSuccess": {1500, 300}, "SendTaskFailure": {1500, 300}, "SendTaskHeartbeat": {1500, 300},
	}},
}

// Limits are the buckets of every account and Region that calls.
type Limits struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

// New returns full buckets.
func New() *Limits { return &Limits{buckets: map[string]*bucket{}} }

// Fault throttles a call when a bucket of it is empty at the time of the call. It is what wire.Server.SetFault takes.
func (l *Limits) Fault(call *wire.Call, record wire.Recorded) *wire.Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	buckets := l.of(call, record.Write || record.Message)
	at := call.Now.Add(call.Late)
	for _, b := range buckets {
		if !b.has(call.Now, at) {
			return &wire.Fault{Kind: wire.Throttle}
		}
	}
	for _, b := range buckets {
		b.take(at)
	}
	return nil
}

// of returns the buckets that a call takes a token from.
func (l *Limits) of(call *wire.Call, write bool) []*bucket {
	limits := published[call.Service]
	var buckets []*bucket
	if all, has := limits.buckets[shared]; has {
		buckets = append(buckets, l.bucket(call, shared, all))
	}
	for names, own := range limits.buckets {
		if slices.Contains(strings.Split(names, ","), call.Operation) {
			return append(buckets, l.bucket(call, names, own))
		}
	}
	kind := limits.read
	if write {
		kind = limits.write
	}
	if kind.size > 0 {
		buckets = append(buckets, l.bucket(call, call.Operation, kind))
	}
	return buckets
}

func (l *Limits) bucket(call *wire.Call, name string, size rate) *bucket {
	key := strings.Join([]string{call.AccountID, call.Region, call.Service, name}, " ")
	if l.buckets[key] == nil {
		l.buckets[key] = &bucket{rate: size, at: call.Now, level: size.size}
	}
	return l.buckets[key]
}

// bucket is a token bucket that knows what is taken from it later than now: a function's calls after its waits between tries are
// asked about before other functions' calls of now.
type bucket struct {
	rate
	at    time.Time   // of level
	level float64     // tokens
	ahead []time.Time // when tokens are taken after at, in order
}

// has reports whether there is a token for a call at a time, also for each call that was let through for later.
func (b *bucket) has(now, at time.Time) bool {
	due := 0
	for due < len(b.ahead) && !b.ahead[due].After(now) {
		b.level, b.at = b.after(b.level, b.at, b.ahead[due]), b.ahead[due]
		due++
	}
	b.ahead = b.ahead[due:]
	level, last := b.level, b.at
	for _, next := range b.with(at) {
		if level, last = b.after(level, last, next), next; level < -1e-9 {
			return false
		}
	}
	return true
}

// after is the level when a token is taken at a time.
func (b *bucket) after(level float64, last, at time.Time) float64 {
	return min(b.size, level+b.refill*at.Sub(last).Seconds()) - 1
}

func (b *bucket) with(at time.Time) []time.Time {
	i, _ := slices.BinarySearchFunc(b.ahead, at, time.Time.Compare)
	return slices.Insert(slices.Clone(b.ahead), i, at)
}

// take takes the token that has said is there.
func (b *bucket) take(at time.Time) { b.ahead = b.with(at) }
