package endpoint

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fakeEC2 obeys the rules of EC2 that this package depends on. A call it does not know panics: the embedded interface is nil.
type fakeEC2 struct {
	API

	mu            sync.Mutex
	calls         []string
	pageSize      int
	endpoints     []types.VpcEndpoint
	notifications []types.ConnectionNotification
	interfaces    []types.NetworkInterface
	groups        []types.SecurityGroup
	subnets       []types.Subnet
	acls          []types.NetworkAcl
	services      []types.ServiceDetail
	vpcs          []types.Vpc
	attributes    map[types.VpcAttributeName]bool
	tokens        map[string]made
	// refuse has the errors that an operation answers, one a call, before it does anything; lose those it answers after it did.
	refuse, lose map[string][]error
	unsuccessful map[string]types.UnsuccessfulItemError // by resource
	created      []*ec2.CreateVpcEndpointInput
	asked        []*ec2.DescribeVpcEndpointServicesInput
}

type made struct{ id, parameters string }

func code(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: code + " as AWS says"}
}

func client(f *fakeEC2) *Client { return New(f, slog.New(slog.NewTextHandler(io.Discard, nil))) }

// enter records a call and returns the error it is refused with.
func (f *fakeEC2) enter(operation string) error {
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

// page cuts a page out of a list. AWS: a token is opaque; here it is an index.
func page[T any](f *fakeEC2, all []T, token *string) ([]T, *string) {
	start, _ := strconv.Atoi(aws.ToString(token))
	if f.pageSize == 0 || start+f.pageSize >= len(all) {
		return all[start:], nil
	}
	return all[start : start+f.pageSize], aws.String(strconv.Itoa(start + f.pageSize))
}

func (f *fakeEC2) DescribeVpcs(_ context.Context, in *ec2.DescribeVpcsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput,
	error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeVpcs"); err != nil {
		return nil, err
	}
	for _, vpc := range f.vpcs {
		if aws.ToString(vpc.VpcId) == in.VpcIds[0] {
			return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{vpc}}, nil
		}
	}
	return nil, code("InvalidVpcID.NotFound")
}

func (f *fakeEC2) DescribeVpcAttribute(
	_ context.Context, in *ec2.DescribeVpcAttributeInput, _ ...func(*ec2.Options),
) (*ec2.DescribeVpcAttributeOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeVpcAttribute"); err != nil {
		return nil, err
	}
	value := &types.AttributeBooleanValue{Value: aws.Bool(f.attributes[in.Attribute])}
	if in.Attribute == types.VpcAttributeNameEnableDnsSupport {
		return &ec2.DescribeVpcAttributeOutput{EnableDnsSupport: value}, nil
	}
	return &ec2.DescribeVpcAttributeOutput{EnableDnsHostnames: value}, nil
}

func (f *fakeEC2) DescribeSubnets(
	_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeSubnetsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeSubnets"); err != nil {
		return nil, err
	}
	var found []types.Subnet
	for _, subnet := range f.subnets {
		if slices.Contains(in.SubnetIds, aws.ToString(subnet.SubnetId)) {
			found = append(found, subnet)
		}
	}
	if len(found) < len(in.SubnetIds) {
		return nil, code("InvalidSubnetID.NotFound")
	}
	out, next := page(f, found, in.NextToken)
	return &ec2.DescribeSubnetsOutput{Subnets: out, NextToken: next}, nil
}

// DescribeSecurityGroups leaves out what it does not find, as AWS does not: the client must not rely on AWS's refusal.
func (f *fakeEC2) DescribeSecurityGroups(
	_ context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeSecurityGroupsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecurityGroups"); err != nil {
		return nil, err
	}
	out, next := page(f, f.groups, in.NextToken)
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: out, NextToken: next}, nil
}

func (f *fakeEC2) DescribeVpcEndpointServices(
	_ context.Context, in *ec2.DescribeVpcEndpointServicesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeVpcEndpointServicesOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, in)
	if err := f.enter("DescribeVpcEndpointServices"); err != nil {
		return nil, err
	}
	for _, service := range f.services {
		if slices.Contains(in.ServiceNames, aws.ToString(service.ServiceName)) {
			return &ec2.DescribeVpcEndpointServicesOutput{ServiceDetails: []types.ServiceDetail{service}}, nil
		}
	}
	return nil, code("InvalidServiceName")
}

