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
