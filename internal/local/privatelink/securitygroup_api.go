package privatelink

import (
	"net/netip"
	"slices"
	"strconv"

	"postern/internal/local/wire"
)

// maxRules is AWS's default quota of rules in one direction of a security group.
const maxRules = 60

var permissionParameters = []string{
	"GroupId", "IpPermissions.IpProtocol", "IpPermissions.FromPort", "IpPermissions.ToPort", "IpPermissions.IpRanges.CidrIp",
	"IpPermissions.IpRanges.Description", "IpPermissions.Groups.GroupId", "IpPermissions.Groups.UserId",
	"IpPermissions.Groups.Description", "IpPermissions.PrefixListIds.PrefixListId", "IpPermissions.PrefixListIds.Description",
}

var specifyingTags = []string{"TagSpecification.ResourceType", "TagSpecification.Tag.Key", "TagSpecification.Tag.Value"}

func (w *World) groupOperations() map[string]operation {
	onGroup := func(call *wire.Call) []wire.Permission {
		return []wire.Permission{w.onGroup(call, call.Form.Get("GroupId"))}
	}
	return map[string]operation{
		"DescribeSecurityGroups": {
			parameters: describes("GroupId", "GroupName"), permissions: everything, do: w.describeSecurityGroups,
		},
		"CreateSecurityGroup": {
			write: true, parameters: append([]string{"GroupName", "GroupDescription", "VpcId"}, specifyingTags...),
			permissions: w.permitCreateSecurityGroup, do: w.createSecurityGroup,
		},
		"DeleteSecurityGroup": {write: true, parameters: []string{"GroupId"}, permissions: onGroup, do: w.deleteSecurityGroup},
		"AuthorizeSecurityGroupIngress": {
			write: true, parameters: append(slices.Clone(permissionParameters), specifyingTags...), permissions: onGroup,
			do: w.authorizeIngress,
		},
	}
}

type groupXML struct {
	ID          string          `xml:"groupId"`
	ARN         string          `xml:"securityGroupArn"`
	Name        string          `xml:"groupName"`
	Description string          `xml:"groupDescription"`
	OwnerID     string          `xml:"ownerId"`
	VPCID       string          `xml:"vpcId"`
	Ingress     []permissionXML `xml:"ipPermissions>item"`
	Egress      []permissionXML `xml:"ipPermissionsEgress>item"`
	Tags        []tagXML        `xml:"tagSet>item"`
}

// permissionXML is all rules with one protocol and port range: the form in which DescribeSecurityGroups shows rules.
type permissionXML struct {
	Protocol    string          `xml:"ipProtocol"`
	FromPort    *int            `xml:"fromPort"`
	ToPort      *int            `xml:"toPort"`
	Ranges      []rangeXML      `xml:"ipRanges>item"`
	Groups      []groupPairXML  `xml:"groups>item"`
	PrefixLists []prefixListXML `xml:"prefixListIds>item"`
}

