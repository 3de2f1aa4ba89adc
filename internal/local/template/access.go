package template

// Role is AWS::IAM::Role.
type Role struct {
	AssumeRolePolicyDocument any
	Description              string
	ManagedPolicyArns        []string
	MaxSessionDuration       int
	Path                     string
	Policies                 []InlinePolicy
	RoleName                 string
	Tags                     []Tag
}

// InlinePolicy is a policy inside a role.
type InlinePolicy struct {
	PolicyDocument any
	PolicyName     string
}

// Policy is AWS::IAM::Policy: an inline policy of the roles it names.
type Policy struct {
	PolicyDocument any
	PolicyName     string
	Roles          []string // names
}

// ManagedPolicy is AWS::IAM::ManagedPolicy.
type ManagedPolicy struct {
	Description       string
	ManagedPolicyName string
	Path              string
	PolicyDocument    any
	Roles             []string // names
}

// Key is AWS::KMS::Key.
type Key struct {
	Description          string
	EnableKeyRotation    bool
	Enabled              *bool
	KeyPolicy            any
	KeySpec, KeyUsage    string
	MultiRegion          bool
	Origin               string
	PendingWindowInDays  int
	RotationPeriodInDays int
	Tags                 []Tag
}

// KeyAlias is AWS::KMS::Alias.
type KeyAlias struct{ AliasName, TargetKeyId string }

// SecurityGroup is AWS::EC2::SecurityGroup.
type SecurityGroup struct {
	GroupDescription     string
	GroupName            string
	SecurityGroupEgress  []SecurityGroupEgress
	SecurityGroupIngress []SecurityGroupIngress
	Tags                 []Tag
	VpcId                string
}

// SecurityGroupIngress is AWS::EC2::SecurityGroupIngress, and a rule inside a group.
type SecurityGroupIngress struct {
	CidrIp, CidrIpv6, Description string
	FromPort, ToPort              int
	GroupId, GroupName            string
	IpProtocol                    string
	SourcePrefixListId            string
	SourceSecurityGroupId         string
	SourceSecurityGroupName       string
	SourceSecurityGroupOwnerId    string
}

// SecurityGroupEgress is AWS::EC2::SecurityGroupEgress, and a rule inside a group.
type SecurityGroupEgress struct {
	CidrIp, CidrIpv6, Description string
	DestinationPrefixListId       string
	DestinationSecurityGroupId    string
	FromPort, ToPort              int
	GroupId                       string
	IpProtocol                    string
}
