package privatelink

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"postern/internal/local/wire"
)

// person is the principal of manual changes in one of the consumer's accounts.
func person(accountID string) string { return "arn:aws:iam::" + accountID + ":user/somebody" }

// byHand changes an endpoint as a person with a console would.
func (w *World) byHand(event, endpointID string, change func(*Endpoint)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.endpoints.get(endpointID)
	if e == nil || !e.live() {
		return fmt.Errorf("%s by hand: endpoint %s does not exist", event, endpointID)
	}
	change(e)
	w.mutated(event, []string{endpointID}, person(e.AccountID))
	return nil
}

// HandMade is an endpoint as a person makes it: in a VPC, for a service that takes the account, with tags of their own. ID is "" for
// one that the world makes up.
type HandMade struct {
	ID                  string
	VPCID, ServiceName  string
	SubnetIDs, GroupIDs []string
	PrivateDNS          bool
	Tags                map[string]string
}

// CreateByHand makes an endpoint as a person with a console would, by all of AWS's rules, and returns its id.
func (w *World) CreateByHand(made HandMade) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	vpc := w.vpcs.get(made.VPCID)
	if vpc == nil {
		return "", fmt.Errorf("making an endpoint by hand: %s does not exist", made.VPCID)
	}
	form := url.Values{"VpcEndpointType": {"Interface"}, "VpcId": {vpc.ID}, "ServiceName": {made.ServiceName}}
	form.Set("PrivateDnsEnabled", strconv.FormatBool(made.PrivateDNS))
	for name, ids := range map[string][]string{"SubnetId": made.SubnetIDs, "SecurityGroupId": made.GroupIDs} {
		for i, id := range ids {
			form.Set(fmt.Sprintf("%s.%d", name, i+1), id)
		}
	}
	e, err := w.newEndpoint(&wire.Call{Form: form, AccountID: vpc.AccountID, Region: vpc.Region}, made.ID)
	if err != nil {
		return "", fmt.Errorf("making an endpoint by hand: %w", err)
	}
	e.Tags = maps.Clone(made.Tags)
	w.mutated("CreateVpcEndpoint", []string{e.ID}, person(e.AccountID))
	return e.ID, nil
}

// DeleteByHand deletes an endpoint as a person with a console would.
func (w *World) DeleteByHand(endpointID string) error {
	return w.byHand("DeleteVpcEndpoints", endpointID, w.remove)
}

// DeleteNotificationsByHand deletes the connection notifications of an endpoint.
func (w *World) DeleteNotificationsByHand(endpointID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.notifications.all() {
		if n.EndpointID == endpointID {
			w.notifications.remove(n.ID)
		}
	}
}

// SetPrivateDNSByHand switches an endpoint's private DNS on or off, without AWS's checks.
func (w *World) SetPrivateDNSByHand(endpointID string, enabled bool) error {
	return w.byHand("ModifyVpcEndpoint", endpointID, func(e *Endpoint) {
		e.PrivateDNSEnabled = enabled
		w.modified(e)
	})
}

// AddEndpoint adds an endpoint as it is, with an interface of the address in each of its subnets: a foreign one, or one of many that
// a measurement needs. Its place must be there already, and nothing is checked.
func (w *World) AddEndpoint(e Endpoint, ips ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.suffix, e.Connected, e.privateDNSLive = nameSuffix(e.ID), e.State == Available, e.PrivateDNSEnabled
	for i, id := range e.SubnetIDs {
		subnet := w.subnets.get(id)
		eni := &NetworkInterface{
			ID: w.newID("eni"), VPCID: e.VPCID, SubnetID: id, IP: ips[i], AZ: subnet.AZ, AZID: subnet.AZID, EndpointID: e.ID,
			GroupIDs: e.GroupIDs, Type: "vpc_endpoint", Status: "in-use", Description: "VPC Endpoint Interface " + e.ID,
		}
		w.interfaces.put(eni.ID, eni)
		e.interfaces = append(e.interfaces, eni)
	}
	w.endpoints.put(e.ID, &e)
}

// AddNotification adds a connection notification.
func (w *World) AddNotification(n Notification) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notifications.put(n.ID, &n)
}

// ChangeByHand changes an endpoint in a way that no other method has, without AWS's checks.
func (w *World) ChangeByHand(endpointID string, change func(*Endpoint)) error {
	return w.byHand("ModifyVpcEndpoint", endpointID, change)
}