func (f *fakeEC2) DescribeVpcEndpoints(
	_ context.Context, in *ec2.DescribeVpcEndpointsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeVpcEndpointsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeVpcEndpoints"); err != nil {
		return nil, err
	}
	var found []types.VpcEndpoint
	for _, e := range f.endpoints {
		if (len(in.VpcEndpointIds) == 0 || slices.Contains(in.VpcEndpointIds, aws.ToString(e.VpcEndpointId))) && passes(e, in.Filters) {
			found = append(found, e)
		}
	}
	if len(found) < len(in.VpcEndpointIds) {
		return nil, code("InvalidVpcEndpointId.NotFound")
	}
	out, next := page(f, found, in.NextToken)
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: out, NextToken: next}, nil
}

func passes(e types.VpcEndpoint, filters []types.Filter) bool {
	for _, filter := range filters {
		if len(filter.Values) > 200 {
			panic("more than 200 values in a filter")
		}
		value := map[string]string{"vpc-id": aws.ToString(e.VpcId), "vpc-endpoint-id": aws.ToString(e.VpcEndpointId),
			"vpc-endpoint-type": string(e.VpcEndpointType)}
		for _, tag := range e.Tags {
			value["tag:"+aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if !slices.Contains(filter.Values, value[aws.ToString(filter.Name)]) {
			return false
		}
	}
	return true
}

func (f *fakeEC2) CreateVpcEndpoint(
	_ context.Context, in *ec2.CreateVpcEndpointInput, _ ...func(*ec2.Options),
) (*ec2.CreateVpcEndpointOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created = append(f.created, in)
	if err := f.enter("CreateVpcEndpoint"); err != nil {
		return nil, err
	}
	e := types.VpcEndpoint{
		VpcEndpointId: aws.String(fmt.Sprintf("vpce-%017x", len(f.endpoints)+1)), VpcId: in.VpcId, ServiceName: in.ServiceName,
		VpcEndpointType: in.VpcEndpointType, SubnetIds: in.SubnetIds, State: "pendingAcceptance", Tags: in.TagSpecifications[0].Tags,
	}
	id, err := f.once(in.ClientToken, fmt.Sprint(aws.ToString(in.ServiceName), in.SubnetIds, in.SecurityGroupIds),
		aws.ToString(e.VpcEndpointId))
	if err != nil {
		return nil, err
	}
	if id == aws.ToString(e.VpcEndpointId) {
		f.endpoints = append(f.endpoints, e)
	}
	if err := take(f.lose, "CreateVpcEndpoint"); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(f.endpoints, func(e types.VpcEndpoint) bool { return aws.ToString(e.VpcEndpointId) == id })
	return &ec2.CreateVpcEndpointOutput{VpcEndpoint: &f.endpoints[i]}, nil
}

// once is AWS's idempotency: a known token gives the thing it made, or an error when it comes with other parameters.
func (f *fakeEC2) once(token *string, parameters, id string) (string, error) {
	if len(aws.ToString(token)) > 64 || aws.ToString(token) == "" {
		panic("a client token has 1 to 64 characters")
	}
	if f.tokens == nil {
		f.tokens = map[string]made{}
	}
	known, ok := f.tokens[*token]
	switch {
	case !ok:
		f.tokens[*token] = made{id, parameters}
		return id, nil
	case known.parameters != parameters:
		return "", code("IdempotentParameterMismatch")
	}
	return known.id, nil
}

func (f *fakeEC2) DescribeVpcEndpointConnectionNotifications(
	_ context.Context, in *ec2.DescribeVpcEndpointConnectionNotificationsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeVpcEndpointConnectionNotificationsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeVpcEndpointConnectionNotifications"); err != nil {
		return nil, err
	}
	var found []types.ConnectionNotification
	for _, n := range f.notifications {
		if slices.Contains(in.Filters[0].Values, aws.ToString(n.VpcEndpointId)) {
			found = append(found, n)
		}
	}
	out, next := page(f, found, in.NextToken)
	return &ec2.DescribeVpcEndpointConnectionNotificationsOutput{ConnectionNotificationSet: out, NextToken: next}, nil
}

func (f *fakeEC2) CreateVpcEndpointConnectionNotification(
	_ context.Context, in *ec2.CreateVpcEndpointConnectionNotificationInput, _ ...func(*ec2.Options),
) (*ec2.CreateVpcEndpointConnectionNotificationOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("CreateVpcEndpointConnectionNotification"); err != nil {
		return nil, err
	}
	n := types.ConnectionNotification{
		ConnectionNotificationId:  aws.String(fmt.Sprintf("vpce-nfn-%017x", len(f.notifications)+1)),
		ConnectionNotificationArn: in.ConnectionNotificationArn, ConnectionEvents: in.ConnectionEvents, VpcEndpointId: in.VpcEndpointId,
	}
	id, err := f.once(in.ClientToken, aws.ToString(in.VpcEndpointId), aws.ToString(n.ConnectionNotificationId))
	if err != nil {
		return nil, err
	}
	if id == aws.ToString(n.ConnectionNotificationId) {
		f.notifications = append(f.notifications, n)
	}
	if err := take(f.lose, "CreateVpcEndpointConnectionNotification"); err != nil {
		return nil, err
	}
	n.ConnectionNotificationId = aws.String(id)
	return &ec2.CreateVpcEndpointConnectionNotificationOutput{ConnectionNotification: &n}, nil
}

func (f *fakeEC2) DeleteVpcEndpointConnectionNotifications(
	_ context.Context, in *ec2.DeleteVpcEndpointConnectionNotificationsInput, _ ...func(*ec2.Options),
) (*ec2.DeleteVpcEndpointConnectionNotificationsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DeleteVpcEndpointConnectionNotifications"); err != nil {
		return nil, err
	}
	id := in.ConnectionNotificationIds[0]
	out := &ec2.DeleteVpcEndpointConnectionNotificationsOutput{Unsuccessful: f.failed(id)}
	kept := slices.DeleteFunc(slices.Clone(f.notifications), func(n types.ConnectionNotification) bool {
		return aws.ToString(n.ConnectionNotificationId) == id
	})
	if len(out.Unsuccessful) == 0 && len(kept) == len(f.notifications) {
		out.Unsuccessful = []types.UnsuccessfulItem{absent(id, "InvalidConnectionNotification")}
	}
	f.notifications = kept
	return out, nil
}

