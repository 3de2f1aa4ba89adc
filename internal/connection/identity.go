package connection

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// TagPrefix begins every tag of Postern.
const TagPrefix = "postern:"

// The tags on everything Postern makes; find, adopt and delete go through them.
const (
	TagConnection = "postern:connection" // connection id, vendor/name
	TagExecution  = "postern:execution"  // ARN of the execution that made the thing
	TagManaged    = "postern:managed"    // always "true"
	// TagAdopted is on an endpoint that was created manually: ARN of the execution that adopted it. Postern never deletes it, but
	// releases it and removes its own tags.
	TagAdopted = "postern:adopted"
	// TagPrivateDNS is on an endpoint that another execution made: ARN of the execution that switched its private DNS on.
	TagPrivateDNS = "postern:private-dns"
)

// ID returns the id of a connection: vendor/name.
func ID(vendor, name string) string { return vendor + "/" + name }

// Tags returns the tags of everything made for a connection by an execution.
func Tags(connectionID, execution string) map[string]string {
	return map[string]string{TagConnection: connectionID, TagExecution: execution, TagManaged: "true"}
}

// AdoptionTagKeys are the tags that an adopted endpoint can have.
var AdoptionTagKeys = []string{TagAdopted, TagConnection, TagManaged, TagPrivateDNS}

// AdoptionTags returns the tags of an endpoint that was created manually and that an execution adopts.
func AdoptionTags(connectionID, execution string) map[string]string {
	return map[string]string{TagConnection: connectionID, TagAdopted: execution, TagManaged: "true"}
}

// SecurityGroupName returns the name of the security group that is made for a connection. The same connection has the same name,
// so a group is found again whose creation was not reported.
//
// AWS: unique in the VPC, at most 255 of letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, not beginning with sg-.
func SecurityGroupName(connectionID string) string { return "postern:" + connectionID }

// ExecutionName returns the name of the execution that brings a connection to a revision. The same connection and revision give
// the same name, so a request that arrives twice starts one execution (AWS: StartExecution is idempotent on name and input
// while the execution runs). At most 80 characters of a-z, 0-9 and '-'.
func ExecutionName(connectionID, revision string) string {
	slug := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(connectionID))
	if len(slug) > 63 {
		slug = slug[:63]
	}
	return slug + "-" + digest(connectionID, revision)[:16]
}

// ExecutionARN returns the ARN that an execution of a state machine has, which may be given by an alias.
//
// AWS: arn:aws:states:<region>:<account>:execution:<state machine>:<name>; it names no alias.
func ExecutionARN(machine, name string) string {
	before, machine, _ := strings.Cut(machine, ":stateMachine:")
	machine, _, _ = strings.Cut(machine, ":")
	return before + ":execution:" + machine + ":" + name
}

// ConsoleLink returns the address of an execution in the console of its partition, "" when it is no ARN of one.
func ConsoleLink(execution string) string {
	parts := strings.Split(execution, ":") // arn:partition:states:region:account:execution:machine:name
	if len(parts) != 8 || parts[0] != "arn" {
		return ""
	}
	return fmt.Sprintf("https://%s/states/home?region=%s#/v2/executions/details/%s", ConsoleHost(parts[1]), parts[3], execution)
}

// ConsoleHost returns the host of the console of a partition, such as aws-cn.
func ConsoleHost(partition string) string {
	switch partition {
	case "aws-cn":
		return "console.amazonaws.cn"
	case "aws-us-gov":
		return "console.amazonaws-us-gov.com"
	case "aws-eusc":
		return "console.amazonaws-eusc.eu"
	}
	return "console.aws.amazon.com"
}

// ClientToken returns the idempotency token of one AWS write of an execution, 64 ASCII characters. It is a pure function of its
// arguments: a retry after a lost answer sends the same token and gets the thing that was made, never a second one. The
// parameters belong to the identity because AWS refuses a known token with other parameters (IdempotentParameterMismatch).
func ClientToken(execution, purpose string, parameters ...string) string {
	return digest(append([]string{execution, purpose}, parameters...)...)
}

func digest(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part))
		hash.Write([]byte{0}) // so that ("ab","c") and ("a","bc") differ
	}
	return hex.EncodeToString(hash.Sum(nil))
}
