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
		Name: aws.String("/postern/a"), Value: aws.String("<1>"), Type: types.ParameterTypeString, Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("postern:managed"), Value: aws.String("true")}},
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
	in.Tags, in.Description, in.Type, in.Value = nil, nil, "", aws.String("2")
	if out, err = w.PutParameter(ctx, in); err != nil || out.Version != 2 {
		t.Fatalf("got %+v, %v", out, err)
	}
	got, err := w.GetParameter(ctx, &client.GetParameterInput{Name: aws.String("/postern/a")})
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Parameter; *p.Name != "/postern/a" || *p.Value != "2" || p.Version != 2 || p.Type != types.ParameterTypeString ||
		*p.ARN != prefix+"/postern/a" || !p.LastModifiedDate.Equal(start) || p.Selector != nil || *p.DataType != "text" {
		t.Errorf("got %+v", p)
	}
	if v, ok := w.Get("/postern/a"); !ok || v.Description != "d" || v.ModifiedBy != role {
		t.Errorf("what the put did not say is lost: %+v", v)
	}
	if _, ok := w.Get("/postern/b"); ok {
		t.Error("a parameter that was never put exists")
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
		{"8193 bytes", func(in *client.PutParameterInput) {
			in.Tier, in.Value = types.ParameterTierIntelligentTiering, aws.String(strings.Repeat("x", 8193))
		}, "8192 characters"},
		{"no type", func(in *client.PutParameterInput) { in.Type = "" }, "type is required"},
		{"bad type", func(in *client.PutParameterInput) { in.Type = "Text" }, "enum value set"},
		{"bad tier", func(in *client.PutParameterInput) { in.Tier = "Cheap" }, "enum value set"},
		{"image", func(in *client.PutParameterInput) { in.DataType = aws.String("aws:ec2:image") }, "text only"},
		{"key of a String", func(in *client.PutParameterInput) { in.KeyId = aws.String("k") }, "SecureString type"},
		{"pattern", func(in *client.PutParameterInput) { in.AllowedPattern = aws.String(`^\d+$`) }, "PatternMismatchException"},
		{"bad pattern", func(in *client.PutParameterInput) { in.AllowedPattern = aws.String(`(`) }, "InvalidAllowedPatternException"},
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

func TestTypeCannotChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "/a", "1")
	_, err := w.PutParameter(ctx, &client.PutParameterInput{
		Name: aws.String("/a"), Value: aws.String("2"), Type: types.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	if code(err) != "HierarchyTypeMismatchException" {
		t.Errorf("got %v", err)
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	const (
		standard    = types.ParameterTierStandard
		advanced    = types.ParameterTierAdvanced
		intelligent = types.ParameterTierIntelligentTiering
	)
	tests := []struct {
		name          string
		before, asked types.ParameterTier // before "" is a new parameter
		size          int
		want          types.ParameterTier // "" is refused
	}{
		{"default", "", "", 4096, standard},
		{"default, too large", "", "", 4097, ""},
		{"advanced", "", advanced, 1, advanced},
		{"advanced, large", "", advanced, 8192, advanced},
		{"intelligent, small", "", intelligent, 4096, standard},
		{"intelligent, large", "", intelligent, 4097, advanced},
		{"stays advanced", advanced, "", 1, advanced},
		{"stays advanced under intelligent", advanced, intelligent, 1, advanced},
		{"no way back", advanced, standard, 1, ""},
		{"upgraded", standard, advanced, 5000, advanced},
		{"stays standard", standard, "", 5000, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, wire.AllowAll{})
			in := &client.PutParameterInput{
				Name: aws.String("/a"), Value: aws.String("v"), Type: types.ParameterTypeString, Tier: test.before, Overwrite: aws.Bool(true),
			}
			if test.before != "" {
				if _, err := w.PutParameter(ctx, in); err != nil {
					t.Fatal(err)
				}
			}
			in.Tier, in.Value = test.asked, aws.String(strings.Repeat("x", test.size))
			out, err := w.PutParameter(ctx, in)
			if test.want == "" && code(err) != "ValidationException" || test.want != "" && (err != nil || out.Tier != test.want) {
				t.Errorf("got %+v, %v; want %q", out, err, test.want)
			}
		})
	}
}

func TestHistoryLabelsAndTheHundredthVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for i := range 100 {
		w.put(t, "/a", fmt.Sprint(i+1))
	}
	label := func(version int64, labels ...string) *client.LabelParameterVersionOutput {
		t.Helper()
		out, err := w.LabelParameterVersion(ctx, &client.LabelParameterVersionInput{
			Name: aws.String("/a"), ParameterVersion: aws.Int64(version), Labels: labels,
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := label(1, "current", "1st", "aws-x", "a b"); !cmp.Equal(out.InvalidLabels, []string{"1st", "aws-x", "a b"}) {
		t.Errorf("got %v", out.InvalidLabels)
	}
	overwrite := &client.PutParameterInput{Name: aws.String("/a"), Value: aws.String("101"), Overwrite: aws.Bool(true)}
	if _, err := w.PutParameter(ctx, overwrite); code(err) != "ParameterMaxVersionLimitExceeded" {
		t.Errorf("the oldest version has a label: got %v", err)
	}
	label(50, "current") // moves it
	if out, err := w.PutParameter(ctx, overwrite); err != nil || out.Version != 101 {
		t.Errorf("got %+v, %v", out, err)
	}
	tests := []struct{ reference, value, selector, want string }{
		{"/a:50", "50", ":50", ""},
		{"/a:current", "50", ":current", ""},
		{prefix + "/a", "101", "", ""},
		{prefix + "/a:99", "99", ":99", ""},
		{"/a:1", "", "", "ParameterVersionNotFound"},
		{"/a:102", "", "", "ParameterVersionNotFound"},
		{"/b:1", "", "", "ParameterNotFound"},
		{"/b", "", "", "ParameterNotFound"},
	}
	for _, test := range tests {
		out, err := w.GetParameter(ctx, &client.GetParameterInput{Name: aws.String(test.reference)})
		if test.want != "" {
			if code(err) != test.want {
				t.Errorf("%s: got %v, want %s", test.reference, err, test.want)
			}
			continue
		}
		if err != nil || *out.Parameter.Value != test.value || aws.ToString(out.Parameter.Selector) != test.selector ||
			*out.Parameter.Name != "/a" {
			t.Errorf("%s: got %+v, %v", test.reference, out, err)
		}
	}
	var versions []int64
	history := &client.GetParameterHistoryInput{Name: aws.String("/a"), MaxResults: aws.Int32(40)}
	pages := client.NewGetParameterHistoryPaginator(w, history)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parameters {
			versions = append(versions, p.Version)
		}
	}
	if len(versions) != 100 || versions[0] != 2 || versions[99] != 101 {
		t.Errorf("got %v", versions)
	}
}

func TestTooManyLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "/a", "1")
	in := &client.LabelParameterVersionInput{Name: aws.String("/a")}
	for i := range 11 {
		in.Labels = append(in.Labels, fmt.Sprintf("l%d", i))
	}
	if _, err := w.LabelParameterVersion(ctx, in); code(err) != "ParameterVersionLabelLimitExceeded" {
		t.Errorf("got %v", err)
	}
	in.Labels, in.ParameterVersion = in.Labels[:1], aws.Int64(7)
	if _, err := w.LabelParameterVersion(ctx, in); code(err) != "ParameterVersionNotFound" {
		t.Errorf("got %v", err)
	}
	in.Name = aws.String("/b")
	if _, err := w.LabelParameterVersion(ctx, in); code(err) != "ParameterNotFound" {
		t.Errorf("got %v", err)
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

func TestByPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for i := range 12 {
		w.put(t, fmt.Sprintf("/p/%02d", i), "v")
	}
	w.put(t, "/p/sub/x", "v")
	w.put(t, "/pq", "v")
	w.put(t, "top", "v")
	tests := []struct {
		path      string
		recursive bool
		want      int
	}{{"/p", false, 12}, {"/p/", false, 12}, {"/p", true, 13}, {"/", false, 1}, {"/", true, 14}, {"/none", true, 0}}
	for _, test := range tests {
		pages := client.NewGetParametersByPathPaginator(w, &client.GetParametersByPathInput{
			Path: aws.String(test.path), Recursive: aws.Bool(test.recursive),
		})
		got, count := 0, 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got, count = got+len(page.Parameters), count+1
		}
		if got != test.want || count != (test.want+9)/10 && test.want > 0 {
			t.Errorf("%s, recursive %v: got %d in %d pages, want %d", test.path, test.recursive, got, count, test.want)
		}
	}
	bad := []client.GetParametersByPathInput{
		{Path: aws.String("p")}, {Path: aws.String("/p"), MaxResults: aws.Int32(11)},
		{Path: aws.String("/p"), NextToken: aws.String("x")},
	}
	for _, in := range bad {
		if _, err := w.GetParametersByPath(ctx, &in); code(err) != "ValidationException" && code(err) != "InvalidNextToken" {
			t.Errorf("%+v: got %v", in, err)
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
		{"Name", "", []string{"/p/a"}, "/p/a"},
		{"Name", "BeginsWith", []string{"/p/"}, "/p/a /p/b/c"},
		{"Name", "Contains", []string{"/a"}, "/p/a /q/a"},
		{"Path", "", []string{"/p"}, "/p/a"},
		{"Path", "Recursive", []string{"/p"}, "/p/a /p/b/c"},
		{"Type", "Equals", []string{"StringList"}, ""},
		{"Tier", "BeginsWith", []string{"Stand"}, "/p/a /p/b/c /q/a"},
		{"tag:k", "", nil, "/q/a"},
		{"tag:k", "Equals", []string{"other"}, ""},
		{"DataType", "", []string{"text"}, "InvalidFilterKey"},
		{"Path", "Equals", []string{"/p"}, "InvalidFilterOption"},
		{"Name", "Equals", nil, "InvalidFilterValue"},
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

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "/a", "v")
	id, kind := aws.String("/a"), types.ResourceTypeForTaggingParameter
	_, err := w.AddTagsToResource(ctx, &client.AddTagsToResourceInput{ResourceType: kind, ResourceId: id, Tags: []types.Tag{
		{Key: aws.String("x"), Value: aws.String("1")}, {Key: aws.String("y"), Value: aws.String("2")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.RemoveTagsFromResource(ctx, &client.RemoveTagsFromResourceInput{
		ResourceType: kind, ResourceId: id, TagKeys: []string{"x", "z"},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.ListTagsForResource(ctx, &client.ListTagsForResourceInput{ResourceType: kind, ResourceId: id})
	if err != nil || len(out.TagList) != 1 || *out.TagList[0].Key != "y" {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err = w.ListTagsForResource(ctx, &client.ListTagsForResourceInput{ResourceType: kind, ResourceId: aws.String("/b")})
	if code(err) != "InvalidResourceId" {
		t.Errorf("got %v", err)
	}
	_, err = w.ListTagsForResource(ctx, &client.ListTagsForResourceInput{ResourceType: "Document", ResourceId: id})
	if code(err) != "InvalidResourceType" {
		t.Errorf("got %v", err)
	}
	var many []types.Tag
	for i := range 50 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
	}
	_, err = w.AddTagsToResource(ctx, &client.AddTagsToResourceInput{ResourceType: kind, ResourceId: id, Tags: many})
	if code(err) != "TooManyTagsError" {
		t.Errorf("got %v", err)
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
	out, err := w.DeleteParameters(ctx, &client.DeleteParametersInput{Names: []string{"/a", "/gone"}})
	if err != nil || !cmp.Equal(out.DeletedParameters, []string{"/a"}) || !cmp.Equal(out.InvalidParameters, []string{"/gone"}) {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := w.DeleteParameters(ctx, &client.DeleteParametersInput{Names: make([]string, 11)}); err == nil {
		t.Error("11 names are taken")
	}
	for _, want := range []string{"", "ParameterNotFound"} {
		if _, err := w.DeleteParameter(ctx, &client.DeleteParameterInput{Name: aws.String("/b")}); code(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for w.clock.Step() {
	}
	want := []string{
		"Create " + prefix + "/a", "Update " + prefix + "/a", "Create " + prefix + "/b",
		"Delete " + prefix + "/a", "Delete " + prefix + "/b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecureString(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	_, err := w.PutParameter(ctx, &client.PutParameterInput{
		Name: aws.String("/s"), Value: aws.String("secret"), Type: types.ParameterTypeSecureString,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, decrypt := range []bool{false, true} {
		out, err := w.GetParameter(ctx, &client.GetParameterInput{Name: aws.String("/s"), WithDecryption: aws.Bool(decrypt)})
		if err != nil || (*out.Parameter.Value == "secret") != decrypt {
			t.Errorf("decrypt %v: got %+v, %v", decrypt, out, err)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	p := ssm.Parameter{
		Name: "/a", Type: "String", Value: "v", Description: "d", AllowedPattern: "^v", Tags: map[string]string{"k": "v"},
	}
	if err := w.Create(p); err != nil {
		t.Fatal(err)
	}
	if v, ok := w.Get("/a"); !ok || v.Value != "v" || v.AllowedPattern != "^v" {
		t.Errorf("got %+v", v)
	}
	for _, bad := range []ssm.Parameter{p, {Name: "/b", Type: "SecureString", Value: "x"}, {Name: "/b", Type: "String"}} {
		if err := w.Create(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
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
	const key = "arn:aws:kms:us-east-1:111122223333:key/k"
	own := ssm.Parameter{Name: "/own", Type: "String", Value: "v", Tags: map[string]string{"postern:managed": "true"}}
	if err := w.Create(own); err != nil {
		t.Fatal(err)
	}
	w.put(t, "/foreign", "v")
	secret := &client.PutParameterInput{
		Name: aws.String("/s"), Value: aws.String("v"), Type: types.ParameterTypeSecureString, KeyId: aws.String(key),
	}
	if _, err := w.PutParameter(ctx, secret); err != nil {
		t.Fatal(err)
	}
	get := func(names ...string) func(*client.Client) error {
		return func(c *client.Client) error {
			_, err := c.GetParameters(ctx, &client.GetParametersInput{Names: names, WithDecryption: aws.Bool(true)})
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
	owned := map[string]string{"aws:resourcetag/postern:managed": "true"}
	managed := types.Tag{Key: aws.String("postern:managed"), Value: aws.String("true")}
	asked := map[string]string{"aws:requesttag/postern:managed": "true", "aws:tagkeys": "postern:managed"}
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
		{"decrypt without the key", grants{"ssm:GetParameters " + prefix + "/s": nil}, get("/s"), false},
		{"decrypt", grants{"ssm:GetParameters " + prefix + "/s": nil, "kms:Decrypt " + key: nil}, get("/s"), true},
		{"put", grants{"ssm:PutParameter " + prefix + "/own": {"ssm:overwrite": "true"}}, put("/own", true), true},
		{"put without overwrite", grants{"ssm:PutParameter " + prefix + "/new": {"ssm:overwrite": "true"}}, put("/new", false), false},
		{"put with tags", grants{"ssm:PutParameter " + prefix + "/new1": asked, "ssm:AddTagsToResource " + prefix + "/new1": asked},
			put("/new1", false, managed), true},
		{"put with tags, may not tag", grants{"ssm:PutParameter " + prefix + "/new2": asked}, put("/new2", false, managed), false},
		{"by path", grants{"ssm:GetParametersByPath " + prefix + "/x": {"ssm:recursive": "true"}}, func(c *client.Client) error {
			_, err := c.GetParametersByPath(ctx, &client.GetParametersByPathInput{Path: aws.String("/x/"), Recursive: aws.Bool(true)})
			return err
		}, true},
		{"describe", grants{"ssm:DescribeParameters arn:aws:ssm:us-east-1:111122223333:*": nil}, func(c *client.Client) error {
			_, err := c.DescribeParameters(ctx, &client.DescribeParametersInput{})
			return err
		}, true},
		{"untag", grants{"ssm:RemoveTagsFromResource " + prefix + "/own": {"aws:tagkeys": "x"}}, func(c *client.Client) error {
			_, err := c.RemoveTagsFromResource(ctx, &client.RemoveTagsFromResourceInput{
				ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: aws.String("/own"), TagKeys: []string{"x"},
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
