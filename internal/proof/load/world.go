package load

import (
	"encoding/json"
	"fmt"
	"strings"

	"postern/internal/demo/world"
	"postern/internal/local/clock"
	"postern/internal/local/privatelink"
)

// network is the first of the template's registered networks: every onboarding of a run is into it.
const network = `{"name":"agents-prod",`

// quota is what the network's quota of endpoints is raised to. AWS's default, 50, is adjustable.
const quota = 1000

// raiseQuota writes the raised quota where the template registers the network.
func raiseQuota(template map[string]any) {
	raised := fmt.Sprintf(`{"endpointQuota":%d,`, quota) + network[1:]
	resources, _ := template["Resources"].(map[string]any)
	for _, resource := range resources {
		properties, _ := resource.(map[string]any)["Properties"].(map[string]any)
		environment, _ := properties["Environment"].(map[string]any)
		variables, _ := environment["Variables"].(map[string]any)
		if networks, is := variables["POSTERN_NETWORKS"].(string); is {
			variables["POSTERN_NETWORKS"] = strings.Replace(networks, network, raised, 1)
		}
	}
}

// Kinds is how many vendors take turns.
const Kinds = 3

// kinds are the vendors by turns, each with a service, a name and a zone of its own in the same VPC: a zone of the hostname and two
// gates; records for each zone and no acceptance; and private DNS of the endpoint, which is switched on after it.
var kinds = [Kinds]func(i int) (map[string]any, privatelink.VendorService){monteCarlo, confluent, engflow}

func monteCarlo(i int) (map[string]any, privatelink.VendorService) {
	host := fmt.Sprintf("tenant%d.privatelink.getmontecarlo.com", i)
	return map[string]any{
			"vendor": "monte-carlo", "options": map[string]any{"zoneScope": "hostname"},
			"inputs": map[string]any{
				"vendorAccountId": "5f1c2b9e-6a3d-4c47-9b1e-2d8f0a7c6e54", "serviceRegion": world.Region, "privateHostname": host,
			},
		}, privatelink.VendorService{
			AZIDs: two, AcceptanceRequired: true, Hostnames: []string{host}, Ports: []int{443}, ALPN: []string{"h2", "http/1.1"},
		}
}

func confluent(i int) (map[string]any, privatelink.VendorService) {
	domain := fmt.Sprintf("net%d.us-east-1.aws.confluent.cloud", i)
	hosts := []string{"*." + domain}
	for _, zone := range three {
		hosts = append(hosts, "*."+zone+"."+domain)
	}
	return map[string]any{
			"vendor": "confluent-cloud",
			"inputs": map[string]any{
				"bootstrapHost": "lkc-abc123." + domain, "dnsDomain": domain, "networkId": fmt.Sprintf("n-%d", i),
			},
		}, privatelink.VendorService{
			AZIDs: three, Hostnames: hosts, Ports: []int{443, 9092},
		}
}

func engflow(i int) (map[string]any, privatelink.VendorService) {
	cluster := fmt.Sprintf("acme%d", i)
	host := cluster + ".cluster.engflow.com"
	return map[string]any{
			"vendor": "engflow", "cutover": true, "inputs": map[string]any{"clusterName": cluster},
		}, privatelink.VendorService{
			AZIDs: two, AcceptanceRequired: true, PrivateDNSName: host, PrivateDNSVerification: "verified",
			Hostnames: []string{host}, Ports: []int{443}, ALPN: []string{"h2"},
		}
}

var (
	three = []string{"use1-az1", "use1-az2", "use1-az3"}
	two   = three[:2]
)

func serviceID(i int) string { return fmt.Sprintf("vpce-svc-%017x", i+1) }

func serviceName(i int) string {
	return "com.amazonaws.vpce." + world.Region + "." + serviceID(i)
}

// request is the i-th onboarding.
func request(i int) []byte {
	made, service := kinds[i%len(kinds)](i)
	subnets := []string{world.SubnetA, world.SubnetB, world.SubnetC}[:len(service.AZIDs)]
	made["schemaVersion"], made["action"], made["name"], made["requester"] = 1, "onboard", fmt.Sprintf("load-%d", i), "platform@example.com"
	made["inputs"].(map[string]any)["serviceName"] = serviceName(i)
	made["target"] = map[string]any{
		"region": world.Region, "vpcId": world.VPC, "subnetIds": subnets,
		"securityGroupIds": []string{world.EndpointGroup}, "clientCidrs": []string{"10.20.0.0/16"},
	}
	raw, err := json.Marshal(made)
	if err != nil {
		panic(err) // texts and lists
	}
	return raw
}

// crowd makes the world of n onboardings: the demo's VPC with larger subnets, and a service for each.
func crowd(n int) func(*clock.Clock) *privatelink.World {
	return func(c *clock.Clock) *privatelink.World {
		w := world.New(c)
		w.Configure(func(o *privatelink.Options) { o.EndpointQuota = quota })
		for i, id := range []string{world.SubnetA, world.SubnetB, world.SubnetC} {
			subnet, _ := w.Subnet(id)
			subnet.CIDR = fmt.Sprintf("10.20.%d.0/20", 16*(i+1))
			w.AddSubnet(subnet)
		}
		w.AddSecurityGroup(privatelink.SecurityGroup{
			ID: world.EndpointGroup, VPCID: world.VPC, Name: "endpoint", Description: "The vendors' ports from the VPC",
			Rules: []privatelink.Rule{
				{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.20.0.0/16"},
				{Protocol: "tcp", FromPort: 9092, ToPort: 9092, CIDR: "10.20.0.0/16"},
			},
		})
		for i := range n {
			_, service := kinds[i%len(kinds)](i)
			service.Name, service.ID, service.Region, service.Owner = serviceName(i), serviceID(i), world.Region, "444455556666"
			w.AddService(service)
		}
		return w
	}
}
