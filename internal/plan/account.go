package plan

import (
	"context"

	"postern/internal/awserr"
)

// checkAccount checks that the account of the network can be reached before anything else is asked of it. Clean-up uses
// the same role, so nothing is begun that could not be undone.
//
// AWS: a role that does not exist, one that trusts another principal and another external id are the same AccessDenied. A trust
// policy names the functions' roles, and no longer means them once these were deleted and made again.
func (s *site) checkAccount(ctx context.Context, d *draft) error {
	network := d.plan.Network
	err := s.Account.Reach(ctx, network.Access())
	if !awserr.IsDenied(err) {
		return err
	}
	d.unreachable = true
	d.faults.Addf("target.vpcId", "deploy the network stack of "+network.Name+" in account "+network.AccountID+" again, with the "+
		"externalId that the postern block of cdk.json has for it", "the role %s, through which %s is reached, cannot be assumed",
		network.RoleARN, network.VPCID)
	return nil
}
