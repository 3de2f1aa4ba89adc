package drift

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/internal/connection"
	"postern/internal/endpoint"
	"postern/internal/endpoint/filter"
	"postern/internal/store"
)

// scene is one connection with what the lists of its place show.
type scene struct {
	id   string // of the connection
	want connection.Expectation
	of   *survey
	Config
}

// errNotAsked is the answer of a check that has nothing to compare now: its finding stays as it is.
var errNotAsked = errors.New("not asked")

// errForHands comes with a difference that needs manual repair.
var errForHands = errors.New("needs manual repair")

// shallowChecks compare what lists show. They return what differs, "" when nothing does, or why it is unknown.
var shallowChecks = []struct {
	check  connection.DriftCheck
	differ func(scene) (string, error)
}{
	{connection.CheckEndpointState, scene.state},
	{connection.CheckEndpoint, scene.endpoint},
	{connection.CheckService, scene.service},
	{connection.CheckSubnets, scene.subnets},
	{connection.CheckZonesOffered, scene.zonesOffered},
	{connection.CheckSecurityGroups, scene.groups},
	{connection.CheckPrivateDNS, scene.privateDNS},
	{connection.CheckVPCDNS, scene.vpcDNS},
	{connection.CheckPolicy, scene.policy},
	{connection.CheckTags, scene.tags},
	{connection.CheckServiceVisible, scene.visible},
	{connection.CheckNotification, scene.notification},
	{connection.CheckNetworkACL, scene.acls},
}

// shallow returns the answers that lists give.
func (c *Checker) shallow(link store.Link, of *survey) []connection.DriftAnswer {
	s := scene{id: link.ConnectionID, want: link.Expects, of: of, Config: c.Config}
	var answers []connection.DriftAnswer
	for _, shallow := range shallowChecks {
		differs, err := shallow.differ(s)
		switch {
		case errors.Is(err, errNotAsked):
		case errors.Is(err, errForHands):
			answers = append(answers, forHands(true, answer(shallow.check, false, "%s", differs))...)
		case err != nil:
			answers = append(answers, unknown(err, shallow.check)...)
		default:
			answers = append(answers, answer(shallow.check, differs == "", "%s", differs))
		}
	}
	return answers
}

// unless returns what differs, "" when all is as it should be.
func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// there returns the connection's endpoint. What depends on one that is gone is not asked.
func (s scene) there() (endpoint.Endpoint, error) {
	if s.of.endpoints.err != nil {
		return endpoint.Endpoint{}, s.of.endpoints.err
	}
	e, found := s.of.endpoints.found[s.want.EndpointID]
	if !found || e.State == connection.StateDeleted || e.State == connection.StateDeleting || e.VPCID != s.want.VPCID {
		return e, errNotAsked
	}
	return e, nil
}

func (s scene) endpoint() (string, error) {
	if _, err := s.there(); !errors.Is(err, errNotAsked) {
		return "", err
	}
	return fmt.Sprintf("%s is no longer in %s", s.want.EndpointID, s.want.VPCID), nil
}

// state compares the endpoint's state. One that was modified is pending for a while, and traffic flows on.
func (s scene) state() (string, error) {
	e, err := s.there()
	switch {
	case err != nil:
		return "", err
	case e.State == connection.StatePending:
		return "", errNotAsked
	case e.State == connection.StateUnknown:
		return "", fmt.Errorf("%s is in a state that this release does not know", e.ID)
	}
	because := ""
	if e.Reason != "" {
		because = ": " + e.Reason
	}
	return unless(e.State == connection.StateAvailable, "%s is %s%s", e.ID, e.State, because), nil
}

func (s scene) service() (string, error) {
	e, err := s.there()
	if err != nil {
		return "", err
	}
	region := cmp.Or(e.ServiceRegion, s.want.Region) // AWS leaves the endpoint's own Region out
	return unless(e.ServiceName == s.want.ServiceName && region == s.want.ServiceRegion, "%s reaches %s in %s instead of %s in %s",
		e.ID, e.ServiceName, region, s.want.ServiceName, s.want.ServiceRegion), nil
}

func (s scene) subnets() (string, error) {
	e, err := s.there()
	if err != nil {
		return "", err
	}
	return unless(same(e.SubnetIDs, s.want.SubnetIDs), "%s is in %s instead of %s", e.ID, joined(e.SubnetIDs), joined(s.want.SubnetIDs)), nil
}

