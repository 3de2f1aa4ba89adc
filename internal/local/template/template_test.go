package template_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/template"
)

var options = template.Options{StackName: "App", AccountID: "111122223333", Region: "us-east-1"}

// displayNameOf loads a template with a topic whose display name is the value, and returns what became of it.
func displayNameOf(t *testing.T, value string) (string, error) {
	t.Helper()
	text := fmt.Sprintf(`{"Resources":{
		"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"news"}},
		"P":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"p","DisplayName":%s}}}}`, value)
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		return "", err
	}
	for _, topic := range template.All[template.Topic](stack) {
		if topic.LogicalID == "P" {
			return topic.Properties.DisplayName, nil
		}
	}
	return "", errors.New("the topic is missing")
}

func TestIntrinsics(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:sns:us-east-1:111122223333:news"
	tests := []struct{ value, want string }{
		{`"plain"`, "plain"},
		{`{"Ref":"AWS::Region"}`, "us-east-1"},
		{`{"Ref":"Topic"}`, arn},
		{`{"Fn::GetAtt":["Topic","TopicName"]}`, "news"},
		{`{"Fn::GetAtt":"Topic.TopicArn"}`, arn},
		{`{"Fn::Sub":"${AWS::Partition}-${Topic.TopicName}-${!Literal}-$x"}`, "aws-news-${Literal}-$x"},
		{`{"Fn::Sub":["${A}/${B}/${AWS::Region}",{"A":{"Ref":"AWS::AccountId"},"B":7}]}`, "111122223333/7/us-east-1"},
		{`{"Fn::Join":[":",["a",{"Ref":"AWS::Region"},true,{"Ref":"AWS::NoValue"}]]}`, "a:us-east-1:true"},
	}
	for _, test := range tests {
		got, err := displayNameOf(t, test.value)
		if err != nil || got != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.value, got, err, test.want)
		}
	}
}

func TestWhatIsNotKnownIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	values := []struct{ value, want string }{
		{`{"Fn::ImportValue":"x"}`, "unknown intrinsic function Fn::ImportValue"},
		{`{"Fn::If":["C","a","b"]}`, "unknown intrinsic function Fn::If"},
		{`{"Fn::Select":[0,["a"]]}`, "unknown intrinsic function Fn::Select"},
		{`{"Fn::Sub":"x","Other":1}`, "Fn::Sub beside other members"},
		{`{"Ref":"Nothing"}`, `"Nothing" is not a resource`},
		{`{"Ref":["x"]}`, "is not a name"},
		{`{"Fn::GetAtt":["Topic","Colour"]}`, `Topic (AWS::SNS::Topic) has no attribute "Colour"`},
		{`{"Fn::GetAtt":["Nothing","Arn"]}`, `"Nothing" is not a resource`},
		{`{"Fn::Sub":"${Nothing}"}`, "${Nothing}"},
		{`{"Fn::Sub":"${open"}`, "is not closed"},
		{`{"Fn::Sub":["x"]}`, "Fn::Sub: a string"},
		{`{"Fn::Join":[",","x"]}`, "is not a list"},
		{`{"Fn::Join":[",",[["x"]]]}`, "is not a string"},
		{`["x"]`, "cannot unmarshal array"},
	}
	for _, test := range values {
		_, err := displayNameOf(t, test.value)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "resource P (AWS::SNS") {
			t.Errorf("%s: got %v, want %q", test.value, err, test.want)
		}
	}
	templates := []struct{ text, want string }{
		{`{"Resources":{"X":{"Type":"AWS::EC2::Instance"}}}`, "resource X (AWS::EC2::Instance): unknown resource type"},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","Properties":{"Colour":"red"}}}}`,
			`resource T (AWS::SNS::Topic): json: unknown field "Colour"`},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","CreationPolicy":{}}}}`, `unknown field "CreationPolicy"`},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","DependsOn":"U"}}}`, "depends on U"},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","Condition":"C"}}}`, `unknown field "Condition"`},
		{`{"Transform":"X","Resources":{}}`, `unknown field "Transform"`},
		{`{"Parameters":{},"Resources":{}}`, `unknown field "Parameters"`},
		{`{"Conditions":{},"Resources":{}}`, `unknown field "Conditions"`},
		{`{"Mappings":{},"Resources":{}}`, `unknown field "Mappings"`},
		{`{"Rules":{},"Resources":{}}`, `unknown field "Rules"`},
		{`{"Resources":{},"Outputs":{"O":{"Value":{"Ref":"Nothing"}}}}`, "output O: Ref"},
		{`{"Resources":{"A":{"Type":"AWS::SNS::Topic","DependsOn":"B"},"B":{"Type":"AWS::SNS::Topic","DependsOn":["A"]}}}`,
			"circular dependency: A -> B -> A"},
		{`{"Resources":{"A":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":{"Fn::GetAtt":["A","TopicName"]}}}}}`,
			"depends on itself"},
		{`nonsense`, "reading the template"},
	}
	for _, test := range templates {
		if _, err := template.Load([]byte(test.text), options); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.text, err, test.want)
		}
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	t.Parallel()
	_, err := template.Load([]byte(`{"Resources":{"A":{"Type":"AWS::X::Y"},"B":{"Type":"AWS::X::Z"}}}`), options)
	if err == nil || !strings.Contains(err.Error(), "resource A") || !strings.Contains(err.Error(), "resource B") {
		t.Errorf("got %v", err)
	}
}

