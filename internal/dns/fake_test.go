package dns

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
)

// fakeRoute53 obeys the rules of Route 53 that this package depends on. A call it does not know panics: the embedded interface is
// nil.
type fakeRoute53 struct {
	API

	zones    []*fakeZone
	pageSize int
	calls    []string
	refuse   map[string][]error // before the operation does anything, one a call
	lose     map[string][]error // after it did
	comment  string             // of the last zone
}

type fakeZone struct {
	id, name, reference, vpc string
	account, service         string
	records                  []types.ResourceRecordSet
	unlisted                 bool // not in the list by VPC yet
	further, authorized      []string
}

func (z *fakeZone) vpcs() []string { return append([]string{z.vpc}, z.further...) }

func code(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: code + " as AWS says"}
}

func (f *fakeRoute53) enter(operation string) error {
	f.calls = append(f.calls, operation)
	return take(f.refuse, operation)
}

func take(errs map[string][]error, operation string) error {
	if len(errs[operation]) == 0 {
		return nil
	}
	err := errs[operation][0]
	errs[operation] = errs[operation][1:]
	return err
}

func (f *fakeRoute53) writes() []string {
	return slices.DeleteFunc(slices.Clone(f.calls), func(call string) bool {
		return strings.HasPrefix(call, "List") || strings.HasPrefix(call, "Get")
	})
}

func (f *fakeRoute53) zone(id string) *fakeZone {
	for _, zone := range f.zones {
		if zone.id == strings.TrimPrefix(id, "/hostedzone/") {
			return zone
		}
	}
	return nil
}

func (f *fakeRoute53) size() int {
	if f.pageSize == 0 {
		return 100
	}
	return f.pageSize
}

func (f *fakeRoute53) ListHostedZonesByVPC(
	_ context.Context, in *route53.ListHostedZonesByVPCInput, _ ...func(*route53.Options),
) (*route53.ListHostedZonesByVPCOutput, error) {
	if err := f.enter("ListHostedZonesByVPC"); err != nil {
		return nil, err
	}
	var found []types.HostedZoneSummary
	for _, zone := range f.zones {
		if zone.vpc != aws.ToString(in.VPCId) || zone.unlisted {
			continue
		}
		owner := &types.HostedZoneOwner{OwningAccount: aws.String("111122223333")}
		if zone.account != "" {
			owner = &types.HostedZoneOwner{OwningAccount: aws.String(zone.account)}
		}
		if zone.service != "" {
			owner = &types.HostedZoneOwner{OwningService: aws.String(zone.service)}
		}
		found = append(found, types.HostedZoneSummary{HostedZoneId: aws.String(zone.id), Name: aws.String(zone.name + "."),
			Owner: owner})
	}
	start, _ := strconv.Atoi(aws.ToString(in.NextToken))
	end := min(start+f.size(), len(found))
	out := &route53.ListHostedZonesByVPCOutput{HostedZoneSummaries: found[start:end]}
	if end < len(found) {
		out.NextToken = aws.String(strconv.Itoa(end))
	}
	return out, nil
}

func (f *fakeRoute53) ListHostedZonesByName(
	_ context.Context, in *route53.ListHostedZonesByNameInput, _ ...func(*route53.Options),
) (*route53.ListHostedZonesByNameOutput, error) {
	if err := f.enter("ListHostedZonesByName"); err != nil {
		return nil, err
	}
	sorted := slices.SortedFunc(slices.Values(f.zones), func(a, b *fakeZone) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.id, b.id))
	})
	out := &route53.ListHostedZonesByNameOutput{}
	for _, zone := range sorted {
		from := strings.Compare(zone.name, Name(aws.ToString(in.DNSName)))
		if from < 0 || from == 0 && zone.id < aws.ToString(in.HostedZoneId) {
			continue
		}
		if len(out.HostedZones) == f.size() {
			out.IsTruncated, out.NextDNSName, out.NextHostedZoneId = true, aws.String(zone.name+"."), aws.String(zone.id)
			break
		}
		out.HostedZones = append(out.HostedZones, types.HostedZone{
			Id: aws.String("/hostedzone/" + zone.id), Name: aws.String(zone.name + "."), CallerReference: aws.String(zone.reference),
		})
	}
	return out, nil
}

