package people

import (
	"fmt"
	"slices"
	"strings"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
)

// Damage is one manual change, or one fault of the vendor, that breaks a connection that works.
type Damage struct {
	Name   string // kebab-case
	Vendor string // whose sample connection it is done to: monte-carlo or engflow
	Says   string // what was done, for people
	do     func(*local.Cloud, privatelink.Endpoint) error
}

// Do breaks the connection of an endpoint.
func (d Damage) Do(cloud *local.Cloud, endpointID string) error {
	endpoint, known := cloud.World.Endpoint(endpointID)
	if !known {
		return fmt.Errorf("breaking %s: endpoint %s does not exist", d.Name, endpointID)
	}
	return d.do(cloud, endpoint)
}

const (
	monteCarlo = "monte-carlo"
	engflow    = "engflow"
	zoneName   = "privatelink.getmontecarlo.com."
)

// Damages lists every damage.
var Damages = []Damage{
	{"nothing", monteCarlo, "nothing is broken", func(*local.Cloud, privatelink.Endpoint) error { return nil }},
	{"rejection", monteCarlo, "the vendor rejects the endpoint", func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.Vendor(e.ServiceName).Reject(e.ID, "the contract ended")
	}},
	{"deletion", monteCarlo, "an operator deletes the endpoint", func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.DeleteByHand(e.ID)
	}},
	{"dns-hostnames", monteCarlo, "an operator disables enableDnsHostnames of the VPC", func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.SetVPCDNS(e.VPCID, true, false)
	}},
	{"dns-support", monteCarlo, "an operator disables enableDnsSupport of the VPC", func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.SetVPCDNS(e.VPCID, false, true)
	}},
	{"private-dns", engflow, "an operator disables the endpoint's private DNS", func(c *local.Cloud, e privatelink.Endpoint) error {
		c.Network.Publish(world.EngFlowHost, balancer, "10.1.17.4", "10.1.33.9")
		return c.World.SetPrivateDNSByHand(e.ID, false)
	}},
	{"private-dns-taken", engflow, "an operator disables private DNS and creates a zone of the same name",
		func(c *local.Cloud, e privatelink.Endpoint) error {
			c.Zones.AddZone(route53.Zone{Name: world.EngFlowHost, Private: true, VPCs: inVPC(e)})
			return c.World.SetPrivateDNSByHand(e.ID, false)
		}},
	{"private-dns-shadowed", engflow, "an operator creates a zone that is more specific than that of the private DNS",
		func(c *local.Cloud, e privatelink.Endpoint) error {
			if err := c.World.Vendor(e.ServiceName).Update(func(s *privatelink.VendorService) {
				s.PrivateDNSName = "*.cluster.engflow.com"
			}); err != nil {
				return err
			}
			c.Zones.AddZone(route53.Zone{Name: world.EngFlowHost, Private: true, VPCs: inVPC(e)})
			return nil
		}},
	{"zone-association", monteCarlo, "an operator associates the zone with another VPC instead",
		changeZone(func(z *route53.Zone, _ privatelink.Endpoint) {
			z.VPCs = []route53.VPC{{ID: "vpc-0fedcba9876543210", Region: world.Region}}
		})},
	{"zone-deleted", monteCarlo, "an operator deletes the zone", func(c *local.Cloud, _ privatelink.Endpoint) error {
		return c.Zones.DeleteByHand(zoneName)
	}},
	{"zone-replaced", monteCarlo, "an operator replaces the zone with an empty one of the same name",
		func(c *local.Cloud, e privatelink.Endpoint) error {
			err := c.Zones.DeleteByHand(zoneName)
			c.Zones.AddZone(route53.Zone{Name: zoneName, Private: true, VPCs: inVPC(e)})
			return err
		}},
	{"zone-shadowed", monteCarlo, "an operator creates a zone that is more specific", func(c *local.Cloud, e privatelink.Endpoint) error {
		c.Zones.AddZone(route53.Zone{Name: world.MonteCarloHost, Private: true, VPCs: inVPC(e)})
		return nil
	}},
	{"record-deleted", monteCarlo, "an operator deletes the record", changeZone(func(z *route53.Zone, _ privatelink.Endpoint) {
		z.Records = slices.DeleteFunc(z.Records, isCNAME)
	})},
	{"record-changed", monteCarlo, "an operator points the record at the vendor's load balancer",
		func(c *local.Cloud, e privatelink.Endpoint) error {
			c.Network.Publish("artemis.getmontecarlo.com", balancer, "203.0.113.17")
			return changeZone(func(z *route53.Zone, _ privatelink.Endpoint) {
				for i := range z.Records {
					if isCNAME(z.Records[i]) {
						z.Records[i].Values = []string{"artemis.getmontecarlo.com"}
					}
				}
			})(c, e)
		}},
	{"security-group", monteCarlo, "an operator removes the inbound rule of the endpoint's security group",
		func(c *local.Cloud, _ privatelink.Endpoint) error {
			return c.World.RemoveSecurityGroupRule(world.EndpointGroup, func(r privatelink.Rule) bool { return !r.Egress })
		}},
	{"security-group-replaced", monteCarlo, "an operator gives the endpoint another security group",
		func(c *local.Cloud, e privatelink.Endpoint) error {
			return c.World.SetSecurityGroupsByHand(e.ID, world.ClientGroup)
		}},
	{"client-security-group", monteCarlo, "an operator removes the outbound rule of the clients' security group",
		func(c *local.Cloud, _ privatelink.Endpoint) error {
			return c.World.RemoveSecurityGroupRule(world.ClientGroup, func(r privatelink.Rule) bool { return r.Egress })
		}},
	{"network-acl", monteCarlo, "an operator gives one subnet a network ACL that denies HTTPS",
		setACL(
			privatelink.ACLEntry{Number: 90, Protocol: "6", CIDR: "10.20.0.0/16", FromPort: 443, ToPort: 443},
			privatelink.ACLEntry{Number: 100, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
			privatelink.ACLEntry{Number: 100, Egress: true, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"})},
	{"network-acl-answers", monteCarlo, "an operator gives one subnet a network ACL that drops the replies",
		setACL(
			privatelink.ACLEntry{Number: 100, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
			privatelink.ACLEntry{Number: 100, Egress: true, Allow: true, Protocol: "6", CIDR: "0.0.0.0/0", FromPort: 443, ToPort: 443})},
	{"client-network-acl", monteCarlo, "an operator gives the clients' subnet a network ACL that denies outbound HTTPS",
		func(c *local.Cloud, _ privatelink.Endpoint) error {
			return c.World.SetACL(world.SubnetA,
				privatelink.ACLEntry{Number: 100, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"},
				privatelink.ACLEntry{Number: 90, Egress: true, Protocol: "6", CIDR: "10.20.2.0/24", FromPort: 1, ToPort: 1023},
				privatelink.ACLEntry{Number: 100, Egress: true, Allow: true, Protocol: "-1", CIDR: "0.0.0.0/0"})
		}},
	{"zone-down", monteCarlo, "the vendor's targets in one Availability Zone fail", change(func(s *privatelink.VendorService) {
		s.DownAZIDs = []string{"use1-az2"}
	})},
	{"no-answer", monteCarlo, "the vendor's targets fail in every Availability Zone", change(func(s *privatelink.VendorService) {
		s.DownAZIDs = s.AZIDs
	})},
	{"allow-list", monteCarlo, "the vendor serves listed endpoints only, and forgets ours", change(func(s *privatelink.VendorService) {
		s.ListedOnly = true
	})},
	{"port", monteCarlo, "the vendor moves to another port", change(func(s *privatelink.VendorService) { s.Ports = []int{8443} })},
	{"plain", monteCarlo, "the vendor's port stops to speak TLS", change(func(s *privatelink.VendorService) { s.PlainPorts = s.Ports })},
	{"protocol", engflow, "the vendor serves HTTP/1.1 only", change(func(s *privatelink.VendorService) { s.ALPN = []string{"http/1.1"} })},
	{"certificate-name", monteCarlo, "the vendor shows a certificate for another name", certificate(privatelink.WrongName)},
	{"certificate-expired", monteCarlo, "the vendor's certificate expires", certificate(privatelink.ExpiredCertificate)},
	{"certificate-authority", monteCarlo, "the vendor's certificate is signed by a stranger", certificate(privatelink.UnknownAuthority)},
	{"withdrawal", monteCarlo, "the vendor takes the account off its allow-list", func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.Vendor(e.ServiceName).Withdraw(c.World.AccountID())
	}},
}

// balancer is what the name of a vendor's load balancer looks like.
const balancer = "tf-lb-20261121.elb.us-east-1.amazonaws.com"

// ParseDamage reads the name of a damage.
func ParseDamage(name string) (Damage, error) {
	names := make([]string, len(Damages))
	for i, damage := range Damages {
		if names[i] = damage.Name; damage.Name == name {
			return damage, nil
		}
	}
	return Damage{}, fmt.Errorf("nothing is known of how to break %q: write %s", name, strings.Join(names, ", "))
}

func inVPC(e privatelink.Endpoint) []route53.VPC {
	return []route53.VPC{{ID: e.VPCID, Region: e.Region}}
}

func isCNAME(r route53.Record) bool { return r.Type == "CNAME" }

// changeZone changes Monte Carlo's zone.
func changeZone(edit func(*route53.Zone, privatelink.Endpoint)) func(*local.Cloud, privatelink.Endpoint) error {
	return func(c *local.Cloud, e privatelink.Endpoint) error {
		for _, zone := range c.Zones.Zones() {
			if zone.Name == zoneName {
				return c.Zones.ChangeByHand(zone.ID, func(z *route53.Zone) { edit(z, e) })
			}
		}
		return fmt.Errorf("there is no zone %s", zoneName)
	}
}

// setACL gives the endpoint's last subnet a network ACL.
func setACL(entries ...privatelink.ACLEntry) func(*local.Cloud, privatelink.Endpoint) error {
	return func(c *local.Cloud, e privatelink.Endpoint) error {
		return c.World.SetACL(e.SubnetIDs[len(e.SubnetIDs)-1], entries...)
	}
}

// change changes the vendor's service.
func change(edit func(*privatelink.VendorService)) func(*local.Cloud, privatelink.Endpoint) error {
	return func(c *local.Cloud, e privatelink.Endpoint) error { return c.World.Vendor(e.ServiceName).Update(edit) }
}

func certificate(kind privatelink.Certificate) func(*local.Cloud, privatelink.Endpoint) error {
	return change(func(s *privatelink.VendorService) { s.Certificate = kind })
}
