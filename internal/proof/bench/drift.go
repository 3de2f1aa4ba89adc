package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"postern/events"
	"postern/internal/connection"
	"postern/internal/demo/people"
	"postern/internal/demo/world"
	"postern/internal/local"
	"postern/internal/local/dynamodb"
	"postern/internal/local/privatelink"
	"postern/internal/local/states"
	"postern/internal/local/template"
)

// The fleet that is checked: each connection has a security group and a notification of its own, which is the most that there can
// be to list.
const (
	fleetSize     = 10_000
	fleetVPCs     = 20
	fleetServices = 10
	fleetChanged  = 25 // how many are changed manually
	// fleetDeep is how many connections one scheduled run looks at deeply, of more that are due.
	fleetDeep = 500
)

const driftCheck = "postern-drift"

// inProcesses makes every function of the simulator a process of what make host built.
func inProcesses(config *local.Config, directory string) error {
	built, err := filepath.Abs(directory)
	if err != nil {
		return err
	}
	config.Mode, config.Functions, config.Assembly = local.Process, nil, built
	config.Mutate = func(t map[string]any) {
		for _, raw := range t["Resources"].(map[string]any) {
			if resource := raw.(map[string]any); resource["Type"] == "AWS::Lambda::Function" {
				handler := resource["Properties"].(map[string]any)["Handler"].(string)
				resource["Metadata"] = map[string]any{"aws:asset:path": filepath.Join(built, handler)}
			}
		}
	}
	return nil
}

// driftOf measures the drift check as the process that make host built.
func driftOf(directory string) ([]figure, error) {
	config := local.Config{TemplatePath: templatePath}
	if err := inProcesses(&config, directory); err != nil {
		return nil, err
	}
	cloud, err := world.Open(config)
	if err != nil {
		return nil, fmt.Errorf("opening the simulator: %w", err)
	}
	figures, err := drifting(cloud)
	if err := errors.Join(err, cloud.Close()); err != nil { // the process ends with it
		return nil, err
	}
	used, err := peak()
	return append(figures, figure{driftMemory, "", used}), err
}

// drifting seeds a fleet of onboarded connections, has the schedule check it, and checks it again after a manual change of some of it,
// and when as many as one run looks at deeply are due.
func drifting(cloud *local.Cloud) ([]figure, error) {
	due, err := looked(cloud)
	if err != nil {
		return nil, err
	}
	if err := seed(cloud, due); err != nil {
		return nil, err
	}
	now := cloud.Clock.Now()
	first, err := scheduled(cloud, now, check{fleetSize, 0, 0})
	if err != nil {
		return nil, err
	}
	for i := range fleetChanged {
		if err := cloud.World.SetTagsByHand(endpointID(i), map[string]string{connection.TagManaged: ""}); err != nil {
			return nil, err
		}
	}
	second, err := scheduled(cloud, now, check{fleetSize, 0, fleetChanged})
	if err != nil {
		return nil, err
	}
	// They were onboarded an hour before the rest of the fleet: now they are due, and it is not yet.
	third, err := scheduled(cloud, now.Add(23*time.Hour+time.Minute), check{fleetSize, fleetDeep, fleetChanged})
	if err != nil {
		return nil, err
	}
	deep := map[string]int{}
	for operation, count := range third {
		if count -= first[operation]; count > 0 {
			deep[operation] = count
		}
	}
	more := float64(total(second)-total(first)) / fleetChanged
	return []figure{{driftLists, kinds(first), float64(total(first))}, {driftChanged, kinds(second), more},
		{driftDeep, kinds(deep), float64(total(deep)) / fleetDeep}}, nil
}

// check is what one run of the drift check must have done.
type check struct{ connections, deep, drifts int }

// scheduled returns how often one scheduled run of the drift check called each operation.
func scheduled(cloud *local.Cloud, at time.Time, want check) (map[string]int, error) {
	began := len(cloud.Calls())
	event := fmt.Sprintf(`{"source":"aws.events","detail-type":"Scheduled Event","time":%q}`, at.Format(time.RFC3339))
	answer, err := cloud.Invoke(driftCheck, []byte(event))
	if err != nil {
		return nil, err
	}
	var done struct{ Connections, Deep, Drift, Unknown int }
	if err := json.Unmarshal(answer, &done); err != nil {
		return nil, fmt.Errorf("the drift check answered %s: %w", answer, err)
	}
	if (check{done.Connections, done.Deep, done.Drift}) != want || done.Unknown != 0 {
		return nil, fmt.Errorf("the drift check answered %s, want %+v and nothing unknown", answer, want)
	}
	calls := map[string]int{}
	for _, call := range cloud.Calls()[began:] {
		if call.Function == driftCheck {
			calls[call.Operation]++
		}
	}
	return calls, nil
}

