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
	// ProbeFunction is the name of the network's probe function; the stack fills it in.
	ProbeFunction string `json:"probeFunction,omitempty"`
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
