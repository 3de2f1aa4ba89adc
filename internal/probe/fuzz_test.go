package probe

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// Whatever a resolver answers, the chain begins at what was asked, comes by no name twice, and only addresses of its last name count.
func FuzzAnswer(f *testing.F) {
	for _, records := range [][]string{
		{"a.example. 60 IN A 10.0.0.1"}, {"A.Example. 60 IN CNAME b.example.", "b.example. 60 IN A 10.0.0.1", "b.example. 60 IN A 10.0.0.1"},
		{"a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME a.example."}, {"b.example. 60 IN CNAME c.example.", "a.example. 60 IN CNAME b.example."},
		{"c.example. 60 IN A 8.8.8.8"}, {`\052.example. 60 IN CNAME a.example.`}, {"a.example. 60 IN AAAA ::1"}, nil,
	} {
		message := new(dns.Msg)
		message.SetQuestion("a.example.", dns.TypeA)
		for _, text := range records {
			record, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			message.Answer = append(message.Answer, record)
		}
		packed, err := message.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		message := new(dns.Msg)
		if message.Unpack(packed) != nil {
			return
		}
		const asked = "a.example"
		answer := Answer{Chain: []string{asked}}
		answer.follow(message.Answer)
		if answer.Chain[0] != asked || len(slices.Compact(slices.Sorted(slices.Values(answer.Chain)))) != len(answer.Chain) {
			t.Errorf("chain %q", answer.Chain)
		}
		last := answer.Chain[len(answer.Chain)-1]
		for _, address := range answer.Addresses {
			if !address.Is4() || !slices.ContainsFunc(message.Answer, func(record dns.RR) bool {
				a, is := record.(*dns.A)
				return is && plain(a.Hdr.Name) == last && a.A.Equal(address.AsSlice())
			}) {
				t.Errorf("%s is no address of %s", address, last)
			}
		}
	})
}
