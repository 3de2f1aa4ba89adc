package approval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/events"
	"postern/internal/connection"
)

const sampleEndpoint = "vpce-0f1e2d3c4b5a69788"

func sns(message string) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":%s,"Timestamp":"2026-11-23T15:04:05.678Z"}}]}`, text)
}

func trail(name, rest string) string {
	return fmt.Sprintf(`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":%q%s}}`, name, rest)
}

func TestDecodeWake(t *testing.T) {
	t.Parallel()
	noted := time.Date(2026, 11, 23, 15, 4, 5, 678e6, time.UTC)
	called := time.Date(2026, 11, 23, 15, 10, 11, 0, time.UTC)
	one := []string{sampleEndpoint}
	short, other := "vpce-0123abcd", "vpce-00000000000000002"
	for name, test := range map[string]struct {
		raw string
		by  string
		ids []string
		at  time.Time
	}{
		"notification in JSON":       {string(events.Read("sns.accept.json")), connection.ObservedByNotification, one, noted},
		"notification in plain text": {string(events.Read("sns.reject-text.json")), connection.ObservedByNotification, one, noted},
		"the schedule": {string(events.Read("schedule.sweep.json")), connection.ObservedBySweep, nil, time.Date(2026, 11,
			23, 15, 5, 0, 0, time.UTC)},
		"a creation":     {string(events.Read("cloudtrail.create.json")), connection.ObservedByCloudTrail, one, called},
		"a modification": {string(events.Read("cloudtrail.modify.json")), connection.ObservedByCloudTrail, one, called},
		"a deletion":     {string(events.Read("cloudtrail.delete.json")), connection.ObservedByCloudTrail, one, called},

		"an id of eight digits": {sns("x " + short), connection.ObservedByNotification, []string{short}, noted},
		"several, one twice": {sns(other + " " + short + "," + other), connection.ObservedByNotification, []string{other, short},
			noted},
		"the id in a DNS name": {sns(other + "-abcd.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com"),
			connection.ObservedByNotification, []string{other}, noted},
		"a message that is an object": {`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":{"a":["` + short +
			`"]},"Timestamp":7e9}}]}`,
			"", nil, time.Time{}},
		"an object, and a time": {`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":{"a":["` + short +
			`"]},"Timestamp":"2026-11-23T15:04:05.678Z"}}]}`,
			connection.ObservedByNotification, []string{short}, noted},
		"only in the subject": {`{"Records":[{"EventSource":"aws:sns","Sns":{"Subject":"` + short + `"}}]}`,
			connection.ObservedByNotification, []string{short}, time.Time{}},
		"a time that is none": {`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"` + short + `","Timestamp":"today"}}]}`,
			connection.ObservedByNotification, []string{short}, time.Time{}},
		"two records, the later time": {`{"Records":[
			{"EventSource":"aws:sns","Sns":{"Message":"` + short + `","Timestamp":"2026-11-23T15:04:05.678Z"}},
			{"EventSource":"aws:sns","Sns":{"Message":"` + other + `","Timestamp":"2026-11-23T15:04:04Z"}}]}`,
			connection.ObservedByNotification, []string{short, other}, noted},

		"only a service":      {sns("vpce-svc-0123456789abcdef0 vpce-nfn-0123456789abcdef0"), "", nil, time.Time{}},
		"too short, too long": {sns("vpce-0123abc vpce-0123456789abcdef01"), "", nil, time.Time{}},
		"upper case":          {sns("VPCE-0123ABCD"), "", nil, time.Time{}},
		"a record of S3":      {`{"Records":[{"EventSource":"aws:s3","Sns":{"Message":"` + short + `"}}]}`, "", nil, time.Time{}},
		"no records":          {`{"Records":[]}`, "", nil, time.Time{}},
		"nothing":             {``, "", nil, time.Time{}},
		"null":                {`null`, "", nil, time.Time{}},
		"a list":              {`[1]`, "", nil, time.Time{}},
		"text":                {`vpce-0123abcd`, "", nil, time.Time{}},
		"another schedule":    {`{"source":"aws.scheduler","detail-type":"Scheduled Event"}`, "", nil, time.Time{}},
		"our own event":       {string(events.Read("postern.endpoint-state-change.json")), "", nil, time.Time{}},
		"a call of S3": {strings.Replace(trail("ModifyVpcEndpoint", `,"requestParameters":"`+short+`"`), "aws.ec2", "aws.s3", 1), "", nil,
			time.Time{}},
		"a call that reads": {trail("DescribeVpcEndpoints", `,"requestParameters":{"id":"`+short+`"}`), "", nil, time.Time{}},
		"a call that failed": {trail("DeleteVpcEndpoints",
			`,"errorCode":"Client.UnauthorizedOperation","requestParameters":{"id":"`+short+`"}`), "", nil, time.Time{}},
		"a call without detail": {`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail"}`, "", nil, time.Time{}},
		"a detail of text": {`{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","detail":"ModifyVpcEndpoint"}`, "",
			nil, time.Time{}},
		"parameters null": {trail("ModifyVpcEndpoint", `,"requestParameters":null,"responseElements":null`), "", nil,
			time.Time{}},
		"parameters of text": {trail("ModifyVpcEndpoint", `,"errorCode":null,"requestParameters":"`+short+`"`),
			connection.ObservedByCloudTrail, []string{short}, time.Time{}},
		"several deleted at once": {trail("DeleteVpcEndpoints",
			`,"requestParameters":{"DeleteVpcEndpointsRequest":{"VpcEndpointId":[{"tag":1,"content":"`+
				short+`"},{"tag":2,"content":"`+other+`"}]}}`), connection.ObservedByCloudTrail, []string{short, other}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := decodeWake([]byte(test.raw))
			if got.by != test.by || !slices.Equal(got.ids, test.ids) || !got.at.Equal(test.at) {
				t.Errorf("got %q %v at %s, want %q %v at %s", got.by, got.ids, got.at, test.by, test.ids, test.at)
			}
			if (got.by == "") != (got.note != "") {
				t.Errorf("by %q, note %q: a no-op says why, and nothing else does", got.by, got.note)
			}
		})
	}
}