// zonesOffered compares the zones that the service offers with those at the onboarding: one that is new may be wanted.
func (s scene) zonesOffered() (string, error) {
	if _, err := s.there(); err != nil {
		return "", err
	}
	service, err := s.seen()
	if err != nil || len(s.want.AZIDs) == 0 { // AWS: a service of another Region shows no zones
		return "", err
	}
	added := slices.DeleteFunc(slices.Clone(service.AZIDs), func(id string) bool { return slices.Contains(s.want.AZIDs, id) })
	return unless(len(added) == 0, "the service is now offered in %s too; the endpoint has no subnet there", joined(added)), nil
}

// groups compares the endpoint's security groups, and whom they allow. Rules other than those of the clients are their owner's.
func (s scene) groups() (string, error) {
	e, err := s.there()
	switch {
	case err != nil:
		return "", err
	case !same(e.SecurityGroupIDs, s.want.SecurityGroupIDs):
		return fmt.Sprintf("%s has %s instead of %s", e.ID, joined(e.SecurityGroupIDs), joined(s.want.SecurityGroupIDs)), nil
	case s.of.groups.err != nil:
		return "", s.of.groups.err
	}
	clients, err := s.clients()
	if err != nil {
		return "", err
	}
	var groups []endpoint.SecurityGroup
	for _, id := range s.want.SecurityGroupIDs {
		group, found := s.of.groups.found[id]
		if !found {
			return "", fmt.Errorf("AWS does not show security group %s", id)
		}
		groups = append(groups, group)
	}
	anyone := slices.ContainsFunc(filter.Blocks(s.want.CIDRs), filter.Anywhere)
	for _, port := range s.want.Ports {
		switch check := clients.Admission(groups, port); {
		case check.Verdict == connection.Fail:
			if !s.want.OwnGroup {
				err = errForHands // the rules of a group that the request named are its owner's
			}
			return check.Target + ": " + check.Detail, err
		case check.Verdict == connection.Unknown:
			return "", errNotAsked // the plan did not know either
		case !anyone && !s.want.Open && filter.Admits(groups, port).Open:
			return fmt.Sprintf("%s allows any client on %d/tcp", joined(s.want.SecurityGroupIDs), port), errForHands
		}
	}
	return "", nil
}

// clients are who connects. A group of our own names all of them: no other rule stands for theirs.
func (s scene) clients() (filter.Clients, error) {
	vpc, found := s.of.vpcs.found[s.want.VPCID]
	if err := s.of.vpcs.err; err != nil {
		return filter.Clients{}, err
	}
	if !found {
		return filter.Clients{}, fmt.Errorf("AWS does not show %s", s.want.VPCID)
	}
	network, _ := s.Networks.Find(s.want.Region, s.want.VPCID)
	clients := filter.Clients{
		CIDRs: s.want.CIDRs, GroupIDs: s.want.ClientGroupIDs, VPCCIDRs: vpc.CIDRs, ProbeGroupIDs: network.ProbeSecurityGroupIDs,
		ProbeSubnetIDs: network.ProbeSubnetIDs,
	}
	if s.want.OwnGroup {
		clients.ProbeGroupIDs = nil
	}
	return clients, nil
}

func (s scene) privateDNS() (string, error) {
	e, err := s.there()
	if err != nil {
		return "", err
	}
	for _, other := range s.of.endpoints.found {
		rival := other.ID != e.ID && other.VPCID == e.VPCID && other.ServiceName == e.ServiceName
		if s.want.PrivateDNS && !e.PrivateDNSEnabled && rival && other.PrivateDNSEnabled && !other.State.Gone() {
			return fmt.Sprintf("the private DNS of %s is off, and that of %s, which reaches the same service, is on", e.ID, other.ID), errForHands
		}
	}
	onOff := map[bool]string{true: "on", false: "off"}
	return unless(e.PrivateDNSEnabled == s.want.PrivateDNS, "the private DNS of %s is %s", e.ID, onOff[e.PrivateDNSEnabled]), nil
}

