package connection

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

func FuzzDecodeFleetRequest(f *testing.F) {
	sample, err := os.ReadFile("../../events/onboard.fleet.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	for _, seed := range []string{
		`{"targets":[]}`, `{"targets":[null,{}]}`, `{"targets":[{"target":{}}]}`, `{"targets":{"a":1}}`, `{"action":"offboard","targets":[{"name":"A b"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := DecodeFleetRequest(raw)
		var faults Faults
		if err != nil {
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("got %T %v, want Faults", err, err)
			}
			return
		}
		for i := range request.Targets { // each target gives a request that is one
			written, err := json.Marshal(request.Request(i, "name"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodeRequest(written); err != nil {
				t.Errorf("target %d was accepted, its request is refused: %v\n%s", i, err, written)
			}
		}
	})
}

func FuzzParseNetworks(f *testing.F) {
	f.Add(`[{"name":"agents-prod","accountId":"111122223333","region":"us-east-1","vpcId":"vpc-0a1b2c3d4e5f60718"}]`)
	f.Add(`[null]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, raw string) {
		networks, err := ParseNetworks(raw)
		for _, network := range networks {
			if found, ok := networks.Find(network.Region, network.VPCID); !ok || found.VPCID != network.VPCID || err != nil {
				t.Errorf("%+v is registered and not found: %v", network, err)
			}
		}
	})
}

// A word that AWS does not have decides nothing: only a known one ends a wait, in any letter case.
func FuzzParseEndpointState(f *testing.F) {
	for _, seed := range []string{"pendingAcceptance", "Available", " AVAILABLE\n", "", "partial", "Expired", "availables", "avaılable"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		state := ParseEndpointState(raw)
		if state == StateUnknown {
			if !state.Waiting() || state.Accepted() || state.Gone() || state.Failure() != "" {
				t.Errorf("%q is unknown and decides something", raw)
			}
			return
		}
		if !strings.EqualFold(strings.TrimSpace(raw), string(state)) {
			t.Errorf("%q was read as %s", raw, state)
		}
	})
}

// The words of a cause are there whatever AWS or a function put into it.
func FuzzFailureMessage(f *testing.F) {
	for _, seed := range []string{`{"errorMessage":"x","errorType":"Conflict"}`, `{"errorMessage":null}`, `{"errorMessage":7}`, `text`, ``, `"text"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cause string) {
		if message := (Failure{Cause: cause}).Message(); cause != "" && message == "" {
			t.Errorf("nothing is left of %q", cause)
		}
	})
}