func TestManyIDs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "vpce-%017x ", i)
	}
	if got := decodeWake([]byte(sns(b.String()))); len(got.ids) != maxIDs {
		t.Errorf("%d endpoints looked at for one message, want %d", len(got.ids), maxIDs)
	}
}

// checkWake is what every input must satisfy.
func checkWake(t *testing.T, raw []byte) {
	t.Helper()
	w := decodeWake(raw)
	if len(w.ids) > maxIDs {
		t.Errorf("%d ids", len(w.ids))
	}
	seen := map[string]bool{}
	for _, id := range w.ids {
		if !strings.Contains(string(raw), id) || seen[id] || endpointPattern.FindString(id) != id || len(id) < 13 || len(id) > 22 {
			t.Errorf("id %q of %s", id, raw)
		}
		seen[id] = true
	}
	switch w.by {
	case "":
		if w.note == "" || w.ids != nil {
			t.Errorf("a no-op with note %q and ids %v", w.note, w.ids)
		}
	case connection.ObservedBySweep:
		if w.ids != nil {
			t.Errorf("a sweep of %v only", w.ids)
		}
	case connection.ObservedByNotification, connection.ObservedByCloudTrail:
		if len(w.ids) == 0 {
			t.Error("woken without an endpoint")
		}
	default:
		t.Errorf("woken by %q", w.by)
	}
}

func FuzzNotification(f *testing.F) {
	for _, seed := range []string{
		"vpce-0f1e2d3c4b5a69788", `{"vpcEndpointId":"vpce-0123abcd"}`, "vpce-svc-0123456789abcdef0", "", "vpce-",
		"\x00\xffvpce-0123abcd\n", "vpce-0123abcdvpce-0123abcd",
	} {
		f.Add("", seed)
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, subject, message string) {
		s, _ := json.Marshal(subject)
		m, _ := json.Marshal(message)
		checkWake(t, []byte(fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Subject":%s,"Message":%s}}]}`, s, m)))
	})
}

func FuzzEvent(f *testing.F) {
	for _, name := range events.Names() {
		f.Add(events.Read(name))
	}
	f.Add([]byte(`{"Records":[{}]}`))
	f.Add([]byte(trail("ModifyVpcEndpoint", `,"requestParameters":[[]]`)))
	f.Fuzz(checkWake)
}
