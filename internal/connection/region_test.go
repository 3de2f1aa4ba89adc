package connection

import "testing"

// Regions of every partition are taken, those of the European Sovereign Cloud among them.
func TestRegions(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"us-east-1", "ap-southeast-7", "mx-central-1", "us-gov-west-1", "cn-northwest-1", "eusc-de-east-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1"} {
		var faults Faults
		Target{Region: region, VPCID: "vpc-01234567", SubnetIDs: []string{"subnet-01234567"}}.check(&faults)
		if len(faults) > 0 {
			t.Errorf("%s: %v", region, faults)
		}
	}
}
