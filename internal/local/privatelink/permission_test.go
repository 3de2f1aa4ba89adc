package privatelink_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/wire"
)

// asked is a permission on one line, with the condition keys that are the call's own.
func asked(p wire.Permission) string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(p.Context)) {
		switch key {
		case "aws:principalarn", "aws:principalaccount", "aws:requestedregion", "aws:securetransport", "aws:currenttime", "ec2:region":
		default:
			keys = append(keys, key+"="+strings.Join(p.Context[key], ","))
		}
	}
	return strings.Join(append([]string{p.Action, strings.Replace(p.Resource, "arn:aws:ec2:us-east-1:111122223333:", "", 1)},
		keys...), " ")
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	const (
		service  = "ec2:vpceservicename=" + monteCarlo + " ec2:vpceserviceowner=444455556666 ec2:vpceserviceregion=us-east-1"
		inVPC    = "ec2:vpc=arn:aws:ec2:us-east-1:111122223333:vpc/" + vpc
		ownGroup = "security-group/" + endpointGroup + " ec2:securitygroupid=" + endpointGroup + " " + inVPC
		tagged   = "aws:resourcetag/postern:managed=true ec2:resourcetag/postern:managed=true"
		given    = "aws:requesttag/postern:managed=true aws:tagkeys=postern:managed"
	)
	tags := []types.Tag{{Key: aws.String("postern:managed"), Value: aws.String("true")}}
	specified := []types.TagSpecification{{ResourceType: types.ResourceTypeVpcEndpoint, Tags: tags}}
	tests := []struct {
		name string
		call func(c *cloud, endpoint string) error
		want func(endpoint string) []string
	}{
		{"describe", func(c *cloud, _ string) error {
			_, err := c.ec2.DescribeVpcEndpoints(c.t.Context(), &ec2.DescribeVpcEndpointsInput{})
			return err
		}, func(string) []string { return []string{"ec2:DescribeVpcEndpoints *"} }},
		{"create", func(c *cloud, _ string) error {
			_, err := c.ec2.CreateVpcEndpoint(c.t.Context(), request(func(in *ec2.CreateVpcEndpointInput) {
				in.SubnetIds, in.TagSpecifications = []string{subnetA}, specified
			}))
			return err
		}, func(string) []string {
			return []string{
				"ec2:CreateVpcEndpoint vpc-endpoint/* " + given + " " + service,
				"ec2:CreateVpcEndpoint vpc/" + vpc + " ec2:vpcid=" + vpc,
				"ec2:CreateVpcEndpoint subnet/" + subnetA + " ec2:availabilityzone=us-east-1a ec2:subnetid=" + subnetA + " " + inVPC,
				"ec2:CreateVpcEndpoint " + ownGroup,
				"ec2:CreateTags vpc-endpoint/* " + given + " ec2:createaction=CreateVpcEndpoint",
			}
		}},
		{"create across Regions", func(c *cloud, _ string) error {
			_, err := c.ec2.CreateVpcEndpoint(c.t.Context(), request(func(in *ec2.CreateVpcEndpointInput) {
				in.SubnetIds, in.SecurityGroupIds, in.ServiceRegion = nil, nil, aws.String("us-west-2")
			}))
			wantCode(c.t, err, "InvalidServiceName") // permissions come first
			return nil
		}, func(string) []string {
			return []string{
				"ec2:CreateVpcEndpoint vpc-endpoint/* " + strings.Replace(service, "region=us-east-1", "region=us-west-2", 1),
				"ec2:CreateVpcEndpoint vpc/" + vpc + " ec2:vpcid=" + vpc,
				"vpce:AllowMultiRegion vpc-endpoint/*",
			}
		}},
		{"modify", func(c *cloud, id string) error {
			_, err := c.ec2.ModifyVpcEndpoint(c.t.Context(), &ec2.ModifyVpcEndpointInput{
				VpcEndpointId: &id, RemoveSecurityGroupIds: []string{endpointGroup}, PrivateDnsEnabled: aws.Bool(true),
			})
			wantCode(c.t, err, "InvalidParameter")
			return nil
		}, func(id string) []string {
			return []string{
				"ec2:ModifyVpcEndpoint vpc-endpoint/" + id + " " + keysOf(tagged, service),
				"ec2:ModifyVpcEndpoint " + ownGroup,
				"route53:AssociateVPCWithHostedZone arn:aws:route53:::hostedzone/* route53:vpcs=VPCId=" + vpc + ",VPCRegion=us-east-1",
			}
		}},
		{"delete", func(c *cloud, id string) error {
			_, err := c.ec2.DeleteVpcEndpoints(c.t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{id, "vpce-9"}})
			return err
		}, func(id string) []string {
			return []string{"ec2:DeleteVpcEndpoints vpc-endpoint/" + id + " " + keysOf(tagged, service),
				"ec2:DeleteVpcEndpoints vpc-endpoint/vpce-9"}
		}},
		{"notify", func(c *cloud, id string) error {
			_, err := c.ec2.CreateVpcEndpointConnectionNotification(c.t.Context(), subscribe(id, "Accept"))
			return err
		}, func(id string) []string {
			return []string{"ec2:CreateVpcEndpointConnectionNotification vpc-endpoint/" + id + " " + keysOf(tagged, service)}
		}},
		{"tag later", func(c *cloud, id string) error {
			_, err := c.ec2.CreateTags(c.t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
			return err
		}, func(id string) []string {
			return []string{"ec2:CreateTags vpc-endpoint/" + id + " " + keysOf(tagged, given)}
		}},
		{"group", func(c *cloud, _ string) error {
			_, err := c.ec2.CreateSecurityGroup(c.t.Context(), &ec2.CreateSecurityGroupInput{
				GroupName: aws.String("x"), Description: aws.String("x"), VpcId: aws.String(vpc),
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroup, Tags: tags}},
			})
			return err
		}, func(string) []string {
			return []string{
				"ec2:CreateSecurityGroup security-group/* " + given + " " + inVPC,
				"ec2:CreateSecurityGroup vpc/" + vpc + " ec2:vpcid=" + vpc,
				"ec2:CreateTags security-group/* " + given + " ec2:createaction=CreateSecurityGroup",
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			id := c.create(func(in *ec2.CreateVpcEndpointInput) { in.TagSpecifications = specified })
			c.asked.take()
			must(t, test.call(c, id))
			var got []string
			for _, p := range c.asked.take() {
				got = append(got, asked(p))
			}
			if diff := cmp.Diff(test.want(id), got); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
		})
	}
}

// keysOf joins condition keys in the order of asked.
func keysOf(tagged, service string) string {
	all := strings.Fields(tagged + " " + service)
	slices.Sort(all)
	return strings.Join(all, " ")
}