func absent(id, code string) types.UnsuccessfulItem {
	return types.UnsuccessfulItem{ResourceId: aws.String(id), Error: &types.UnsuccessfulItemError{Code: aws.String(code)}}
}

func (f *fakeEC2) failed(id string) []types.UnsuccessfulItem {
	if item, ok := f.unsuccessful[id]; ok {
		return []types.UnsuccessfulItem{{ResourceId: aws.String(id), Error: &item}}
	}
	return nil
}

// DeleteVpcEndpoints answers 200 whatever happens to the endpoints.
func (f *fakeEC2) DeleteVpcEndpoints(
	_ context.Context, in *ec2.DeleteVpcEndpointsInput, _ ...func(*ec2.Options),
) (*ec2.DeleteVpcEndpointsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DeleteVpcEndpoints"); err != nil {
		return nil, err
	}
	out := &ec2.DeleteVpcEndpointsOutput{}
	for _, id := range in.VpcEndpointIds {
		i := slices.IndexFunc(f.endpoints, func(e types.VpcEndpoint) bool { return aws.ToString(e.VpcEndpointId) == id })
		switch failed := f.failed(id); {
		case len(failed) > 0:
			out.Unsuccessful = append(out.Unsuccessful, failed...)
		case i < 0:
			out.Unsuccessful = append(out.Unsuccessful, absent(id, "InvalidVpcEndpoint.NotFound"))
		default:
			f.endpoints[i].State = "deleting"
		}
	}
	return out, nil
}

func (f *fakeEC2) ModifyVpcEndpoint(
	_ context.Context, in *ec2.ModifyVpcEndpointInput, _ ...func(*ec2.Options),
) (*ec2.ModifyVpcEndpointOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("ModifyVpcEndpoint"); err != nil {
		return nil, err
	}
	for i := range f.endpoints {
		e := &f.endpoints[i]
		if aws.ToString(e.VpcEndpointId) != aws.ToString(in.VpcEndpointId) {
			continue
		}
		if in.PrivateDnsEnabled != nil {
			e.PrivateDnsEnabled = in.PrivateDnsEnabled
		}
		e.SubnetIds = slices.DeleteFunc(append(slices.Clone(e.SubnetIds), in.AddSubnetIds...), func(id string) bool {
			return slices.Contains(in.RemoveSubnetIds, id)
		})
		e.Groups = slices.DeleteFunc(slices.Concat(e.Groups, groupsOf(in.AddSecurityGroupIds...)), func(g types.SecurityGroupIdentifier) bool {
			return slices.Contains(in.RemoveSecurityGroupIds, aws.ToString(g.GroupId))
		})
	}
	return &ec2.ModifyVpcEndpointOutput{Return: aws.Bool(true)}, nil
}

