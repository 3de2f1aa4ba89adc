package people

import (
	"fmt"
	"time"

	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/privatelink"
)

// HandMade is an endpoint for the sample connection of Monte Carlo that was created manually, before Postern.
var HandMade = privatelink.HandMade{
	ID: world.HandMade, VPCID: world.VPC, ServiceName: world.MonteCarloService,
	SubnetIDs: []string{world.SubnetA, world.SubnetB}, GroupIDs: []string{world.EndpointGroup},
	Tags: map[string]string{"Name": "monte carlo, by hand"},
}

// MakeByHand creates an endpoint as an operator does without Postern, has the vendor accept it, and lets an hour pass. Call it before
// Vendor.Join: a joined vendor would accept it again.
func MakeByHand(cloud *local.Cloud, made privatelink.HandMade) (id string, err error) {
	if id, err = AskByHand(cloud, made); err != nil {
		return "", err
	}
	if err := cloud.World.Vendor(made.ServiceName).Accept(id); err != nil {
		return "", err
	}
	return id, cloud.Advance(time.Hour)
}

// AskByHand makes an endpoint that the vendor has yet to accept.
func AskByHand(cloud *local.Cloud, made privatelink.HandMade) (id string, err error) {
	vpc, known := cloud.World.VPC(made.VPCID)
	if !known {
		return "", fmt.Errorf("creating an endpoint manually: %s does not exist", made.VPCID)
	}
	if err := cloud.World.Vendor(made.ServiceName).Allow(vpc.AccountID); err != nil {
		return "", err
	}
	return cloud.World.CreateByHand(made)
}