// RemoveSubnetByHand takes an endpoint out of a subnet.
func (w *World) RemoveSubnetByHand(endpointID, subnetID string) error {
	return w.byHand("ModifyVpcEndpoint", endpointID, func(e *Endpoint) {
		w.detach(e, []string{subnetID})
		w.modified(e)
	})
}

// RemoveNotificationsByHand deletes an endpoint's connection notifications.
func (w *World) RemoveNotificationsByHand(endpointID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeNotifications(endpointID)
}

// SetSecurityGroupsByHand replaces the security groups of an endpoint.
func (w *World) SetSecurityGroupsByHand(endpointID string, groupIDs ...string) error {
	return w.byHand("ModifyVpcEndpoint", endpointID, func(e *Endpoint) { w.setGroups(e, groupIDs) })
}

func (w *World) setGroups(e *Endpoint, groupIDs []string) {
	e.GroupIDs = slices.Clone(groupIDs)
	for _, eni := range w.interfacesOf(e.ID) {
		eni.GroupIDs = slices.Clone(groupIDs)
	}
}

// SetAddressByHand gives an endpoint another address in its first subnet.
func (w *World) SetAddressByHand(endpointID, address string) error {
	return w.byHand("ModifyVpcEndpoint", endpointID, func(e *Endpoint) { w.interfacesOf(e.ID)[0].IP = address })
}

// SetTagsByHand sets tags of an endpoint; an empty value removes the tag.
func (w *World) SetTagsByHand(endpointID string, tags map[string]string) error {
	return w.byHand("CreateTags", endpointID, func(e *Endpoint) {
		for key, value := range tags {
			if e.Tags[key] = value; value == "" {
				delete(e.Tags, key)
			}
		}
	})
}

// RemoveSecurityGroupRule removes the rules of a group that match, and fails when none does.
func (w *World) RemoveSecurityGroupRule(groupID string, match func(Rule) bool) error {
	return w.changeGroup(groupID, func(group *SecurityGroup) error {
		removed := slices.DeleteFunc(slices.Clone(group.Rules), func(r Rule) bool { return !match(r) })
		group.Rules = slices.DeleteFunc(slices.Clone(group.Rules), match)
		if len(removed) == 0 {
			return fmt.Errorf("removing a rule of %s: none matches", groupID)
		}
		w.called(group.VPCID, "RevokeSecurityGroup"+direction(removed[0]), map[string]any{"groupId": groupID,
			"securityGroupRuleIds": map[string]any{"items": []any{map[string]any{"securityGroupRuleId": removed[0].ID}}}})
		return nil
	})
}

// AddSecurityGroupRule adds a rule to a group.
func (w *World) AddSecurityGroupRule(groupID string, rule Rule) error {
	return w.changeGroup(groupID, func(group *SecurityGroup) error {
		rule.ID = w.newID("sgr")
		group.Rules = append(slices.Clone(group.Rules), rule)
		w.called(group.VPCID, "AuthorizeSecurityGroup"+direction(rule), map[string]any{"groupId": groupID})
		return nil
	})
}

func direction(rule Rule) string {
	if rule.Egress {
		return "Egress"
	}
	return "Ingress"
}

func (w *World) changeGroup(groupID string, change func(*SecurityGroup) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := w.groups.get(groupID)
	if group == nil {
		return fmt.Errorf("security group %s does not exist", groupID)
	}
	return change(group)
}

// SetVPCDNS sets the DNS attributes of a VPC.
func (w *World) SetVPCDNS(vpcID string, support, hostnames bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	vpc := w.vpcs.get(vpcID)
	if vpc == nil {
		return fmt.Errorf("VPC %s does not exist", vpcID)
	}
	vpc.DNSSupport, vpc.DNSHostnames = support, hostnames
	w.called(vpcID, "ModifyVpcAttribute", map[string]any{"vpcId": vpcID, "enableDnsHostnames": map[string]any{"value": hostnames}})
	return nil
}

// RefuseDeletion makes DeleteVpcEndpoints answer for an endpoint with an item of Unsuccessful, until code is "".
func (w *World) RefuseDeletion(endpointID, code, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code == "" {
		delete(w.undeletable, endpointID)
		return
	}
	w.undeletable[endpointID] = wireError{code, message}
}
