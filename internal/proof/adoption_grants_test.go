package proof_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"postern/internal/awserr"
	"postern/internal/connection"
	"postern/internal/local/privatelink"
	"postern/internal/local/wire"
)

// The roles set the tags of an adoption all together, remove them all together, and delete only what carries all the tags of a
// creation: no order of calls deletes an endpoint that was created manually.
func TestRolesTakeAllTagsOfAnAdoptionTogether(t *testing.T) {
	t.Parallel()
	const id = "monte-carlo/agents-prod"
	c := open(t, nil)
	endpoint := handMade(t, c, nil)
	as := func(function string) *ec2.Client {
		c.Server.Register("AKIA"+function, wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/postern-us-east-1-" + function, Function: function})
		return ec2.NewFromConfig(c.Server.AWS("AKIA" + function))
	}
	adopted, created := connection.AdoptionTags(id, "arn:exec:1"), connection.Tags(id, "arn:exec:1")
	tagsOf := func(tags map[string]string, keys ...string) []types.Tag {
		var list []types.Tag
		for _, key := range keys {
			list = append(list, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
		}
		return list
	}
	const adoption, owner, managed = connection.TagAdopted, connection.TagConnection, connection.TagManaged
	deleteTags := func(function string, keys ...string) error {
		_, err := as(function).DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{endpoint}, Tags: tagsOf(adopted, keys...)})
		return err
	}
	createTags := func(keys ...string) error {
		_, err := as("ensure-endpoint").CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{endpoint}, Tags: tagsOf(adopted, keys...)})
		return err
	}
	remove := func(function string) error {
		_, err := as(function).DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{endpoint}})
		return err
	}
	with := func(tags map[string]string, without string) map[string]string {
		tags = maps.Clone(tags)
		delete(tags, without)
		return tags
	}
	for _, test := range []struct {
		what    string
		has     map[string]string // tags of the endpoint before
		call    func(function string) error
		allowed bool
	}{
		// A repair does so for an endpoint of Postern's that lost all its tags. No function can delete it then; see the rows below.
		{"tag without the tag of the adoption", nil, func(string) error { return createTags(owner, managed) }, true},
		{"tag an adopted one without the tag of the adoption", with(adopted, managed), func(string) error { return createTags(owner, managed) }, false},
		{"adopt without a connection", nil, func(string) error { return createTags(adoption, managed) }, false},
		{"adopt", nil, func(string) error { return createTags(adoption, owner, managed) }, true},
		{"remove only the tag of the adoption", adopted, func(f string) error { return deleteTags(f, adoption) }, false},
		{"remove only the connection", adopted, func(f string) error { return deleteTags(f, owner) }, false},
		{"remove all but the managed tag", adopted, func(f string) error { return deleteTags(f, adoption, owner) }, false},
		{"remove all but the connection", adopted, func(f string) error { return deleteTags(f, adoption, managed) }, false},
		{"remove no tag by name, which removes all", adopted, func(f string) error { return deleteTags(f) }, false},
		{"release", adopted, func(f string) error { return deleteTags(f, adoption, owner, managed) }, true},
		{"delete an adopted endpoint", adopted, remove, false},
		{"delete one that lost the tag of its adoption", with(adopted, adoption), remove, false},
		{"delete one without a connection", with(created, owner), remove, false},
		{"delete one without an execution", with(created, connection.TagExecution), remove, false},
	} {
		for _, function := range []string{"offboard", "rollback"} {
			must(t, c.World.ChangeByHand(endpoint, func(e *privatelink.Endpoint) { e.Tags = maps.Clone(test.has) }))
			if err := test.call(function); awserr.IsDenied(err) == test.allowed || test.allowed && err != nil {
				t.Errorf("%s, %s: %v", test.what, function, err)
			}
		}
	}
	must(t, c.World.ChangeByHand(endpoint, func(e *privatelink.Endpoint) { e.Tags = created }))
	if err := remove("offboard"); err != nil {
		t.Error(err)
	}
}
