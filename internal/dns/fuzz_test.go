package dns

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"postern/internal/connection"
)

// Names that are compared are compared as DNS does: letter case, one trailing dot and the way Route 53 writes a character are
// no difference, and everything else is.
func FuzzName(f *testing.F) {
	for _, seed := range []string{`\052.Example.COM.`, `a\.b.`, `\134052.x`, `..`, ``, `\`, `\05`, `\777`, "\xff.x", "\xfe.x", `a\056`, `é.x`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := Name(raw)
		if again := Name(escaped(name)); again != name {
			t.Errorf("%q is %q, and written as Route 53 does %q", raw, name, again)
		}
		if plain := strings.TrimSuffix(raw, "."); !strings.Contains(raw, `\`) && (len(name) != len(plain) || !strings.EqualFold(name, plain)) {
			t.Errorf("%q is %q", raw, name)
		}
	})
}

// escaped writes a name as Route 53 does: each byte that is no letter, digit, hyphen, underscore or dot in octal, and a dot at the
// end.
func escaped(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String() + "."
}

// answers is Route 53 at the wire: pages of XML, of which a request names the next as AWS has it.
type answers struct {
	pages []string
	calls int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.calls++
	if a.calls > 50 {
		return nil, fmt.Errorf("a call too many")
	}
	at := 0
	query := r.URL.Query()
	for _, marker := range []string{query.Get("name"), query.Get("dnsname"), query.Get("nexttoken")} {
		_, _ = fmt.Sscanf(marker, "page-%d.", &at) // whatever is no marker begins at the first page
	}
	body := ""
	if 0 <= at && at < len(a.pages) {
		body = a.pages[at]
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader("<R>" + body + "</R>")),
	}, nil
}

func over(a *answers) *Client {
	return New(route53.New(route53.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: a}, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	}))
}

func element(name, text string) string {
	var b strings.Builder
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	b.WriteString("</" + name + ">")
	return b.String()
}

// Whatever Route 53 answers, only records at the names asked for are found, present are those of the forms we write, and no more pages are asked for than there are: one
// that goes on without saying where is an error.
func FuzzRecords(f *testing.F) {
	const target = "vpce-0f1e2d3c4b5a69788-abcdefgh.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com."
	for _, name := range []string{"Artemis.Example.com.", "artemis.example.com", `\052.example.com.`, "", "other.example.com."} {
		f.Add(name, "CNAME", target, "page-1.", "")
	}
	f.Add("artemis.example.com.", "CNAME", target, "", "")        // truncated, and no next name
	f.Add("artemis.example.com.", "cname", target, "page-0.", "") // the same page again
	f.Add("artemis.example.com.", "A", target, "page-1.", "<ResourceRecordSets/>")
	f.Add("artemis.example.com.", "FROB", target, "page-1.", "<ResourceRecordSets><ResourceRecordSet/></ResourceRecordSets>")
	f.Fuzz(func(t *testing.T, name, kind, value, next, odd string) {
		a := &answers{pages: []string{
			odd + "<ResourceRecordSets><ResourceRecordSet>" + element("Name", name) + element("Type", kind) + "<ResourceRecords><ResourceRecord>" +
				element("Value", value) + "</ResourceRecord></ResourceRecords></ResourceRecordSet></ResourceRecordSets><IsTruncated>true</IsTruncated>" +
				element("NextRecordName", next),
			"<ResourceRecordSets/><IsTruncated>false</IsTruncated>",
		}}
		names := []string{"artemis.example.com", "*.example.com"}
		wanted := []connection.NameRecord{{Name: names[0]}, {Name: names[1]}}
		found, err := over(a).Records(t.Context(), "Z1", names)
		if a.calls > 50 {
			t.Fatalf("pages without end: %v", err)
		}
		for _, record := range found {
			if record.Name != names[0] && record.Name != names[1] {
				t.Errorf("found %+v", record)
			}
		}
		a.calls = 0
		present, err := over(a).Present(t.Context(), "Z1", wanted)
		if a.calls > 50 {
			t.Fatalf("pages without end: %v", err)
		}
		for _, record := range present {
			if record.Name != names[0] && record.Name != names[1] || record.Type != connection.RecordCNAME && record.Type != connection.RecordAlias {
				t.Errorf("of our forms: %+v", record)
			}
		}
	})
}

// Whatever Route 53 answers, a zone is ours only by its caller reference.
func FuzzZone(f *testing.F) {
	for _, reference := range []string{"postern:v/n:0123", "postern:v/n", "postern:v/nn:0123", "POSTERN:v/n:1", "", "postern::"} {
		f.Add("example.com.", reference, "page-1.", "")
	}
	f.Add("Example.Com", "postern:v/n:1", "", "")
	f.Add("a.example.com.", "postern:v/n:1", "page-0.", "")
	f.Add("example.com.", "postern:v/o:1", "example.com.", "") // the same page again
	f.Add("example.com.", "postern:v/n:1", "page-1.", "<HostedZone/>")
	f.Fuzz(func(t *testing.T, name, reference, next, odd string) {
		zone := element("Id", "/hostedzone/Z1") + element("Name", name) + element("CallerReference", reference)
		ours := strings.HasPrefix(reference, "postern:v/n:")
		made, err := over(&answers{pages: []string{odd + "<HostedZone>" + zone + "</HostedZone>"}}).Ours(t.Context(), "Z1", "v/n")
		if err == nil && odd == "" && made != ours {
			t.Errorf("reference %q is ours: %v", reference, made)
		}
		if _, err := over(&answers{pages: []string{odd}}).Ours(t.Context(), "Z1", "v/n"); err == nil && !strings.Contains(odd, "HostedZone") {
			t.Errorf("an answer without a zone passes: %s", odd)
		}
		if _, exists, err := over(&answers{pages: []string{odd}}).Look(t.Context(), "Z1", "v/n"); err == nil && exists && !strings.Contains(odd, "HostedZone") {
			t.Errorf("an answer without a zone is one: %s", odd)
		}
		want := Want{ConnectionID: "v/n", Execution: "arn:1", Plan: connection.DNSPlan{Zone: "example.com"}}
		if got, err := over(&answers{pages: []string{odd}}).create(t.Context(), want); err == nil && got.id == "" {
			t.Errorf("a zone without an id was made: %s", odd)
		}
		a := &answers{pages: []string{
			odd + "<HostedZones><HostedZone>" + zone + "</HostedZone></HostedZones><IsTruncated>true</IsTruncated>" + element("NextDNSName", next),
			"<HostedZones/><IsTruncated>false</IsTruncated>",
		}}
		if _, found, err := over(a).Find(t.Context(), "example.com", "v/n"); odd == "" && found && (!ours || Name(name) != "example.com") || a.calls > 50 {
			t.Errorf("zone %q of %q is found: %v after %d calls", name, reference, err, a.calls)
		}
		a.calls = 0
		if _, err := over(a).Managed(t.Context()); a.calls > 50 {
			t.Errorf("pages without end: %v", err)
		}
		a.calls = 0
		if _, err := over(a).made(t.Context(), want); a.calls > 50 {
			t.Errorf("pages without end: %v", err)
		}
		a = &answers{pages: []string{
			odd + "<HostedZoneSummaries><HostedZoneSummary>" + element("HostedZoneId", "Z1") + element("Name", name) +
				"</HostedZoneSummary></HostedZoneSummaries>" + element("NextToken", next),
			"<HostedZoneSummaries/><NextToken></NextToken>",
		}}
		if _, err := over(a).Zones(t.Context(), "vpc-1", "us-east-1"); a.calls > 50 {
			t.Errorf("pages without end: %v", err)
		}
	})
}
