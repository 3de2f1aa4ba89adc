package endpoint

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"postern/internal/connection"
)

// answers is EC2 at the wire: it answers each operation with pages of XML. A page's number is its token.
type answers struct {
	pages map[string][]string
	calls int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	a.calls++
	operation := form.Get("Action")
	at, _ := strconv.Atoi(form.Get("NextToken")) // "" is the first page
	body := ""
	if pages := a.pages[operation]; at < len(pages) {
		body = pages[at]
		if at+1 < len(pages) {
			body += fmt.Sprintf("<nextToken>%d</nextToken>", at+1)
		} else {
			body += "<nextToken></nextToken>"
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader("<" + operation + "Response><requestId>x</requestId>" + body + "</" + operation + "Response>")),
	}, nil
}

// over returns a client of the real SDK over answers.
func over(a *answers) *Client {
	return New(ec2.New(ec2.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: a}, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	}), slog.New(slog.DiscardHandler))
}

func element(name, text string) string {
	var b strings.Builder
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	b.WriteString("</" + name + ">")
	return b.String()
}

// Whatever EC2 answers, an endpoint is available only when the endpoint asked for is said to be, in any letter case, with a name and
// an address on each interface. Every page is read once.
func FuzzAvailable(f *testing.F) {
	const id = "vpce-0f1e2d3c4b5a69788"
	name := id + "-abcdefgh.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"
	for _, state := range []string{"available", "Available", "AVAILABLE", "pendingAcceptance", "pending", "", "frobnicated", "deleted", "Partial"} {
		f.Add(state, name, "eni-1", "10.20.1.9", "", uint8(0))
	}
	f.Add("available", name+".", "eni-1", "10.20.1.9", "", uint8(3))     // a trailing dot, empty pages before
	f.Add("available", "*."+name, "eni-1", "10.20.1.9", "", uint8(1))    // a wildcard only
	f.Add("available", `\052.`+name, "eni-1", "10.20.1.9", "", uint8(1)) // likewise, as Route 53 writes it
	f.Add("available", name, "eni-1", "", "", uint8(1))                  // no address yet
	f.Add("available", name, "", "10.20.1.9", "", uint8(1))
	f.Add("available", name, "eni-1", "10.20.1.9", "<vpcEndpointSet></vpcEndpointSet><networkInterfaceSet/>", uint8(1))
	f.Add("available", name, "eni-1", "10.20.1.9", "<vpcEndpointSet><item/></vpcEndpointSet>", uint8(2))
	f.Add("failed", name, "eni-1", "10.20.1.9", "<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><state>available</state></item></vpcEndpointSet>", uint8(2))
	f.Fuzz(func(t *testing.T, state, dnsName, eni, ip, odd string, empty uint8) {
		item := element("vpcEndpointId", id) + element("state", state) + "<networkInterfaceIdSet>" + element("item", eni) +
			"</networkInterfaceIdSet><dnsEntrySet><item>" + element("dnsName", dnsName) + "</item></dnsEntrySet>"
		pages := make([]string, empty%5, 8)
		pages = append(pages, "<vpcEndpointSet><item>"+item+"</item></vpcEndpointSet>", odd)
		a := &answers{pages: map[string][]string{
			"DescribeVpcEndpoints": pages,
			"DescribeNetworkInterfaces": {"", "<networkInterfaceSet><item>" + element("networkInterfaceId", eni) +
				element("privateIpAddress", ip) + "</item></networkInterfaceSet>", odd},
		}}
		got, err := over(a).Available(t.Context(), id)
		if a.calls > len(pages)+3 {
			t.Errorf("%d calls for %d pages", a.calls, len(pages)+3)
		}
		if err != nil || odd != "" {
			return
		}
		if got.State != connection.StateAvailable || !strings.EqualFold(strings.TrimSpace(state), "available") || len(got.Interfaces) == 0 ||
			!strings.HasPrefix(strings.ToLower(dnsName), id) {
			t.Errorf("state %q, name %q, interface %q: %+v", state, dnsName, eni, got)
		}
		for _, eni := range got.Interfaces {
			if eni.IP == "" {
				t.Errorf("no address: %+v", got)
			}
		}
	})
}

// Whatever EC2 answers, a service is visible only when it is named, and its private name is verified only when AWS says so.
func FuzzService(f *testing.F) {
	const name = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	for _, verification := range []string{"verified", "Verified", "pendingVerification", "failed", "", "unverified"} {
		f.Add(name, verification, "Interface", "")
	}
	f.Add("com.amazonaws.vpce.us-east-1.vpce-svc-1", "verified", "interface", "")
	f.Add(name, "verified", "GatewayLoadBalancer", "<serviceDetailSet/>")
	f.Add("", "", "", "<serviceDetailSet><item><serviceType><item/></serviceType></item></serviceDetailSet>")
	f.Fuzz(func(t *testing.T, named, verification, kind, odd string) {
		a := &answers{pages: map[string][]string{"DescribeVpcEndpointServices": {odd + "<serviceDetailSet><item>" + element("serviceName", named) +
			element("privateDnsNameVerificationState", verification) + "<serviceType><item>" + element("serviceType", kind) +
			"</item></serviceType></item></serviceDetailSet>"}}}
		got, err := over(a).Service(t.Context(), name, "us-east-1", "us-east-1")
		if err != nil || odd != "" {
			return
		}
		verified := strings.EqualFold(verification, "verified")
		if got.Visible != (named == name) || got.PrivateDNSVerified != (got.Visible && verified) ||
			got.Visible && strings.EqualFold(kind, "Interface") != (got.Type == "Interface") {
			t.Errorf("%q %q %q: %+v", named, verification, kind, got)
		}
	})
}

// A deletion that AWS could not do, although it answered 200, is an error, but for one that was done before.
func FuzzUnsuccessful(f *testing.F) {
	const id = "vpce-0f1e2d3c4b5a69788"
	for _, code := range []string{"", "InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound", "DependencyViolation", "UnauthorizedOperation", "InvalidParameter"} {
		f.Add(code, true, "available")
		f.Add(code, false, "available")
	}
	f.Add("DependencyViolation", true, "Deleting")
	f.Fuzz(func(t *testing.T, code string, reported bool, state string) {
		unsuccessful := "<unsuccessful/>"
		if reported {
			unsuccessful = "<unsuccessful><item>" + element("resourceId", id) + "<error>" + element("code", code) + "</error></item></unsuccessful>"
		}
		a := &answers{pages: map[string][]string{
			"DescribeVpcEndpoints": {"<vpcEndpointSet><item>" + element("vpcEndpointId", id) + element("state", state) +
				"<tagSet><item><key>" + connection.TagManaged + "</key><value>true</value></item><item><key>" + connection.TagConnection +
				"</key><value>v/n</value></item></tagSet></item></vpcEndpointSet>"},
			"DeleteVpcEndpoints": {unsuccessful},
		}}
		err := over(a).Remove(t.Context(), id, "v/n")
		gone := connection.ParseEndpointState(state).Gone()
		if failed := reported && !strings.HasSuffix(code, ".NotFound") && !gone; failed && err == nil {
			t.Errorf("%q in state %q counts as deleted", code, state)
		}
	})
}