func (f *fakeRoute53) GetHostedZone(
	_ context.Context, in *route53.GetHostedZoneInput, _ ...func(*route53.Options),
) (*route53.GetHostedZoneOutput, error) {
	if err := f.enter("GetHostedZone"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.Id))
	if zone == nil {
		return nil, code("NoSuchHostedZone")
	}
	out := &route53.GetHostedZoneOutput{HostedZone: &types.HostedZone{CallerReference: aws.String(zone.reference)}}
	for _, id := range zone.vpcs() {
		out.VPCs = append(out.VPCs, types.VPC{VPCId: aws.String(id), VPCRegion: types.VPCRegionUsEast1})
	}
	return out, nil
}

func (f *fakeRoute53) CreateHostedZone(
	_ context.Context, in *route53.CreateHostedZoneInput, _ ...func(*route53.Options),
) (*route53.CreateHostedZoneOutput, error) {
	if err := f.enter("CreateHostedZone"); err != nil {
		return nil, err
	}
	if n := len(aws.ToString(in.CallerReference)); n < 1 || n > 128 || len(aws.ToString(in.HostedZoneConfig.Comment)) > 256 {
		panic("a caller reference has 1 to 128 characters, a comment at most 256")
	}
	name := Name(aws.ToString(in.Name))
	for _, zone := range f.zones {
		if zone.reference == aws.ToString(in.CallerReference) {
			return nil, code("HostedZoneAlreadyExists")
		}
		if zone.name == name && zone.vpc == aws.ToString(in.VPC.VPCId) {
			return nil, code("ConflictingDomainExists")
		}
	}
	f.comment = aws.ToString(in.HostedZoneConfig.Comment)
	zone := &fakeZone{
		id: fmt.Sprintf("ZNEW%d", len(f.zones)+1), name: name, reference: aws.ToString(in.CallerReference),
		vpc: aws.ToString(in.VPC.VPCId),
	}
	zone.records = apex(name)
	f.zones = append(f.zones, zone)
	if err := take(f.lose, "CreateHostedZone"); err != nil {
		return nil, err
	}
	return &route53.CreateHostedZoneOutput{HostedZone: &types.HostedZone{Id: aws.String("/hostedzone/" + zone.id)}}, nil
}

// apex is what AWS puts into a new zone.
func apex(name string) []types.ResourceRecordSet {
	return []types.ResourceRecordSet{
		{Name: aws.String(name + "."), Type: types.RRTypeNs, ResourceRecords: []types.ResourceRecord{{Value: aws.String("ns.")}}},
		{Name: aws.String(name + "."), Type: types.RRTypeSoa, ResourceRecords: []types.ResourceRecord{{Value: aws.String("soa")}}},
	}
}

func (f *fakeRoute53) DeleteHostedZone(
	_ context.Context, in *route53.DeleteHostedZoneInput, _ ...func(*route53.Options),
) (*route53.DeleteHostedZoneOutput, error) {
	if err := f.enter("DeleteHostedZone"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.Id))
	if zone == nil {
		return nil, code("NoSuchHostedZone")
	}
	if len(zone.records) > 2 {
		return nil, code("HostedZoneNotEmpty")
	}
	f.zones = slices.DeleteFunc(f.zones, func(z *fakeZone) bool { return z == zone })
	return &route53.DeleteHostedZoneOutput{}, nil
}

// order is the order of records: by the labels of the name from the last to the first, then by type.
func order(a, b types.ResourceRecordSet) int {
	reversed := func(name *string) string {
		labels := strings.Split(Name(aws.ToString(name)), ".")
		slices.Reverse(labels)
		return strings.Join(labels, ".")
	}
	return cmp.Or(strings.Compare(reversed(a.Name), reversed(b.Name)), strings.Compare(string(a.Type), string(b.Type)),
		strings.Compare(aws.ToString(a.SetIdentifier), aws.ToString(b.SetIdentifier)))
}

