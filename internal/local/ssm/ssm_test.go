package ssm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/ssm"
	"postern/internal/local/wire"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	role    = "arn:aws:iam::111122223333:role/R"
	prefix  = "arn:aws:ssm:us-east-1:111122223333:parameter"
)

var (
	start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	ctx   = context.Background()
)

type world struct {
	*ssm.Service
	*client.Client
	clock *clock.Clock
}

func newWorld(t *testing.T, authorizer wire.Authorizer) *world {
	w := &world{clock: clock.New(start)}
	w.Service = ssm.New(w.clock, account, region)
	w.Client = w.as(t, authorizer)
	return w
}

func (w *world) as(t *testing.T, authorizer wire.Authorizer) *client.Client {
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: authorizer}, w.Service)
	server.Register("AKIA", wire.Principal{RoleARN: role, Function: "f"})
	return client.NewFromConfig(server.AWS("AKIA"))
}

// put writes a String parameter.
func (w *world) put(t *testing.T, name, value string) {
	t.Helper()
	_, err := w.PutParameter(ctx, &client.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	in := &client.PutParameterInput{
		Name: aws.String("/app/a"), Value: aws.String("<1>"), Type: types.ParameterTypeString,
		Tags: []types.Tag{{Key: aws.String("app:managed"), Value: aws.String("true")}},
	}
	out, err := w.PutParameter(ctx, in)
	if err != nil || out.Version != 1 || out.Tier != types.ParameterTierStandard {
		t.Fatalf("got %+v, %v", out, err)
	}
	if _, err := w.PutParameter(ctx, in); code(err) != "ParameterAlreadyExists" {
		t.Errorf("without overwrite: got %v", err)
	}
	in.Overwrite = aws.Bool(true)
	_, err = w.PutParameter(ctx, in)
	if code(err) != "ValidationException" || !strings.Contains(err.Error(), "tags and overwrite") {
		t.Errorf("tags and overwrite: got %v", err)
	}
	in.Tags, in.Type, in.Value = nil, "", aws.String("2")
	if out, err = w.PutParameter(ctx, in); err != nil || out.Version != 2 {
		t.Fatalf("got %+v, %v", out, err)
	}
	got, err := w.GetParameters(ctx, &client.GetParametersInput{Names: []string{"/app/a"}})
	if err != nil || len(got.Parameters) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if p := got.Parameters[0]; *p.Name != "/app/a" || *p.Value != "2" || p.Version != 2 || p.Type != types.ParameterTypeString ||
		*p.ARN != prefix+"/app/a" || !p.LastModifiedDate.Equal(start) || p.Selector != nil || *p.DataType != "text" {
		t.Errorf("got %+v", p)
	}
	if v, ok := w.Get("/app/a"); !ok || v.Type != "String" || v.ModifiedBy != role {
		t.Errorf("got %+v", v)
	}
	if _, ok := w.Get("/app/b"); ok {
		t.Error("a parameter exists that was not made")
	}
}

func TestPutRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*client.PutParameterInput)
		want   string
	}{
		{"reference", func(in *client.PutParameterInput) { in.Value = aws.String("a: {{ssm:x}}") }, "can't nest another parameter"},
		{"empty value", func(in *client.PutParameterInput) { in.Value = aws.String("") }, "length greater than or equal to 1"},
		{"4097 bytes", func(in *client.PutParameterInput) { in.Value = aws.String(strings.Repeat("x", 4097)) }, "4096 characters"},
		{"no type", func(in *client.PutParameterInput) { in.Type = "" }, "type is required"},
		{"another type", func(in *client.PutParameterInput) { in.Type = types.ParameterTypeSecureString }, wire.CodeNotImplemented},
		{"tier", func(in *client.PutParameterInput) { in.Tier = types.ParameterTierAdvanced }, wire.CodeNotImplemented},
		{"key", func(in *client.PutParameterInput) { in.KeyId = aws.String("k") }, wire.CodeNotImplemented},
		{"pattern", func(in *client.PutParameterInput) { in.AllowedPattern = aws.String("^v") }, wire.CodeNotImplemented},
		{"bad tag", func(in *client.PutParameterInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}
		}, "tag key"},
		{"policies", func(in *client.PutParameterInput) { in.Policies = aws.String("[]") }, wire.CodeNotImplemented},
		{"name of AWS", named("/aws/x"), "can't be prefixed"},
		{"name of SSM", named("SSMx"), "can't be prefixed"},
		{"name with a space", named("/a b"), "sub-paths"},
		{"name with an empty level", named("/a//b"), "sub-paths"},
		{"name ending in a slash", named("/a/"), "sub-paths"},
		{"path without a slash", named("a/b"), "fully qualified"},
		{"16 levels", named(strings.Repeat("/a", 16)), "HierarchyLevelLimitExceededException"},
		{"long name", named("/" + strings.Repeat("a", 1011)), "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, wire.AllowAll{})
			in := &client.PutParameterInput{Name: aws.String("/a"), Value: aws.String("v"), Type: types.ParameterTypeString}
			test.change(in)
			if _, err := w.PutParameter(ctx, in); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if got := w.Names(); len(got) != 0 {
				t.Errorf("it made %v", got)
			}
		})
	}
}