type rangeXML struct {
	CIDR        string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

type groupPairXML struct {
	UserID      string `xml:"userId"`
	GroupID     string `xml:"groupId"`
	Description string `xml:"description,omitempty"`
}

type prefixListXML struct {
	ID          string `xml:"prefixListId"`
	Description string `xml:"description,omitempty"`
}

func noGroup(id string) error {
	return fault("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

func (w *World) describeSecurityGroups(call *wire.Call) (any, error) {
	mine := seen(w, call, w.groups.all(), func(g *SecurityGroup) string { return g.VPCID })
	found, err := selected(call.Form, mine, list(call.Form, "GroupId"), noGroup,
		func(g *SecurityGroup) (string, map[string]string, attributes) {
			return g.ID, g.Tags, attributes{
				"group-id": {g.ID}, "group-name": {g.Name}, "vpc-id": {g.VPCID}, "description": {g.Description},
			}
		})
	if err != nil {
		return nil, err
	}
	if names := list(call.Form, "GroupName"); len(names) > 0 {
		found = slices.DeleteFunc(found, func(g *SecurityGroup) bool { return !slices.Contains(names, g.Name) })
	}
	items, next, err := page(call.Form, found, w.options.PageSize, 5)
	var answer struct {
		Groups    []groupXML `xml:"securityGroupInfo>item"`
		NextToken string     `xml:"nextToken,omitempty"`
	}
	for _, g := range items {
		answer.Groups = append(answer.Groups, groupXML{
			ID: g.ID, ARN: arn(call, "security-group", g.ID), Name: g.Name, Description: g.Description,
			OwnerID: call.AccountID, VPCID: g.VPCID, Ingress: permissionsXML(call, g.Rules, false),
			Egress: permissionsXML(call, g.Rules, true), Tags: tagsXML(g.Tags),
		})
	}
	answer.NextToken = next
	return answer, err
}

func permissionsXML(call *wire.Call, rules []Rule, egress bool) []permissionXML {
	var permissions []permissionXML
	index := map[[3]string]int{}
	for _, rule := range rules {
		if rule.Egress != egress {
			continue
		}
		key := [3]string{rule.Protocol, strconv.Itoa(rule.FromPort), strconv.Itoa(rule.ToPort)}
		at, known := index[key]
		if !known {
			at = len(permissions)
			index[key] = at
			permission := permissionXML{Protocol: rule.Protocol}
			if rule.Protocol != "-1" { // AWS: all protocols have no ports
				permission.FromPort, permission.ToPort = &rule.FromPort, &rule.ToPort
			}
			permissions = append(permissions, permission)
		}
		switch p := &permissions[at]; {
		case rule.GroupID != "":
			p.Groups = append(p.Groups, groupPairXML{call.AccountID, rule.GroupID, rule.Description})
		case rule.PrefixList != "":
			p.PrefixLists = append(p.PrefixLists, prefixListXML{rule.PrefixList, rule.Description})
		default:
			p.Ranges = append(p.Ranges, rangeXML{rule.CIDR, rule.Description})
		}
	}
	return permissions
}

type ruleXML struct {
	ID          string `xml:"securityGroupRuleId"`
	GroupID     string `xml:"groupId"`
	OwnerID     string `xml:"groupOwnerId"`
	Egress      bool   `xml:"isEgress"`
	Protocol    string `xml:"ipProtocol"`
	FromPort    int    `xml:"fromPort"`
	ToPort      int    `xml:"toPort"`
	CIDR        string `xml:"cidrIpv4,omitempty"`
	PrefixList  string `xml:"prefixListId,omitempty"`
	Description string `xml:"description,omitempty"`
	Peer        *struct {
		GroupID string `xml:"groupId"`
		UserID  string `xml:"userId"`
	} `xml:"referencedGroupInfo"`
	Tags []tagXML `xml:"tagSet>item"`
}

func newRuleXML(call *wire.Call, groupID string, rule Rule) ruleXML {
	item := ruleXML{
		ID: rule.ID, GroupID: groupID, OwnerID: call.AccountID, Egress: rule.Egress, Protocol: rule.Protocol,
		FromPort: rule.FromPort, ToPort: rule.ToPort, CIDR: rule.CIDR, PrefixList: rule.PrefixList, Description: rule.Description,
		Tags: tagsXML(rule.Tags),
	}
	if rule.Protocol == "-1" {
		item.FromPort, item.ToPort = -1, -1
	}
	if rule.GroupID != "" {
		item.Peer = &struct {
			GroupID string `xml:"groupId"`
			UserID  string `xml:"userId"`
		}{rule.GroupID, call.AccountID}
	}
	return item
}

func (w *World) permitCreateSecurityGroup(call *wire.Call) []wire.Permission {
	tags, _ := specifiedTags(call.Form, "security-group") // bad tags are refused by the operation itself
	resource := arn(call, "security-group", "*")
	permissions := []wire.Permission{
		on(call, resource, requestTags(tags), w.vpcKeys(call, call.Form.Get("VpcId"))), w.onVPC(call, call.Form.Get("VpcId")),
	}
	return append(permissions, tagOnCreate(call, resource, tags)...)
}

func (w *World) createSecurityGroup(call *wire.Call) (any, error) {
	vpc, err := w.vpcIn(call, call.Form.Get("VpcId"))
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(call.Form, "security-group")
	if err != nil {
		return nil, err
	}
	name := call.Form.Get("GroupName")
	for _, group := range w.groups.all() {
		if group.VPCID == vpc.ID && group.Name == name {
			return nil, fault("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc.ID)
		}
	}
	group := &SecurityGroup{ID: w.newID("sg"), VPCID: vpc.ID, Name: name, Description: call.Form.Get("GroupDescription"), Tags: tags}
	w.addGroup(group)
	return struct {
		ID   string   `xml:"groupId"`
		ARN  string   `xml:"securityGroupArn"`
		Tags []tagXML `xml:"tagSet>item"`
	}{group.ID, arn(call, "security-group", group.ID), tagsXML(tags)}, nil
}

// groupIn returns the security group that a call names.
func (w *World) groupIn(call *wire.Call) (*SecurityGroup, error) {
	id := call.Form.Get("GroupId")
	group := w.groups.get(id)
	if group == nil || !w.sees(call, group.VPCID) {
		return nil, noGroup(id)
	}
	return group, nil
}

func (w *World) deleteSecurityGroup(call *wire.Call) (any, error) {
	group, err := w.groupIn(call)
	if err != nil {
		return nil, err
	}
	if group.ID == w.vpcs.get(group.VPCID).defaultGroup {
		return nil, fault("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", group.ID)
	}
	if w.groupInUse(group.ID) { // AWS: also while the interfaces of a deleted endpoint are still there
		return nil, fault("DependencyViolation", "resource %s has a dependent object", group.ID)
	}
	w.groups.remove(group.ID)
	return struct {
		Return bool   `xml:"return"`
		ID     string `xml:"groupId"`
	}{true, group.ID}, nil
}

// requestedRules reads IpPermissions: one rule for each peer.
func (w *World) requestedRules(call *wire.Call) ([]Rule, error) {
	form := call.Form
	var rules []Rule
	var err error
	members(form, "IpPermissions", func(permission string) {
		rule, invalid := protocolAndPorts(
			form.Get(permission+".IpProtocol"), form.Get(permission+".FromPort"), form.Get(permission+".ToPort"))
		if invalid != nil {
			err = invalid
			return
		}
		add := func(prefix string, set func(*Rule)) {
			with := rule
			with.Description = form.Get(prefix + ".Description")
			set(&with)
			rules = append(rules, with)
		}
		members(form, permission+".IpRanges", func(p string) { add(p, func(r *Rule) { r.CIDR = form.Get(p + ".CidrIp") }) })
		members(form, permission+".Groups", func(p string) { add(p, func(r *Rule) { r.GroupID = form.Get(p + ".GroupId") }) })
		members(form, permission+".PrefixListIds", func(p string) {
			add(p, func(r *Rule) { r.PrefixList = form.Get(p + ".PrefixListId") })
		})
	})
	if err != nil {
		return nil, err
	}
	return rules, w.checkPeers(rules)
}

func (w *World) checkPeers(rules []Rule) error {
	for _, rule := range rules {
		if rule.GroupID != "" && w.groups.get(rule.GroupID) == nil {
			return noGroup(rule.GroupID)
		}
		if rule.PrefixList != "" && w.prefixLists[rule.PrefixList] == nil {
			return fault("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", rule.PrefixList)
		}
		if prefix, err := netip.ParsePrefix(rule.CIDR); rule.CIDR != "" && (err != nil || prefix.Masked() != prefix) {
			return fault("InvalidParameterValue", "CIDR block %s is malformed", rule.CIDR)
		}
	}
	return nil
}

func protocolAndPorts(protocol, from, to string) (Rule, error) {
	switch protocol {
	case "6":
		protocol = "tcp"
	case "17":
		protocol = "udp"
	case "-1":
		return Rule{Protocol: "-1"}, nil
	case "tcp", "udp", "icmp":
	default:
		return Rule{}, fault("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", protocol)
	}
	fromPort, fromErr := strconv.Atoi(from)
	toPort, toErr := strconv.Atoi(to)
	if fromErr != nil || toErr != nil || protocol != "icmp" && (fromPort < 0 || toPort > 65535 || fromPort > toPort) {
		return Rule{}, fault("InvalidParameterValue", "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
	}
	return Rule{Protocol: protocol, FromPort: fromPort, ToPort: toPort}, nil
}

// authorizeIngress adds all rules or none. AWS: it is not idempotent.
func (w *World) authorizeIngress(call *wire.Call) (any, error) {
	group, err := w.groupIn(call)
	if err != nil {
		return nil, err
	}
	rules, err := w.requestedRules(call)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(call.Form, "security-group-rule")
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, fault("MissingParameter", "The request must contain the parameter ipPermissions")
	}
	all := slices.Clone(group.Rules)
	var answer struct {
		Return bool      `xml:"return"`
		Rules  []ruleXML `xml:"securityGroupRuleSet>item"`
	}
	for _, rule := range rules {
		if slices.ContainsFunc(all, rule.same) {
			return nil, fault("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", rule)
		}
		if len(all) >= maxRules {
			return nil, fault("RulesPerSecurityGroupLimitExceeded",
				"The maximum number of rules per security group has been reached.")
		}
		rule.ID, rule.Tags = w.newID("sgr"), tags
		all = append(all, rule)
		answer.Rules = append(answer.Rules, newRuleXML(call, group.ID, rule))
	}
	group.Rules, answer.Return = all, true
	return answer, nil
}