func TestNamesAndARNs(t *testing.T) {
	t.Parallel()
	const text = `{"Resources":{
		"Fn":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"app-plan","Role":{"Fn::GetAtt":["Role","Arn"]}}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"plan","AssumeRolePolicyDocument":{}}},
		"Machine":{"Type":"AWS::StepFunctions::StateMachine","Properties":{"StateMachineName":"app"}},
		"MachineVersion":{"Type":"AWS::StepFunctions::StateMachineVersion","Properties":{"StateMachineArn":{"Ref":"Machine"}}},
		"MachineAlias":{"Type":"AWS::StepFunctions::StateMachineAlias","Properties":{
			"Name":"live","RoutingConfiguration":[{"StateMachineVersionArn":{"Ref":"MachineVersion"},"Weight":100}]}},
		"Rule":{"Type":"AWS::Events::Rule","Properties":{"Name":"wake"}},
		"BusRule":{"Type":"AWS::Events::Rule","Properties":{"Name":"resume","EventBusName":{"Ref":"Bus"}}},
		"Bus":{"Type":"AWS::Events::EventBus","Properties":{"Name":"app"}},
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"dead"}},
		"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"connections","KeySchema":[]}},
		"Group":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/aws/x"}},
		"Alarm":{"Type":"AWS::CloudWatch::Alarm","Properties":{"AlarmName":"dirty","Threshold":1}},
		"Alias":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":"alias/app","TargetKeyId":{"Ref":"Key"}}},
		"Key":{"Type":"AWS::KMS::Key"}}}`
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		t.Fatal(err)
	}
	const local = ":us-east-1:111122223333:"
	const machine = "arn:aws:states" + local + "stateMachine:app"
	want := map[string][2]string{
		"Fn":             {"app-plan", "arn:aws:lambda" + local + "function:app-plan"},
		"Role":           {"plan", "arn:aws:iam::111122223333:role/plan"},
		"Machine":        {"arn:aws:states" + local + "stateMachine:app", "arn:aws:states" + local + "stateMachine:app"},
		"MachineVersion": {machine + ":1", machine + ":1"},
		"MachineAlias":   {machine + ":live", machine + ":live"},
		"Rule":           {"wake", "arn:aws:events" + local + "rule/wake"},
		"BusRule":        {"app|resume", "arn:aws:events" + local + "rule/app/resume"},
		"Bus":            {"app", "arn:aws:events" + local + "event-bus/app"},
		"Queue":          {"https://sqs.us-east-1.amazonaws.com/111122223333/dead", "arn:aws:sqs" + local + "dead"},
		"Table":          {"connections", "arn:aws:dynamodb" + local + "table/connections"},
		"Group":          {"/aws/x", "arn:aws:logs" + local + "log-group:/aws/x:*"},
		"Alarm":          {"dirty", "arn:aws:cloudwatch" + local + "alarm:dirty"},
		"Alias":          {"alias/app", "arn:aws:kms" + local + "alias/app"},
	}
	got := map[string][2]string{}
	for _, resource := range stack.Resources {
		got[resource.LogicalID] = [2]string{resource.Ref, resource.ARN}
	}
	delete(got, "Key")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("VeryLong", 10)
	text := fmt.Sprintf(`{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"},
		"%s":{"Type":"AWS::Lambda::Function","Properties":{"Handler":"plan"}}}}`, long)
	names := func(o template.Options) map[string]string {
		stack, err := template.Load([]byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string]string{}
		for _, resource := range stack.Resources {
			byID[resource.LogicalID] = resource.Ref
		}
		return byID
	}
	first, again := names(options), names(options)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("names differ from load to load: %s", diff)
	}
	if len(first[long]) != 64 || !strings.HasPrefix(first[long], "App-VeryLong") {
		t.Errorf("a function is named %q", first[long])
	}
	if !strings.HasPrefix(first["Topic"], "arn:aws:sns:us-east-1:111122223333:App-Topic-") {
		t.Errorf("a topic is named %q", first["Topic"])
	}
	other := options
	other.StackName = "App2"
	if names(other)["Topic"] == first["Topic"] {
		t.Error("two stacks share a name")
	}
}