func total(calls map[string]int) int {
	sum := 0
	for _, count := range calls {
		sum += count
	}
	return sum
}

func kinds(calls map[string]int) string {
	var all []string
	for _, operation := range slices.Sorted(maps.Keys(calls)) {
		all = append(all, fmt.Sprintf("%d %s", calls[operation], operation))
	}
	return strings.Join(all, ", ")
}

// peak is the most memory, in MB, that any process had which this one started and saw end. The drift check's is the largest.
func peak() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return float64(usage.Maxrss) * 1024 / 1e6, nil // Linux: in units of 1,024 bytes
}

func endpointID(i int) string { return fmt.Sprintf("vpce-0bec4%012x", i) }

// looked onboards a connection whose ledger the deep checks are measured with, and returns that.
func looked(cloud *local.Cloud) (ledger dynamodb.Value, err error) {
	(&people.Vendor{Behaviour: people.Approve, After: time.Hour}).Join(cloud)
	execution, err := cloud.StartExecution("", events.Read("onboard.monte-carlo.json"))
	if err != nil {
		return ledger, err
	}
	ended, err := cloud.Run(execution, 30*24*time.Hour)
	if err != nil {
		return ledger, err
	}
	if ended.Status != states.Succeeded {
		return ledger, fmt.Errorf("the onboarding before the drift check ended in %s: %s", ended.Status, ended.Cause)
	}
	if err := cloud.Advance(time.Hour); err != nil {
		return ledger, err
	}
	table, err := driftSetting(cloud, "POSTERN_TABLE")
	if err != nil {
		return ledger, err
	}
	for _, item := range cloud.Tables.Items(table) {
		if item["linked"].Text != "" {
			return item["ledger"], cloud.Tables.Put(table, dynamodb.Item{"id": item["id"]}) // the fleet stands for it
		}
	}
	return ledger, errors.New("the onboarding before the drift check left no connection")
}

// driftSetting is an environment variable of the drift check.
func driftSetting(cloud *local.Cloud, name string) (string, error) {
	for _, f := range template.All[template.Function](cloud.Stack) {
		if f.Properties.Handler == "drift" {
			return f.Properties.Environment.Variables[name], nil
		}
	}
	return "", errors.New("the template has no drift check")
}

// seed adds the fleet to the world and to the table, as onboardings would have left it. Of those that will be due the deep checks read
// what an onboarding really made, all the same: as often as if it were their own.
func seed(cloud *local.Cloud, due dynamodb.Value) error {
	var looked connection.Ledger
	if err := json.Unmarshal([]byte(due.Text), &looked); err != nil {
		return fmt.Errorf("reading the ledger of the onboarding before: %w", err)
	}
	for v := range fleetVPCs {
		vpc := fmt.Sprintf("vpc-0bec4%012x", v)
		cloud.World.AddVPC(privatelink.VPC{
			ID: vpc, Region: world.Region, CIDRs: []string{fmt.Sprintf("10.%d.0.0/16", 100+v)}, DNSSupport: true, DNSHostnames: true,
		})
		for zone, az := range []string{"a", "b"} {
			cloud.World.AddSubnet(privatelink.Subnet{
				ID: subnetID(v, zone), VPCID: vpc, AZ: world.Region + az, AZID: fmt.Sprintf("use1-az%d", zone+1),
				CIDR: fmt.Sprintf("10.%d.%d.0/18", 100+v, zone*64),
			})
		}
	}
	for s := range fleetServices {
		cloud.World.AddService(privatelink.VendorService{
			Name: serviceName(s), ID: fmt.Sprintf("vpce-svc-0bec4%012x", s), Region: world.Region, Owner: "444455556666",
			AZIDs: []string{"use1-az1", "use1-az2"}, AcceptanceRequired: true, AllowedAccounts: []string{"*"}, Ports: []int{443},
		})
	}
	topic, err := driftSetting(cloud, "POSTERN_NOTIFICATION_TOPIC")
	if err != nil {
		return err
	}
	table, err := driftSetting(cloud, "POSTERN_TABLE")
	if err != nil {
		return err
	}
	for i := range fleetSize {
		at := cloud.Clock.Now()
		if i < fleetDeep {
			at = looked.At
		}
		item, err := seedOne(cloud, i, topic, at)
		if err != nil {
			return err
		}
		if i < fleetDeep {
			item["ledger"] = due
		}
		if err := cloud.Tables.Put(table, item); err != nil {
			return err
		}
	}
	return nil
}

