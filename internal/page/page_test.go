package page_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postern/internal/connection"
	"postern/internal/page"
	"postern/internal/store"
)

func render(t *testing.T, view page.View) string {
	t.Helper()
	var b strings.Builder
	if err := page.Write(&b, view); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parsed is what a browser sees of a page: every element, and the text of each row.
type parsed struct {
	elements []*html.Node
	rows     []string
	names    []string // of the connections
	summary  string
}

func parse(t *testing.T, source string) parsed {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	var p parsed
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		p.elements = append(p.elements, n)
		switch {
		case n.Data == "tr" && n.Parent.Data == "tbody":
			p.rows = append(p.rows, textOf(n))
		case attribute(n, "class") == "name":
			p.names = append(p.names, textOf(n))
		case attribute(n, "class") == "summary", attribute(n, "class") == "counts":
			p.summary += textOf(n) + " "
		}
	}
	return p
}

func textOf(n *html.Node) string {
	var parts []string
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			parts = append(parts, strings.Fields(child.Data)...)
		}
	}
	return strings.Join(parts, " ")
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		label string
		says  []string
	}{
		"overdue": {"Overdue", []string{
			"Ask the vendor again to accept the endpoint", "Waiting for the vendor to accept the endpoint: 73 of 48 business hours",
			"Whom to ask: support@vendor.example",
			"111122223333 · us-east-1", "asked 5 days ago", "Ticket jira/NET-1042", "Execution Endpoint"}},
		"waiting":                {"Waiting", []string{"See that the text was sent to the vendor", "Whom to ask: support@vendor.example", "26 of 48 business hours", "asked 26 hours ago"}},
		"waiting-allowlist":      {"Waiting", []string{"to allow-list our account: 26 of 48 business hours"}},
		"waiting-always":         {"Waiting", []string{"26 of 48 hours"}},
		"waiting-without-figure": {"Waiting", []string{"sent to the vendor", "it gives no figure"}},
		"failed":                 {"Failed", []string{"Read the error in the execution, correct what it names", "Execution"}},
		"failed-leaving":         {"Failed", []string{"vpce-0fedcba9876543210 is still there, and costs money"}},
		"failed-elsewhere": {"Failed", []string{"444455556666 · eu-west-1 vpc-0f1e2d3c4b5a69788", "vpce-0fedcba9876543210 is still there",
			"ApprovalTimedOut: The vendor did not accept the endpoint within 14 days.", "Execution Endpoint"}},
		"cancelled": {"Cancelled", []string{"Nothing: it was cancelled 2 hours ago."}},
		"flapping": {"Flapping", []string{"Find out who keeps changing it back", "1 high",
			"security-groups (high) sg-0a1b2c3d4e5f60718 is missing, by arn:aws:sts::111122223333:assumed-role/admin/jo"}},
		"drift": {"Drift", []string{"Change it back, or start an execution with action repair and check private-dns.", "1 critical 1 low 1 unknown",
			"private-dns (critical) private DNS is off", "5 hours ago", "parameters (unknown) GetParameters: AccessDenied"}},
		"repairing":        {"Repairing", []string{"Nothing: the next drift check puts it right.", "1 critical"}},
		"unknown":          {"Unknown", []string{"Read why Postern could not look", "1 unknown", "the probe function could not be called"}},
		"unreadable":       {"Unreadable", []string{"its record in the table cannot be read"}},
		"stalled":          {"Stalled", []string{"See whether the execution was stopped"}},
		"unverified":       {"Unverified", []string{"it has not checked this link for 20 days", "20 days ago"}},
		"working":          {"At work", []string{"Nothing: an execution is at work."}},
		"ok":               {"Onboarded", []string{"Nothing.", "111122223333 · us-east-1", "3 hours ago", "Certificate: 80 days", "Execution Endpoint Zone Parameter url"}},
		"certificate-ends": {"Onboarded", []string{"Certificate: 9 days"}},
		"removed":          {"Offboarded", []string{"Nothing: it was offboarded 2 hours ago."}},
		"none":             {"No record", []string{"Nothing is known of it"}},
	}
	for _, name := range samples {
		if _, tested := tests[name]; !tested {
			t.Errorf("%s is not tested", name)
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := parse(t, render(t, page.View{Connections: []store.Overview{sample(name)}, At: now})).rows
			if len(rows) != 1 || !strings.HasPrefix(rows[0], test.label+" vendor/"+name+" ") {
				t.Fatalf("rows %q, want one, %s", rows, test.label)
			}
			for _, want := range test.says {
				if !strings.Contains(rows[0], want) {
					t.Errorf("the row does not say %q: %s", want, rows[0])
				}
			}
		})
	}
}

