package endpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// NetworkACL is the network ACL of some subnets.
type NetworkACL struct {
	ID        string
	SubnetIDs []string
	Entries   []ACLEntry // inbound and outbound, lowest number first
}

// ACLEntry is one rule of a network ACL, for IPv4. The first that matches decides.
type ACLEntry struct {
	Number           int
	Egress, Allow    bool
	Protocol         string // a number, -1 for all
	CIDR             string
	FromPort, ToPort int // 0 and 65535 when the rule is for every port
}

// NetworkACLs returns the network ACLs of subnets, of many together with those of others.
//
// AWS: every subnet has exactly one; the VPC's default ACL is listed with the subnets that have no other.
func (c *Client) NetworkACLs(ctx context.Context, subnetIDs []string) ([]NetworkACL, error) {
	if len(subnetIDs) == 0 || slices.Contains(subnetIDs, "") {
		return nil, errors.New("describing network ACLs: no subnet id")
	}
	var acls []NetworkACL
	pages := ec2.NewDescribeNetworkAclsPaginator(c.api, &ec2.DescribeNetworkAclsInput{
		Filters: only("association.subnet-id", subnetIDs), MaxResults: aws.Int32(mostOnPage),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describing network ACLs: %w", err)
		}
		for _, acl := range page.NetworkAcls {
			acls = append(acls, aclOf(acl))
		}
	}
	return acls, nil
}

func aclOf(a types.NetworkAcl) NetworkACL {
	acl := NetworkACL{ID: aws.ToString(a.NetworkAclId)}
	for _, association := range a.Associations {
		acl.SubnetIDs = append(acl.SubnetIDs, aws.ToString(association.SubnetId))
	}
	for _, e := range a.Entries {
		if e.CidrBlock == nil {
			continue // an IPv6 rule: the endpoint's addresses are IPv4
		}
		entry := ACLEntry{
			Number: int(aws.ToInt32(e.RuleNumber)), Egress: aws.ToBool(e.Egress), Allow: e.RuleAction == types.RuleActionAllow,
			Protocol: aws.ToString(e.Protocol), CIDR: aws.ToString(e.CidrBlock), ToPort: 65535,
		}
		if e.PortRange != nil {
			entry.FromPort, entry.ToPort = int(aws.ToInt32(e.PortRange.From)), int(aws.ToInt32(e.PortRange.To))
		}
		acl.Entries = append(acl.Entries, entry)
	}
	slices.SortStableFunc(acl.Entries, func(a, b ACLEntry) int { return cmp.Compare(a.Number, b.Number) })
	return acl
}

// lastRule is the number that AWS gives to the rule that denies what no other matched, which consoles show as *.
const lastRule = 32767

// String names the rule as the console does.
func (e ACLEntry) String() string {
	direction, action, number := "inbound", "denies", strconv.Itoa(e.Number)
	if e.Egress {
		direction = "outbound"
	}
	if e.Allow {
		action = "allows"
	}
	if e.Number == lastRule {
		number = "*"
	}
	return fmt.Sprintf("%s rule %s %s %s", direction, number, action, e.CIDR)
}