func named(name string) func(*client.PutParameterInput) {
	return func(in *client.PutParameterInput) { in.Name = aws.String(name) }
}

func TestTheHundredAndFirstVersionReplacesTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for i := range 101 {
		w.put(t, "/a", fmt.Sprint(i+1))
	}
	for reference, want := range map[string]string{"/a": "101", "/a:2": "2", "/a:101": "101", "/a:1": "", "/a:102": "", prefix + "/a:99": "99"} {
		out, err := w.GetParameters(ctx, &client.GetParametersInput{Names: []string{reference}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range out.Parameters {
			got = *p.Value
		}
		if got != want || len(out.InvalidParameters) > 0 != (want == "") {
			t.Errorf("%s: got %q, invalid %v, want %q", reference, got, out.InvalidParameters, want)
		}
	}
}

func TestGetParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for _, name := range []string{"/b", "/a", "/c"} {
		w.put(t, name, "v"+name)
	}
	out, err := w.GetParameters(ctx, &client.GetParametersInput{Names: []string{"/c", "/gone", "/a:1", "/b:9"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range out.Parameters {
		got = append(got, *p.Name+aws.ToString(p.Selector)+"="+*p.Value)
	}
	if diff := cmp.Diff([]string{"/a:1=v/a", "/c=v/c"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/gone", "/b:9"}, out.InvalidParameters); diff != "" {
		t.Error(diff)
	}
	for _, names := range [][]string{{}, make([]string, 11), {"/a", "/a"}} {
		if _, err := w.GetParameters(ctx, &client.GetParametersInput{Names: names}); code(err) != "ValidationException" {
			t.Errorf("%q: got %v", names, err)
		}
	}
}

func TestDescribeParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for _, name := range []string{"/p/a", "/p/b/c", "/q/a"} {
		w.put(t, name, "v")
	}
	_, err := w.AddTagsToResource(ctx, &client.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: aws.String("/q/a"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		key, option string
		values      []string
		want        string
	}{
		{"Path", "Recursive", []string{"/p"}, "/p/a /p/b/c"},
		{"Path", "Recursive", []string{"/p/b/"}, "/p/b/c"},
		{"tag:k", "", []string{"other", "v"}, "/q/a"},
		{"tag:k", "", []string{"other"}, ""},
		{"tag:k", "", nil, "InvalidFilterValue"},
		{"Path", "OneLevel", []string{"/p"}, wire.CodeNotImplemented},
		{"tag:k", "BeginsWith", []string{"v"}, wire.CodeNotImplemented},
		{"Name", "Equals", []string{"/p/a"}, wire.CodeNotImplemented},
	}
	for _, test := range tests {
		f := types.ParameterStringFilter{Key: aws.String(test.key), Values: test.values}
		if test.option != "" {
			f.Option = aws.String(test.option)
		}
		in := &client.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{f}}
		out, err := w.DescribeParameters(ctx, in)
		got := code(err)
		if err == nil {
			var names []string
			for _, p := range out.Parameters {
				names = append(names, *p.Name)
			}
			got = strings.Join(names, " ")
		}
		if got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
	first, err := w.DescribeParameters(ctx, &client.DescribeParametersInput{MaxResults: aws.Int32(2)})
	if err != nil || len(first.Parameters) != 2 || first.NextToken == nil {
		t.Fatalf("got %+v, %v", first, err)
	}
	second, err := w.DescribeParameters(ctx, &client.DescribeParametersInput{NextToken: first.NextToken})
	if err != nil || second.NextToken != nil {
		t.Errorf("got %+v, %v", second, err)
	}
}

func TestTagsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "/a", "v")
	var many []types.Tag
	for i := range 51 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
	}
	for want, in := range map[string]client.AddTagsToResourceInput{
		"InvalidResourceId":   {ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: aws.String("/b"), Tags: many[:1]},
		"InvalidResourceType": {ResourceType: "Document", ResourceId: aws.String("/a"), Tags: many[:1]},
		"TooManyTagsError":    {ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: aws.String("/a"), Tags: many},
	} {
		if _, err := w.AddTagsToResource(ctx, &in); code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDeleteAndEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	var got []string
	w.OnChange(func(c ssm.Change) { got = append(got, c.Operation+" "+c.ARN) })
	w.put(t, "/a", "1")
	w.put(t, "/a", "2")
	w.put(t, "/b", "1")
	if len(got) != 0 {
		t.Errorf("heard of %v during the call", got)
	}
	for _, want := range []string{"", "ParameterNotFound"} {
		if _, err := w.DeleteParameter(ctx, &client.DeleteParameterInput{Name: aws.String("/b")}); code(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for w.clock.Step() {
	}
	want := []string{
		"Create " + prefix + "/a", "Update " + prefix + "/a", "Create " + prefix + "/b", "Delete " + prefix + "/b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// grants is what is allowed, and the conditions that must hold: "action resource" -> key -> value.
type grants map[string]map[string]string

func (g grants) Authorize(_ string, p wire.Permission) wire.Decision {
	conditions, found := g[p.Action+" "+p.Resource]
	for key, want := range conditions {
		if !cmp.Equal(p.Context[key], []string{want}) {
			return wire.Decision{}
		}
	}
	return wire.Decision{Allowed: found}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	_, err := w.PutParameter(ctx, &client.PutParameterInput{
		Name: aws.String("/own"), Value: aws.String("v"), Type: types.ParameterTypeString,
		Tags: []types.Tag{{Key: aws.String("app:managed"), Value: aws.String("true")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "/foreign", "v")
	get := func(names ...string) func(*client.Client) error {
		return func(c *client.Client) error {
			_, err := c.GetParameters(ctx, &client.GetParametersInput{Names: names})
			return err
		}
	}
	put := func(name string, overwrite bool, tags ...types.Tag) func(*client.Client) error {
		return func(c *client.Client) error {
			_, err := c.PutParameter(ctx, &client.PutParameterInput{
				Name: aws.String(name), Value: aws.String("w"), Type: types.ParameterTypeString, Overwrite: aws.Bool(overwrite), Tags: tags,
			})
			return err
		}
	}
	owned := map[string]string{"aws:resourcetag/app:managed": "true"}
	managed := types.Tag{Key: aws.String("app:managed"), Value: aws.String("true")}
	asked := map[string]string{"aws:requesttag/app:managed": "true", "aws:tagkeys": "app:managed"}
	tests := []struct {
		name    string
		allowed grants
		do      func(*client.Client) error
		want    bool
	}{
		{"get", grants{"ssm:GetParameters " + prefix + "/own": nil}, get("/own"), true},
		{"get a version", grants{"ssm:GetParameters " + prefix + "/own": nil}, get("/own:1"), true},
		{"get one too many", grants{"ssm:GetParameters " + prefix + "/own": nil}, get("/own", "/foreign"), false},
		{"get by tag", grants{"ssm:GetParameters " + prefix + "/own": owned}, get("/own"), true},
		{"get by tag, foreign", grants{"ssm:GetParameters " + prefix + "/foreign": owned}, get("/foreign"), false},
		{"put", grants{"ssm:PutParameter " + prefix + "/own": {"ssm:overwrite": "true"}}, put("/own", true), true},
		{"put without overwrite", grants{"ssm:PutParameter " + prefix + "/new": {"ssm:overwrite": "true"}}, put("/new", false), false},
		{"put with tags", grants{"ssm:PutParameter " + prefix + "/new1": asked, "ssm:AddTagsToResource " + prefix + "/new1": asked},
			put("/new1", false, managed), true},
		{"put with tags, may not tag", grants{"ssm:PutParameter " + prefix + "/new2": asked}, put("/new2", false, managed), false},
		{"describe", grants{"ssm:DescribeParameters arn:aws:ssm:us-east-1:111122223333:*": nil}, func(c *client.Client) error {
			_, err := c.DescribeParameters(ctx, &client.DescribeParametersInput{})
			return err
		}, true},
		{"tag", grants{"ssm:AddTagsToResource " + prefix + "/own": {"aws:tagkeys": "x", "aws:resourcetag/app:managed": "true"}},
			func(c *client.Client) error {
				_, err := c.AddTagsToResource(ctx, &client.AddTagsToResourceInput{
					ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: aws.String("/own"),
					Tags: []types.Tag{{Key: aws.String("x"), Value: aws.String("1")}},
				})
				return err
			}, true},
	}
	for _, test := range tests {
		if err := test.do(w.as(t, test.allowed)); (err == nil) != test.want || (code(err) == "AccessDeniedException") == test.want {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