// vpcDNS compares the attributes without which no private name is answered; a connection without a name does not need them.
func (s scene) vpcDNS() (string, error) {
	dns, read := s.of.dns[s.want.VPCID]
	switch {
	case !read || !s.want.PrivateDNS && s.want.ZoneID == "":
		return "", errNotAsked
	case dns.err != nil:
		return "", dns.err
	case !dns.support:
		return s.want.VPCID + " has enableDnsSupport off", nil
	}
	return unless(dns.hostnames, "%s has enableDnsHostnames off", s.want.VPCID), nil
}

// policy compares the endpoint's policy with AWS's default, as Postern sets none, or with the one that an adopted endpoint had: it is
// its owner's. A service that supports none shows none.
func (s scene) policy() (string, error) {
	e, err := s.there()
	switch {
	case err != nil:
		return "", err
	case !s.want.Adopted:
		return unless(e.DefaultPolicy(), "the policy of %s no longer allows everything", e.ID), nil
	}
	return unless(e.Policy == "" || endpoint.PolicyDigest(e.Policy) == s.want.PolicyDigest,
		"the policy of %s is not the one that it was adopted with", e.ID), nil
}

// tags compares the tags of our own; others are their owner's.
func (s scene) tags() (string, error) {
	e, err := s.there()
	if err != nil {
		return "", err
	}
	ours := e.Connection() == s.id && (!s.want.Adopted || e.HandMade())
	return unless(ours, "%s does not carry the tags of this connection", e.ID), nil
}

// seen returns the service as the account sees it. What depends on one that it does not see is not asked.
func (s scene) seen() (connection.Service, error) {
	services := s.of.services[s.want.ServiceRegion]
	service, found := services.found[s.want.ServiceName]
	if services.err == nil && !found {
		return service, errNotAsked
	}
	return service, services.err
}

func (s scene) visible() (string, error) {
	service, err := s.seen()
	switch {
	case errors.Is(err, errNotAsked):
		return fmt.Sprintf("%s is no longer visible to account %s", s.want.ServiceName, s.want.AccountID), nil
	case err != nil:
		return "", err
	case service.AcceptanceRequired != s.want.AcceptanceRequired:
		return unless(service.AcceptanceRequired, "%s no longer asks for acceptance", service.Name) +
			unless(!service.AcceptanceRequired, "%s asks for acceptance now", service.Name), nil
	case service.PrivateDNSName != s.want.PrivateDNSName:
		return fmt.Sprintf("the private name of %s is %q instead of %q", service.Name, service.PrivateDNSName, s.want.PrivateDNSName), nil
	}
	return unless(service.PrivateDNSVerified || !s.want.PrivateDNSVerified, "the private name of %s is no longer verified",
		service.Name), nil
}

// notification looks for our topic among those that hear of the endpoint.
func (s scene) notification() (string, error) {
	e, err := s.there()
	switch {
	case !s.hears(s.want.Access):
		return "", errNotAsked
	case err != nil:
		return "", err
	case s.of.topics.err != nil:
		return "", s.of.topics.err
	}
	return unless(slices.Contains(s.of.topics.found[e.ID], s.TopicARN), "%s has no connection notification to our topic", e.ID), nil
}

// acls judges the network ACLs of the endpoint's subnets and of the probe's, which are the clients'.
func (s scene) acls() (string, error) {
	if _, err := s.there(); err != nil {
		return "", err
	}
	if s.of.acls.err != nil {
		return "", s.of.acls.err
	}
	clients, err := s.clients()
	if err != nil {
		return "", err
	}
	var interfaces []connection.NetworkInterface
	var acls []endpoint.NetworkACL
	for i, subnet := range s.want.SubnetIDs[:min(len(s.want.SubnetIDs), len(s.want.InterfaceIPs))] {
		interfaces = append(interfaces, connection.NetworkInterface{SubnetID: subnet, IP: s.want.InterfaceIPs[i]})
	}
	for _, subnet := range slices.Concat(s.want.SubnetIDs, clients.ProbeSubnetIDs) {
		if acl, found := s.of.acls.found[subnet]; found {
			acls = append(acls, acl)
		}
	}
	for _, port := range s.want.Ports {
		for _, check := range clients.Passages(acls, interfaces, port) {
			switch check.Verdict {
			case connection.Fail:
				return check.Target + ": " + check.Detail, nil
			case connection.Unknown:
				err = fmt.Errorf("%s: %s", check.Target, check.Detail)
			}
		}
	}
	return "", err
}

func same(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func joined(ids []string) string { return strings.Join(ids, ", ") }