func groupsOf(ids ...string) []types.SecurityGroupIdentifier {
	var groups []types.SecurityGroupIdentifier
	for _, id := range ids {
		groups = append(groups, types.SecurityGroupIdentifier{GroupId: aws.String(id)})
	}
	return groups
}

// CreateSecurityGroup makes a group without inbound rules.
func (f *fakeEC2) CreateSecurityGroup(
	_ context.Context, in *ec2.CreateSecurityGroupInput, _ ...func(*ec2.Options),
) (*ec2.CreateSecurityGroupOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("CreateSecurityGroup"); err != nil {
		return nil, err
	}
	id := aws.String(fmt.Sprintf("sg-new%d", len(f.groups)))
	f.groups = append(f.groups, types.SecurityGroup{GroupId: id, GroupName: in.GroupName, VpcId: in.VpcId, Tags: in.TagSpecifications[0].Tags})
	return &ec2.CreateSecurityGroupOutput{GroupId: id}, nil
}

func (f *fakeEC2) AuthorizeSecurityGroupIngress(
	_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options),
) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("AuthorizeSecurityGroupIngress"); err != nil {
		return nil, err
	}
	for i := range f.groups {
		if aws.ToString(f.groups[i].GroupId) == aws.ToString(in.GroupId) {
			f.groups[i].IpPermissions = append(f.groups[i].IpPermissions, in.IpPermissions...)
		}
	}
	return &ec2.AuthorizeSecurityGroupIngressOutput{}, nil
}

func (f *fakeEC2) CreateTags(
	_ context.Context, in *ec2.CreateTagsInput, _ ...func(*ec2.Options),
) (*ec2.CreateTagsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("CreateTags"); err != nil {
		return nil, err
	}
	for i, e := range f.endpoints {
		if slices.Contains(in.Resources, aws.ToString(e.VpcEndpointId)) {
			f.endpoints[i].Tags = append(slices.Clone(e.Tags), in.Tags...)
		}
	}
	return &ec2.CreateTagsOutput{}, nil
}

// DeleteTags removes a tag only when it has the value of the request.
func (f *fakeEC2) DeleteTags(
	_ context.Context, in *ec2.DeleteTagsInput, _ ...func(*ec2.Options),
) (*ec2.DeleteTagsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DeleteTags"); err != nil {
		return nil, err
	}
	for i, e := range f.endpoints {
		if slices.Contains(in.Resources, aws.ToString(e.VpcEndpointId)) {
			f.endpoints[i].Tags = slices.DeleteFunc(slices.Clone(e.Tags), func(tag types.Tag) bool {
				return slices.ContainsFunc(in.Tags, func(gone types.Tag) bool {
					return aws.ToString(gone.Key) == aws.ToString(tag.Key) && aws.ToString(gone.Value) == aws.ToString(tag.Value)
				})
			})
		}
	}
	return &ec2.DeleteTagsOutput{}, nil
}

func (f *fakeEC2) DescribeNetworkInterfaces(
	_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options),
) (*ec2.DescribeNetworkInterfacesOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeNetworkInterfaces"); err != nil {
		return nil, err
	}
	ids := in.NetworkInterfaceIds
	for _, filter := range in.Filters {
		ids = append(ids, filter.Values...)
	}
	var found []types.NetworkInterface
	for _, eni := range f.interfaces {
		if slices.Contains(ids, aws.ToString(eni.NetworkInterfaceId)) {
			found = append(found, eni)
		}
	}
	out, next := page(f, found, in.NextToken)
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: out, NextToken: next}, nil
}

func (f *fakeEC2) DescribeNetworkAcls(
	_ context.Context, in *ec2.DescribeNetworkAclsInput, _ ...func(*ec2.Options),
) (*ec2.DescribeNetworkAclsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter("DescribeNetworkAcls"); err != nil {
		return nil, err
	}
	var found []types.NetworkAcl
	for _, acl := range f.acls {
		if slices.ContainsFunc(acl.Associations, func(a types.NetworkAclAssociation) bool {
			return slices.Contains(in.Filters[0].Values, aws.ToString(a.SubnetId))
		}) {
			found = append(found, acl)
		}
	}
	out, next := page(f, found, in.NextToken)
	return &ec2.DescribeNetworkAclsOutput{NetworkAcls: out, NextToken: next}, nil
}

func (f *fakeEC2) called() string { return strings.Join(f.calls, " ") }