// TestEveryStatusIsShown: the samples are of every status, and the page shows those that need a person first.
func TestEveryStatusIsShown(t *testing.T) {
	t.Parallel()
	var all []store.Overview
	for _, name := range slices.Backward(samples) {
		all = append(all, sample(name))
	}
	p := parse(t, render(t, page.View{Connections: all, At: now}))
	var labels []string
	for _, row := range p.rows {
		at := strings.Index(row, " vendor/")
		labels = append(labels, row[:at])
	}
	var want []string
	for _, status := range page.Statuses {
		want = append(want, status.Label)
	}
	if got := slices.Compact(labels); !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	if want := "10 connections need you 21 in all, Tuesday, 10 March 2026, 16:00 UTC 1 Overdue 3 Failed 1 Flapping 1 Drift 1 Unknown " +
		"1 Unreadable 1 Stalled 1 Unverified 1 Repairing 4 Waiting 1 At work 2 Onboarded 1 Offboarded 1 Cancelled 1 No record "; p.summary != want {
		t.Errorf("summary %q\n   want %q", p.summary, want)
	}
}

// TestStatusesAreDocumented: docs/architecture.md lists them, in their order, and says which need a person.
func TestStatusesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, status := range page.Statuses {
		label := status.Label
		if status.Person && !page.Statuses[i+1].Person {
			label += " (these need a person)"
		}
		want = append(want, label)
	}
	if list := strings.Join(want, ", "); !strings.Contains(strings.Join(strings.Fields(string(text)), " "), "order of the page: "+list+".") {
		t.Errorf("docs/architecture.md does not list %s", list)
	}
}