func subnetID(vpc, zone int) string { return fmt.Sprintf("subnet-0bec4%010x%02x", vpc, zone) }

func serviceName(i int) string {
	return fmt.Sprintf("com.amazonaws.vpce.%s.vpce-svc-0bec4%012x", world.Region, i)
}

// seedOne adds one connection's endpoint with all that belongs to it, and returns its item of the table.
func seedOne(cloud *local.Cloud, i int, topic string, at time.Time) (dynamodb.Item, error) {
	v := i % fleetVPCs
	id, network := fmt.Sprintf("monte-carlo/agents-prod-%05d", i), i/fleetVPCs+4
	group := fmt.Sprintf("sg-0bec4%012x", i)
	subnets := []string{subnetID(v, 0), subnetID(v, 1)}
	ips := []string{
		fmt.Sprintf("10.%d.%d.%d", 100+v, network/256, network%256), fmt.Sprintf("10.%d.%d.%d", 100+v, 64+network/256, network%256),
	}
	cidr, vpc := fmt.Sprintf("10.%d.0.0/16", 100+v), fmt.Sprintf("vpc-0bec4%012x", v)
	execution := "arn:aws:states:us-east-1:111122223333:execution:postern:bench"
	cloud.World.AddSecurityGroup(privatelink.SecurityGroup{
		ID: group, VPCID: vpc, Name: connection.SecurityGroupName(id), Tags: connection.Tags(id, execution),
		Rules: []privatelink.Rule{{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: cidr}},
	})
	service := serviceName(i % fleetServices)
	cloud.World.AddEndpoint(privatelink.Endpoint{
		ID: endpointID(i), Region: world.Region, VPCID: vpc, AccountID: world.Account, ServiceName: service,
		ServiceRegion: world.Region, State: privatelink.Available, SubnetIDs: subnets, GroupIDs: []string{group},
		CreatedAt: at, AcceptedAt: at, AvailableAt: at, Tags: connection.Tags(id, execution),
	}, ips...)
	cloud.World.AddNotification(privatelink.Notification{
		ID: fmt.Sprintf("vpce-nfn-0bec4%012x", i), Region: world.Region, EndpointID: endpointID(i), TopicARN: topic,
		Events: []string{"Accept", "Connect", "Delete", "Reject"},
	})
	ledger := connection.Ledger{
		SchemaVersion: connection.SchemaVersion, At: at, Execution: execution,
		Plan: connection.Plan{
			ConnectionID: id,
			Network: connection.Network{
				AccountID: world.Account, Region: world.Region, VPCID: vpc, ClientCIDRs: []string{cidr},
			},
			Service: connection.Service{
				Name: service, Region: world.Region, AcceptanceRequired: true, AZIDs: []string{"use1-az1", "use1-az2"},
			},
			DNS: connection.DNSPlan{Mode: connection.ModePrivateHostedZone}, Probe: connection.ProbePlan{Ports: []int{443}},
			SecurityGroup: &connection.SecurityGroupPlan{Ports: []int{443}, CIDRs: []string{cidr}},
		},
		Endpoint: connection.Endpoint{ID: endpointID(i), SecurityGroupID: group},
		DNS:      connection.DNS{ZoneID: fmt.Sprintf("Z%020d", i)},
		Config: connection.Config{Parameters: []connection.Parameter{
			{Name: "/postern/monte-carlo/agents-prod/config.yaml"}, {Name: "/postern/monte-carlo/agents-prod/endpoint"},
		}},
	}
	for zone, ip := range ips {
		ledger.Availability.Interfaces = append(ledger.Availability.Interfaces,
			connection.NetworkInterface{ID: fmt.Sprintf("eni-0bec4%010x%02x", i, zone), SubnetID: subnets[zone], IP: ip})
	}
	expects, err := json.Marshal(ledger.Expect())
	if err != nil {
		return nil, err
	}
	item := dynamodb.Item{}
	for name, value := range map[string]string{"id": id, "linked": "yes", "expects": string(expects)} {
		item[name] = dynamodb.Value{Kind: dynamodb.String, Text: value}
	}
	return item, nil
}
