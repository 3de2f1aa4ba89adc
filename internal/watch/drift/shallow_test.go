package drift

import (
	"errors"
	"slices"
	"testing"
	"time"

	"postern/internal/connection"
	"postern/internal/endpoint"
)

func TestEveryShallowCheckIsMade(t *testing.T) {
	t.Parallel()
	var made, want []connection.DriftCheck
	for _, shallow := range shallowChecks {
		made = append(made, shallow.check)
	}
	for _, info := range connection.DriftChecks {
		if !info.Deep {
			want = append(want, info.Check)
		}
	}
	if !slices.Equal(made, want) {
		t.Errorf("made %q, want %q", made, want)
	}
}

// The policy of an adopted endpoint is compared with the one that it had when it was adopted.
func TestPolicyOfAnAdoptedEndpoint(t *testing.T) {
	t.Parallel()
	const own, open = `{"Statement":[]}`, `{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}`
	for name, test := range map[string]struct {
		adopted  bool
		was, now string
		differs  bool
	}{
		"made by Postern":                   {now: open},
		"made by Postern, changed":          {now: own, differs: true},
		"adopted, as it was":                {adopted: true, was: own, now: `{"Statement" : [ ]}`},
		"adopted, changed":                  {adopted: true, was: own, now: open, differs: true},
		"adopted with the default":          {adopted: true, was: open, now: open},
		"adopted with the default, changed": {adopted: true, was: open, now: own, differs: true},
		"adopted, no longer takes one":      {adopted: true, was: own},
		"adopted, takes one by now":         {adopted: true, now: open},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endpoint.Endpoint{ID: "vpce-1", VPCID: "vpc-1", State: connection.StateAvailable, Policy: test.now}
			s := scene{want: connection.Expectation{EndpointID: e.ID, VPCID: e.VPCID, Adopted: test.adopted}, of: &survey{}}
			s.of.endpoints.found = map[string]endpoint.Endpoint{e.ID: e}
			if test.adopted {
				s.want.PolicyDigest = endpoint.PolicyDigest(test.was)
			}
			if differs, err := s.policy(); err != nil || (differs != "") != test.differs {
				t.Errorf("%q, %v", differs, err)
			}
		})
	}
}

// Every VPC has its turn, whatever their number; a change is looked at wherever it is.
func TestVPCsAreReadInTurn(t *testing.T) {
	t.Parallel()
	all := []string{"vpc-1", "vpc-2", "vpc-3", "vpc-4", "vpc-5", "vpc-6", "vpc-7", "vpc-8", "vpc-9", "vpc-a", "vpc-b", "vpc-c", "vpc-d"}
	at := time.Date(2026, 11, 21, 12, 0, 7, 0, time.UTC)
	for count := 1; count <= len(all); count++ {
		vpcs, read := all[:count], set{}
		for hour := range (count + mostVPCs - 1) / mostVPCs * 2 {
			turn := inTurn(wake{by: bySchedule, at: at.Add(time.Duration(hour) * time.Hour)}, vpcs)
			if len(turn) != min(count, mostVPCs) {
				t.Errorf("of %d: %d at once", count, len(turn))
			}
			read.add(turn...)
		}
		if len(read) != count {
			t.Errorf("of %d: %q", count, read.sorted())
		}
	}
	if turn := inTurn(wake{by: byChange, at: at}, all); len(turn) != len(all) {
		t.Errorf("of a change: %q", turn)
	}
}

// A list that failed once makes every check unknown that needs it. What then has nothing to compare is ok or was never asked: an
// unknown without another check would stay for ever.
func TestNothingToCompareLeavesNothingUnknown(t *testing.T) {
	t.Parallel()
	e := endpoint.Endpoint{ID: "vpce-1", VPCID: "vpc-1", State: connection.StateAvailable}
	s := scene{want: connection.Expectation{EndpointID: e.ID, VPCID: e.VPCID}, of: &survey{}}
	s.of.endpoints.found = map[string]endpoint.Endpoint{e.ID: e}
	if differs, err := s.policy(); differs != "" || err != nil {
		t.Errorf("a service that takes no policy: %q, %v", differs, err)
	}
	s.want.Access.RoleARN = "arn:aws:iam::444455556666:role/postern"
	s.of.endpoints.err = errors.New("throttled")
	if _, err := s.notification(); !errors.Is(err, errNotAsked) {
		t.Errorf("a notification in an account that has none: %v", err)
	}
}
