package connection

import (
	"encoding/json"
	"fmt"
)

// RegisteredNetwork is a VPC in which connections may be made. The list is set at deploy time, in the postern block of cdk.json's
// context: it is the allow-list of where requests may land, and it scopes the functions' permissions.
type RegisteredNetwork struct {
	Name      string `json:"name"`
	AccountID string `json:"accountId"`
	Region    string `json:"region"`
	VPCID     string `json:"vpcId"`
	// ProbeSubnetIDs and ProbeSecurityGroupIDs are where the probe function runs: a client's subnets with the clients' group.
	ProbeSubnetIDs        []string `json:"probeSubnetIds"`
	ProbeSecurityGroupIDs []string `json:"probeSecurityGroupIds"`
	// EndpointQuota is the account's quota of interface endpoints in a VPC when it was raised; 0 stands for AWS's default, 50.
	EndpointQuota int `json:"endpointQuota,omitempty"`
	// RoleARN is the role by which a network of another account or Region is reached, and ExternalID the external id that this
	// role expects. The external id is no secret: it keeps others who know the role's ARN from having Postern use it for them.
	RoleARN    string `json:"roleArn,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	// ProbeFunction is the network's probe function, its ARN in another account or Region; the stack fills it in. ProbeRelay is the
	// function that calls it when it is in another Region than the stack, likewise.
	ProbeFunction string `json:"probeFunction,omitempty"`
	ProbeRelay    string `json:"probeRelay,omitempty"`
}

// Access returns how the network's account and Region are reached.
func (n RegisteredNetwork) Access() Access { return accessOf(n.RoleARN, n.ExternalID, n.Region) }

// Access is how an account and Region are reached: by a role there, or, when it is zero, as the function itself. It is comparable.
type Access struct{ RoleARN, ExternalID, Region string }

// Home reports whether it is the stack's own account and Region.
func (a Access) Home() bool { return a == Access{} }

func accessOf(roleARN, externalID, region string) Access {
	if roleARN == "" {
		return Access{}
	}
	return Access{RoleARN: roleARN, ExternalID: externalID, Region: region}
}

// Networks are the registered networks.
type Networks []RegisteredNetwork

// ParseNetworks decodes the JSON list that the stack puts into a function's environment.
func ParseNetworks(raw string) (Networks, error) {
	var networks Networks
	if err := json.Unmarshal([]byte(raw), &networks); err != nil {
		return nil, fmt.Errorf("registered networks: %w", err)
	}
	return networks, nil
}

// Find returns the registered network of a VPC in a Region.
func (n Networks) Find(region, vpcID string) (RegisteredNetwork, bool) {
	for _, network := range n {
		if network.Region == region && network.VPCID == vpcID {
			return network, true
		}
	}
	return RegisteredNetwork{}, false
}