func (f *fakeRoute53) ListResourceRecordSets(
	_ context.Context, in *route53.ListResourceRecordSetsInput, _ ...func(*route53.Options),
) (*route53.ListResourceRecordSetsOutput, error) {
	if err := f.enter("ListResourceRecordSets"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.HostedZoneId))
	if zone == nil {
		return nil, code("NoSuchHostedZone")
	}
	from := types.ResourceRecordSet{Name: in.StartRecordName, Type: in.StartRecordType, SetIdentifier: in.StartRecordIdentifier}
	out := &route53.ListResourceRecordSetsOutput{}
	for _, record := range slices.SortedFunc(slices.Values(zone.records), order) {
		if in.StartRecordName != nil && order(record, from) < 0 {
			continue
		}
		if len(out.ResourceRecordSets) == f.size() {
			out.IsTruncated, out.NextRecordName, out.NextRecordType = true, record.Name, record.Type
			out.NextRecordIdentifier = record.SetIdentifier
			break
		}
		out.ResourceRecordSets = append(out.ResourceRecordSets, record)
	}
	return out, nil
}

// ChangeResourceRecordSets does a batch whole or not at all.
func (f *fakeRoute53) ChangeResourceRecordSets(
	_ context.Context, in *route53.ChangeResourceRecordSetsInput, _ ...func(*route53.Options),
) (*route53.ChangeResourceRecordSetsOutput, error) {
	if err := f.enter("ChangeResourceRecordSets"); err != nil {
		return nil, err
	}
	zone := f.zone(aws.ToString(in.HostedZoneId))
	records := slices.Clone(zone.records)
	for _, change := range in.ChangeBatch.Changes {
		var err error
		if records, err = changed(zone.name, records, change); err != nil {
			return nil, err
		}
	}
	zone.records = records
	if err := take(f.lose, "ChangeResourceRecordSets"); err != nil {
		return nil, err
	}
	return &route53.ChangeResourceRecordSetsOutput{}, nil
}

func changed(zone string, records []types.ResourceRecordSet, change types.Change) ([]types.ResourceRecordSet, error) {
	set := *change.ResourceRecordSet
	set.Name = aws.String(Name(aws.ToString(set.Name)) + ".") // AWS answers so whatever it was sent
	if Name(*set.Name) != zone && !strings.HasSuffix(Name(*set.Name), "."+zone) {
		return nil, code("InvalidChangeBatch")
	}
	i := slices.IndexFunc(records, func(have types.ResourceRecordSet) bool { return order(have, set) == 0 })
	switch change.Action {
	case types.ChangeActionDelete:
		if i < 0 || !same(records[i], set) {
			return nil, code("InvalidChangeBatch")
		}
		return slices.Delete(records, i, i+1), nil
	case types.ChangeActionCreate:
		if i >= 0 {
			return nil, code("InvalidChangeBatch")
		}
	}
	for j, have := range records {
		apart := j != i && Name(*have.Name) == Name(*set.Name)
		if apart && (have.Type == types.RRTypeCname || set.Type == types.RRTypeCname) {
			return nil, code("InvalidChangeBatch") // a CNAME stands alone
		}
	}
	if i >= 0 {
		records[i] = set
		return records, nil
	}
	return append(records, set), nil
}

func same(a, b types.ResourceRecordSet) bool {
	text := func(r types.ResourceRecordSet) string {
		line := fmt.Sprint(aws.ToInt64(r.TTL))
		for _, value := range r.ResourceRecords {
			line += " " + aws.ToString(value.Value)
		}
		if r.AliasTarget != nil {
			line += fmt.Sprint(aws.ToString(r.AliasTarget.DNSName), aws.ToString(r.AliasTarget.HostedZoneId),
				r.AliasTarget.EvaluateTargetHealth)
		}
		return line
	}
	return text(a) == text(b)
}