func TestOrderFollowsReferences(t *testing.T) {
	t.Parallel()
	const text = `{"Resources":{
		"A":{"Type":"AWS::SNS::Subscription","Properties":{"TopicArn":{"Ref":"Z"},"Protocol":"lambda",
			"Endpoint":{"Fn::Sub":"${M.Arn}"}}},
		"M":{"Type":"AWS::Lambda::Function","DependsOn":["N"],"Properties":{"Role":{"Fn::GetAtt":["R","Arn"]}}},
		"N":{"Type":"AWS::IAM::Policy","Properties":{"Roles":[{"Ref":"R"}]}},
		"R":{"Type":"AWS::IAM::Role"},"Z":{"Type":"AWS::SNS::Topic"}}}`
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, resource := range stack.Resources {
		order = append(order, resource.LogicalID)
	}
	if diff := cmp.Diff([]string{"R", "N", "M", "Z", "A"}, order); diff != "" {
		t.Error(diff)
	}
	functions := template.All[template.Function](stack)
	role := "-R-" + suffixOf(stack, "R")
	if len(functions) != 1 || functions[0].LogicalID != "M" || !strings.HasSuffix(functions[0].Properties.Role, role) {
		t.Errorf("got %+v", functions)
	}
}

// suffixOf is the last part of a generated name.
func suffixOf(stack *template.Stack, id string) string {
	for _, resource := range stack.Resources {
		if resource.LogicalID == id {
			return resource.Ref[strings.LastIndex(resource.Ref, "-")+1:]
		}
	}
	return ""
}

func TestCodeAssets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, asset := range []string{"asset.one", "asset.two"} {
		if err := os.Mkdir(filepath.Join(dir, asset), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	manifest := `{"version":"54.0.0","files":{"two":{"source":{"path":"asset.two","packaging":"zip"},
		"destinations":{"current":{"objectKey":"two.zip"}}}}}`
	if err := os.WriteFile(filepath.Join(dir, "App.assets.json"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	const function = `{"Resources":{"F":{"Type":"AWS::Lambda::Function",%s"Properties":{"Code":{"S3Bucket":"b","S3Key":"%s"}}}}}`
	tests := []struct{ metadata, key, want, err string }{
		{`"Metadata":{"aws:asset:path":"asset.one"},`, "x", "asset.one", ""},
		{"", "two.zip", "asset.two", ""},
		{"", "three.zip", "", "no asset with object key three.zip"},
		{`"Metadata":{"aws:asset:path":"asset.gone"},`, "x", "", "asset.gone"},
	}
	with := options
	with.Assembly = dir
	for _, test := range tests {
		stack, err := template.Load(fmt.Appendf(nil, function, test.metadata, test.key), with)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got %v, want %q", test.key, err, test.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.key, err)
			continue
		}
		if got := stack.Resources[0].Code; got != filepath.Join(dir, test.want) {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