func TestOrderWithinAStatus(t *testing.T) {
	t.Parallel()
	critical, low, older := sample("drift"), sample("drift"), sample("drift")
	critical.ConnectionID, low.ConnectionID, older.ConnectionID = "v/critical", "v/low", "v/older"
	low.Drift.Findings = low.Drift.Findings[1:2]
	older.Drift.Findings[0].Since = ago(9 * day)
	rows := parse(t, render(t, page.View{Connections: []store.Overview{low, critical, older}, At: now})).rows
	for i, want := range []string{"Drift v/older ", "Drift v/critical ", "Drift v/low "} {
		if !strings.HasPrefix(rows[i], want) {
			t.Errorf("row %d is %s, want %s", i, rows[i], want)
		}
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	p := parse(t, render(t, page.View{At: now}))
	if !strings.HasPrefix(p.summary, "No connections Tuesday, 10 March 2026") || len(p.rows) > 0 {
		t.Errorf("summary %q, rows %q", p.summary, p.rows)
	}
	p = parse(t, render(t, page.View{Connections: []store.Overview{sample("ok")}, At: now}))
	if !strings.HasPrefix(p.summary, "Nothing needs you 1 in all") {
		t.Errorf("summary %q", p.summary)
	}
}

func TestThemeAndZone(t *testing.T) {
	t.Parallel()
	for theme, want := range map[string]string{
		"": `"postern cwdb-no-default-styles"`, "dark": `"postern cwdb-no-default-styles dark"`, "light": `"postern cwdb-no-default-styles light"`,
		`x"><script>`: `"postern cwdb-no-default-styles"`,
	} {
		got := render(t, page.View{At: now, Theme: theme, Zone: time.FixedZone("UTC+01:00", 3600)})
		if !strings.Contains(got, want) {
			t.Errorf("theme %q: no %s", theme, want)
		}
		if !strings.Contains(parse(t, got).summary, "17:00 UTC+01:00") {
			t.Error("the time is not written in the reader's zone")
		}
	}
}

// TestLinks: every link leads to the console of its partition.
func TestLinks(t *testing.T) {
	t.Parallel()
	for partition, test := range map[string]struct{ region, host string }{
		"aws":        {"eu-central-1", "console.aws.amazon.com"},
		"aws-cn":     {"cn-north-1", "console.amazonaws.cn"},
		"aws-us-gov": {"us-gov-west-1", "console.amazonaws-us-gov.com"},
	} {
		t.Run(partition, func(t *testing.T) {
			t.Parallel()
			o := sample("ok")
			o.FinishedBy = "arn:" + partition + ":states:" + test.region + ":111122223333:execution:postern:run"
			o.Expects.Region = test.region
			want := []string{
				"https://" + test.host + "/states/home?region=" + test.region + "#/v2/executions/details/" + o.FinishedBy,
				"https://" + test.host + "/vpcconsole/home?region=" + test.region + "#EndpointDetails:vpcEndpointId=vpce-0123456789abcdef0",
				"https://" + test.host + "/route53/v2/hostedzones#ListRecordSets/Z0123456789ABCDEFGHIJ",
				"https://" + test.host + "/systems-manager/parameters/%252Fpostern%252Fvendor%252Fsample%252Furl/description?region=" + test.region,
			}
			if got := hrefs(parse(t, render(t, page.View{Connections: []store.Overview{o}, At: now}))); !slices.Equal(got, want) {
				t.Errorf("links\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestLinksOfAWait: an endpoint that is waited for is where the network is, in another Region too.
func TestLinksOfAWait(t *testing.T) {
	t.Parallel()
	for name, access := range map[string]connection.Access{
		"us-east-1": {}, "eu-west-1": {RoleARN: "arn:aws:iam::444455556666:role/postern", Region: "eu-west-1"},
	} {
		o := sample("waiting")
		o.Wait.Access = access
		got := hrefs(parse(t, render(t, page.View{Connections: []store.Overview{o}, At: now})))
		if len(got) != 2 || !strings.Contains(got[1], "region="+name+"#") {
			t.Errorf("%s: links %q", name, got)
		}
	}
}

func hrefs(p parsed) []string {
	var all []string
	for _, n := range p.elements {
		if n.Data == "a" {
			all = append(all, attribute(n, "href"))
		}
	}
	return all
}

// TestHostileValues puts markup into every value that others wrote. None of it may become an element, an attribute or an address.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`, `</style><style>*{display:none}`,
		`{{.}}`, `<!--`, "\x00\u202e", strings.Repeat("<", 10_000),
	} {
		at := now
		hostile := func(name string) store.Overview {
			o := sample(name)
			o.ConnectionID, o.Ticket, o.EndpointID, o.Holder = evil, evil, evil, evil
			o.FinishedBy = "arn:" + evil + ":states:" + evil + ":1:execution:" + evil + ":" + evil
			if o.Wait != nil {
				o.Wait.To, o.Wait.EndpointID, o.Wait.ServiceName, o.Wait.Subject, o.Wait.Gate = evil, evil, evil, evil, connection.Gate(evil)
				o.Wait.Execution, o.Wait.Access.RoleARN, o.Wait.Access.Region = evil, evil, evil
			}
			if o.Failure != nil {
				*o.Failure = store.Failure{Error: evil, Message: evil, AccountID: evil, Region: evil, VPCID: evil}
			}
			if o.Expects != nil {
				*o.Expects = connection.Expectation{At: at, AccountID: evil, Region: evil, VPCID: evil, EndpointID: evil, ZoneID: evil,
					Parameters: []string{evil, "/" + evil}}
			}
			if o.Drift != nil {
				for i := range o.Drift.Findings {
					f := &o.Drift.Findings[i]
					f.Check, f.Result, f.Detail, f.By = connection.DriftCheck(evil), connection.DriftResult(evil), evil, evil
				}
			}
			return o
		}
		var all []store.Overview
		for _, name := range samples {
			all = append(all, hostile(name))
		}
		source := render(t, page.View{Connections: all, At: now, Theme: evil})
		p := parse(t, source)
		harmless(t, p)
		if len(p.rows) != len(samples) {
			t.Errorf("%.20q: %d rows, want %d", evil, len(p.rows), len(samples))
		}
		if limit := 20_000 * len(samples); len(source) > limit {
			t.Errorf("%.20q: %d bytes: long values are not clipped", evil, len(source))
		}
	}
}

// TestStyleIsNotFirst: a fragment that begins with its style loses it to what cleans the HTML of widgets: a parser moves a leading
// style into the head of a document, and only the body is kept.
func TestStyleIsNotFirst(t *testing.T) {
	t.Parallel()
	for _, n := range parse(t, render(t, page.View{At: now})).elements {
		if n.Data == "style" && attribute(n.Parent, "class") != "postern cwdb-no-default-styles" {
			t.Errorf("the style is in <%s>", n.Parent.Data)
		}
	}
}

// harmless checks the elements, attributes and addresses of a page against those it is made of.
func harmless(t *testing.T, p parsed) {
	t.Helper()
	styles := 0
	for _, n := range p.elements {
		switch n.Data {
		case "style":
			styles++
		case "html", "head", "body", "div", "strong", "span", "ul", "li", "b", "i", "table", "thead", "tbody", "tr", "th", "td", "a", "p", "cwdb-action":
		default:
			t.Errorf("an element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "class", "title", "scope", "data-label", "target", "rel", "action":
			case "endpoint":
				if a.Val != widgetARN {
					t.Errorf("a call of %.60q", a.Val)
				}
			case "style":
				var width int
				if _, err := fmt.Sscanf(a.Val, "width:%d%%", &width); err != nil || a.Val != fmt.Sprintf("width:%d%%", width) {
					t.Errorf("a style %q", a.Val)
				}
			case "href":
				if !strings.HasPrefix(a.Val, "https://console.aws.amazon.com/") && !strings.HasPrefix(a.Val, "?from=") {
					t.Errorf("a link to %.60q", a.Val)
				}
			default:
				t.Errorf("an attribute %.20q", a.Key)
			}
		}
	}
	if styles != 1 {
		t.Errorf("%d styles", styles)
	}
}

// TestAnswerFitsLambda: a page of 2,000 connections at their worst is within the 6 MB of an answer.
func TestAnswerFitsLambda(t *testing.T) {
	t.Parallel()
	var all []store.Overview
	long := strings.Repeat("ä<", 2_000)
	for i := range 2_000 {
		o := sample("drift")
		o.ConnectionID, o.Ticket = fmt.Sprintf("%d/%s", i, long), long
		for range 3 {
			o.Drift.Findings = append(o.Drift.Findings, o.Drift.Findings...)
		}
		for j := range o.Drift.Findings {
			o.Drift.Findings[j].Detail, o.Drift.Findings[j].By = long, long
		}
		all = append(all, o)
	}
	source := render(t, page.View{Connections: all, At: now})
	if len(source) > 6<<20 {
		t.Errorf("%d bytes", len(source))
	}
	if rows := parse(t, source).rows; len(rows) != 500 {
		t.Errorf("%d rows", len(rows))
	}
	if usual := render(t, page.View{Connections: fleet(200), At: now}); len(usual) > 500_000 {
		t.Errorf("200 usual connections are %d bytes", len(usual))
	}
}
