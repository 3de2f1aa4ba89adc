package conformance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
	"postern/internal/proof/conformance"
)

// said is an exchange that is as AWS's models have it, before a test changes it.
type said struct{ service, operation, method, path, request, answer string }

const (
	formType = "application/x-www-form-urlencoded"
	zones    = "/2013-04-01/hostedzonesbyvpc?vpcid=vpc-1&vpcregion=us-east-1"
)

var exchanges = map[string]said{
	"json": {
		"states", "DescribeExecution", "POST", "/", `{"executionArn":"arn:aws:states:us-east-1:111122223333:execution:m:n"}`,
		`{"executionArn":"arn:e","stateMachineArn":"arn:m","status":"RUNNING","startDate":1793628000.5,"redriveCount":0}`,
	},
	"map": {
		"dynamodb", "PutItem", "POST", "/", `{"TableName":"connections","Item":{"id":{"S":"a"},"n":{"N":"1"}},"ReturnValues":"ALL_OLD"}`,
		`{"Attributes":{"id":{"S":"a"},"tags":{"SS":["x"]},"raw":{"B":"eA=="},"gone":{"BOOL":true}}}`,
	},
	"index": {
		"dynamodb", "Query", "POST", "/", `{"TableName":"connections","IndexName":"waiting"}`, `{"Items":[],"Count":0,"ScannedCount":0}`,
	},
	"ec2": {
		"ec2", "DescribeVpcEndpoints", "POST", "/",
		"Action=DescribeVpcEndpoints&Version=2016-11-15&VpcEndpointId.1=vpce-1&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&MaxResults=5",
		`<DescribeVpcEndpointsResponse><requestId>r</requestId><vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId>` +
			`<state>pendingAcceptance</state><subnetIdSet><item>subnet-1</item></subnetIdSet>` +
			`<creationTimestamp>2026-11-02T14:00:00Z</creationTimestamp></item></vpcEndpointSet></DescribeVpcEndpointsResponse>`,
	},
	"query": {
		"sns", "Publish", "POST", "/", "Action=Publish&Version=2010-03-31&TopicArn=arn&Message=m&" +
			"MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x",
		`<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`,
	},
	"rest": {
		"route53", "ListHostedZonesByVPC", "GET", zones, "",
		`<ListHostedZonesByVPCResponse><HostedZoneSummaries><HostedZoneSummary><HostedZoneId>Z1</HostedZoneId><Name>a.</Name>` +
			`<Owner><OwningAccount>111122223333</OwningAccount></Owner></HostedZoneSummary></HostedZoneSummaries>` +
			`<MaxItems>100</MaxItems></ListHostedZonesByVPCResponse>`,
	},
}

func (s said) exchange(status int) wire.Exchange {
	request := httptest.NewRequest(s.method, s.path, nil)
	switch s.service {
	case "states":
		request.Header = http.Header{"X-Amz-Target": {"AWSStepFunctions." + s.operation}, "Content-Type": {"application/x-amz-json-1.0"}}
	case "dynamodb":
		request.Header = http.Header{"X-Amz-Target": {"DynamoDB_20120810." + s.operation}, "Content-Type": {"application/x-amz-json-1.0"}}
	default:
		request.Header.Set("Content-Type", formType)
	}
	return wire.Exchange{
		Service: s.service, Operation: s.operation, Request: request, RequestBody: []byte(s.request), Status: status, Body: []byte(s.answer),
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, said := range exchanges {
		if wrong := conformance.Check(said.exchange(200)); len(wrong) > 0 {
			t.Errorf("%s: %q", name, wrong)
		}
	}
	tests := []struct{ of, old, new, want string }{ // a seeded bug, and what is said about it
		{"json", `"status":"RUNNING"`, `"status":"Running"`, `answer.status: "Running" is none of`},
		{"json", `,"startDate":1793628000.5`, ``, "answer: the required member startDate is missing"},
		{"json", `"startDate":1793628000.5`, `"startDate":"2026-11-02"`, "a time in seconds"},
		{"json", `"redriveCount":0`, `"redrives":0`, "answer: there is no member redrives"},
		{"json", `"redriveCount":0`, `"redriveCount":"0"`, "a number (integer) is expected"},
		{"json", `"arn:e"`, `null`, "a string is expected"},
		{"json", `{"executionArn":"arn:aws`, `{"executionARN":"arn:aws`, "request: the required member executionArn is missing"},
		{"json", `"arn:aws:states:us-east-1:111122223333:execution:m:n"`, `""`, "0 characters; allowed are 1 to 256"},
		{"map", `{"S":"a"},"n"`, `{"s":"a"},"n"`, "request.Item.id: there is no member s"},
		{"index", `"waiting"`, `"wait ing"`, `request.IndexName: "wait ing" does not match [a-zA-Z0-9_.-]+`},
		{"map", `"ALL_OLD"`, `"ALL"`, `request.ReturnValues: "ALL" is none of`},
		{"map", `"eA=="`, `"?"`, "base64 is expected"},
		{"map", `{"BOOL":true}`, `{"BOOL":"true"}`, "true or false is expected"},
		{"map", `{"SS":["x"]}`, `{"SS":"x"}`, "a list is expected"},
		{"ec2", "pendingAcceptance", "PendingAcceptance", `answer.VpcEndpoints[0].State: "PendingAcceptance" is none of`},
		{"ec2", "<item>subnet-1</item>", "<member>subnet-1</member>", "its items are named item, not member"},
		{"ec2", "subnetIdSet", "subnetIds", "there is no element subnetIds"},
		{"ec2", "2026-11-02T14:00:00Z", "1793628000", "ISO 8601"},
		{"ec2", "VpcEndpointId.1", "VpcEndpointIds.1", "there is no parameter VpcEndpointIds"},
		{"ec2", "Filter.1.Value.1", "Filter.1.Value.2", "not counted from 1"},
		{"ec2", "MaxResults=5", "MaxResults=five", "a number (integer) is expected"},
		{"ec2", "2016-11-15", "2015-11-15", "the version is 2015-11-15"},
		{"query", "PublishResult>", "Result>", "there is no element PublishResult"},
		{"query", "entry.1.Name=kind&", "entry.1.Name=kind&MessageAttributes.entry.2.Name=k&", "MessageAttributes.k: a structure is expected"},
		{"query", "&Message=m", "", "the required member Message is missing"},
		{"query", ".DataType=String", ".Type=String", "there is no parameter Type"},
		{"rest", "&vpcregion=us-east-1", "&region=us-east-1", "there is no query parameter region"},
		{"rest", "hostedzonesbyvpc", "hostedzones", "is not GET /2013-04-01/hostedzonesbyvpc"},
		{"rest", "us-east-1", "mars-1", `request.VPCRegion: "mars-1" is none of`},
		{"rest", "<HostedZoneId>Z1", "<HostedZoneId>Z123456789012345678901234567890123", "34 characters; allowed are any to 32"},
		{"rest", "ListHostedZonesByVPCResponse>", "Answer>", "the element is Answer"},
		{"rest", "<MaxItems>100</MaxItems>", "", "the required member MaxItems is missing"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %s for %s", test.of, test.new, test.old), func(t *testing.T) {
			t.Parallel()
			said, changed := exchanges[test.of], false
			for _, part := range []*string{&said.path, &said.request, &said.answer} {
				seeded := strings.ReplaceAll(*part, test.old, test.new)
				changed = changed || seeded != *part
				*part = seeded
			}
			wrong := strings.Join(conformance.Check(said.exchange(200)), "\n")
			if !changed || !strings.Contains(wrong, test.want) {
				t.Errorf("got %q, want %q", wrong, test.want)
			}
		})
	}
}

func TestCheckOfErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		of, answer string
		status     int
		want       string // "" for none
	}{
		{"json", `{"__type":"ExecutionDoesNotExist","message":"no"}`, 400, ""},
		{"json", `{"__type":"com.amazonaws.swf.service.v2.model#InvalidArn","message":"no"}`, 400, ""},
		{"json", `{"__type":"AccessDeniedException","Message":"no"}`, 400, ""},
		{"json", `{"__type":"ExecutionNotFound","message":"no"}`, 400, `"ExecutionNotFound" is no error of the operation`},
		{"json", `{"__type":"ExecutionDoesNotExist","execution":"e"}`, 400, "has no member execution"},
		{"ec2", `<Response><Errors><Error><Code>InvalidVpcEndpointId.NotFound</Code></Error></Errors></Response>`, 400, ""},
		{"ec2", `<Response><Errors><Error><Code>InvalidVpcEndpoint</Code></Error></Errors></Response>`, 400, "is no error"},
		{"ec2", `<Response><Error><Code>InvalidVpcEndpointId.NotFound</Code></Error></Response>`, 400, `"" is no error`},
		{"query", `<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>`, 404, ""},
		{"query", `<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>`, 400, "comes with status 404, not 400"},
		{"rest", `<ErrorResponse><Error><Code>InvalidInput</Code></Error></ErrorResponse>`, 400, ""},
		{"rest", `<ErrorResponse><Error><Code>InvalidVPCId</Code></Error></ErrorResponse>`, 400, "is no error"},
		{"rest", `not found`, 404, "is not XML"},
	}
	for _, test := range tests {
		said := exchanges[test.of]
		said.answer = test.answer
		wrong := strings.Join(conformance.Check(said.exchange(test.status)), "\n")
		if (wrong == "") != (test.want == "") || !strings.Contains(wrong, test.want) {
			t.Errorf("%s %s: got %q, want %q", test.of, test.answer, wrong, test.want)
		}
	}
}

// faults collects what Watch says.
type faults []string

func (f *faults) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// TestWatch seeds a bug into the embedded cloud: states in another case.
func TestWatch(t *testing.T) {
	t.Parallel()
	now := clock.New(time.Date(2026, 11, 2, 14, 0, 0, 0, time.UTC))
	world := privatelink.Small(now)
	if err := world.Vendor(privatelink.SmallService).Allow(privatelink.SmallAccount); err != nil {
		t.Fatal(err)
	}
	server := wire.NewServer(wire.Config{
		AccountID: privatelink.SmallAccount, Region: privatelink.SmallRegion, Now: now.Now, Authorizer: wire.AllowAll{},
	}, privatelink.NewService(world))
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	var found faults
	conformance.Watch(&found, server)
	client := ec2.NewFromConfig(server.AWS("AKIA"))
	create := func() {
		t.Helper()
		_, err := client.CreateVpcEndpoint(t.Context(), &ec2.CreateVpcEndpointInput{
			VpcEndpointType: types.VpcEndpointTypeInterface, VpcId: aws.String(privatelink.SmallVPC),
			ServiceName: aws.String(privatelink.SmallService), SubnetIds: []string{privatelink.SmallSubnetA},
			SecurityGroupIds: []string{privatelink.SmallEndpointGroup},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if create(); len(found) > 0 {
		t.Errorf("without the bug: %q", found)
	}
	world.Configure(func(o *privatelink.Options) { o.TitleCaseStates = true })
	create()
	if create(); len(found) != 1 || !strings.Contains(found[0], `State: "PendingAcceptance" is none of pendingAcceptance`) {
		t.Errorf("with the bug: %q", found)
	}
}
