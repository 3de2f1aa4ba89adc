package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern/internal/local/template"
)

var options = template.Options{StackName: "Postern", AccountID: "111122223333", Region: "us-east-1"}

// parameterOf loads a template whose one resource is an SSM parameter with the value, and returns what became of it.
func parameterOf(t *testing.T, value, sections string) (string, error) {
	t.Helper()
	text := fmt.Sprintf(`{%s "Resources":{
		"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"news"}},
		"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/p","Type":"String","Value":%s}}}}`, sections, value)
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		return "", err
	}
	return template.All[template.Parameter](stack)[0].Properties.Value, nil
}

func TestIntrinsics(t *testing.T) {
	t.Parallel()
	const sections = `"Parameters":{"Stage":{"Type":"String","Default":"prod"},"Count":{"Type":"Number","Default":3}},
		"Mappings":{"Regions":{"us-east-1":{"name":"Virginia"}}},
		"Conditions":{"IsProd":{"Fn::Equals":[{"Ref":"Stage"},"prod"]},"IsNot":{"Fn::Not":[{"Condition":"IsProd"}]},
			"Both":{"Fn::And":[{"Condition":"IsProd"},{"Condition":"IsNot"}]},
			"Either":{"Fn::Or":[{"Condition":"IsProd"},{"Condition":"IsNot"}]}},`
	const arn = "arn:aws:sns:us-east-1:111122223333:news"
	tests := []struct{ value, want string }{
		{`"plain"`, "plain"},
		{`{"Ref":"Stage"}`, "prod"},
		{`{"Ref":"Count"}`, "3"},
		{`{"Ref":"AWS::Region"}`, "us-east-1"},
		{`{"Ref":"Topic"}`, arn},
		{`{"Fn::GetAtt":["Topic","TopicName"]}`, "news"},
		{`{"Fn::GetAtt":"Topic.TopicArn"}`, arn},
		{`{"Fn::Sub":"${AWS::Partition}-${Topic.TopicName}-${Stage}-${!Literal}-$x"}`, "aws-news-prod-${Literal}-$x"},
		{`{"Fn::Sub":["${A}/${B}/${Stage}",{"A":{"Ref":"AWS::AccountId"},"B":7}]}`, "111122223333/7/prod"},
		{`{"Fn::Join":[":",["a",{"Ref":"Stage"},true,{"Ref":"AWS::NoValue"}]]}`, "a:prod:true"},
		{`{"Fn::Select":["1",{"Fn::Split":[":",{"Ref":"Topic"}]}]}`, "aws"},
		{`{"Fn::Join":["",{"Fn::Split":["-","a-b"]}]}`, "ab"},
		{`{"Fn::If":["IsProd","yes",{"Ref":"Nothing"}]}`, "yes"},
		{`{"Fn::If":["IsNot","yes","no"]}`, "no"},
		{`{"Fn::If":["Both","yes","no"]}`, "no"},
		{`{"Fn::If":["Either","yes","no"]}`, "yes"},
		{`{"Fn::FindInMap":["Regions",{"Ref":"AWS::Region"},"name"]}`, "Virginia"},
		{`{"Fn::Base64":"hi"}`, "aGk="},
	}
	for _, test := range tests {
		got, err := parameterOf(t, test.value, sections)
		if err != nil || got != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.value, got, err, test.want)
		}
	}
}

func TestWhatIsNotKnownIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	values := []struct{ value, want string }{
		{`{"Fn::ImportValue":"x"}`, "unknown intrinsic function Fn::ImportValue"},
		{`{"Fn::Sub":"x","Other":1}`, "Fn::Sub beside other members"},
		{`{"Ref":"Nobody"}`, `"Nobody" is neither`},
		{`{"Ref":["x"]}`, "is not a name"},
		{`{"Fn::GetAtt":["Topic","Colour"]}`, `Topic (AWS::SNS::Topic) has no attribute "Colour"`},
		{`{"Fn::GetAtt":["Nobody","Arn"]}`, `"Nobody" is neither`},
		{`{"Fn::Sub":"${Nobody}"}`, "${Nobody}"},
		{`{"Fn::Sub":"${open"}`, "is not closed"},
		{`{"Fn::Sub":["x"]}`, "Fn::Sub: a string"},
		{`{"Fn::Join":[",","x"]}`, "is not a list"},
		{`{"Fn::Join":[",",[["x"]]]}`, "is not a string"},
		{`{"Fn::Select":[2,["a","b"]]}`, "no element 2 in a list of 2"},
		{`{"Fn::Split":["","a"]}`, "separator"},
		{`{"Fn::If":["Nobody","a","b"]}`, "unknown condition Nobody"},
		{`{"Fn::FindInMap":["A","B","C"]}`, "nothing under A.B.C"},
		{`["x"]`, "is not a string"},
	}
	for _, test := range values {
		_, err := parameterOf(t, test.value, "")
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "resource P (AWS::SSM") {
			t.Errorf("%s: got %v, want %q", test.value, err, test.want)
		}
	}
	templates := []struct{ text, want string }{
		{`{"Resources":{"X":{"Type":"AWS::EC2::Instance"}}}`, "resource X (AWS::EC2::Instance): unknown resource type"},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","Properties":{"Colour":"red"}}}}`,
			`resource T (AWS::SNS::Topic): json: unknown field "Colour"`},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","CreationPolicy":{}}}}`, `unknown field "CreationPolicy"`},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","DependsOn":"U"}}}`, "depends on U"},
		{`{"Resources":{"T":{"Type":"AWS::SNS::Topic","Condition":"C"}}}`, "resource T: unknown condition C"},
		{`{"Transform":"X","Resources":{}}`, `unknown field "Transform"`},
		{`{"Conditions":{"C":{"Fn::Maybe":[]}},"Resources":{}}`, "condition C: unknown condition function Fn::Maybe"},
		{`{"Conditions":{"C":{"Fn::Not":[{"Condition":"C"}]}},"Resources":{}}`, "refers to itself"},
		{`{"Conditions":{"C":{"Fn::And":[{"Fn::Equals":[1,1]}]}},"Resources":{}}`, "Fn::And of 1"},
		{`{"Parameters":{"P":{"Type":"String"}},"Resources":{}}`, "parameter P: no value and no default"},
		{`{"Parameters":{"P":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/x"}},"Resources":{}}`, "/x has no value"},
		{`{"Rules":{"R":{"Assertions":[{"Assert":{"Fn::Contains":[["1"],"2"]},"AssertDescription":"too old"}]}},"Resources":{}}`,
			"rule R: too old"},
		{`{"Resources":{},"Outputs":{"O":{"Value":{"Ref":"Nobody"}}}}`, "output O: Ref"},
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

func TestBootstrapRuleOfCDKHolds(t *testing.T) {
	t.Parallel()
	const text = `{
		"Parameters":{"BootstrapVersion":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/cdk-bootstrap/hnb659fds/version"}},
		"Rules":{"CheckBootstrapVersion":{"Assertions":[{
			"Assert":{"Fn::Not":[{"Fn::Contains":[["1","2","3","4","5"],{"Ref":"BootstrapVersion"}]}]},
			"AssertDescription":"CDK bootstrap stack version 6 required."}]}},"Resources":{}}`
	if _, err := template.Load([]byte(text), options); err != nil {
		t.Error(err)
	}
	old := options
	old.Parameters = map[string]string{"BootstrapVersion": "5"}
	if _, err := template.Load([]byte(text), old); err == nil || !strings.Contains(err.Error(), "version 6 required") {
		t.Errorf("an old bootstrap: got %v", err)
	}
}

func TestConditionsLeaveResourcesOut(t *testing.T) {
	t.Parallel()
	const text = `{"Conditions":{"Never":{"Fn::Equals":["a","b"]}},"Resources":{
		"Gone":{"Type":"AWS::SNS::Topic","Condition":"Never"},"Also":{"Type":"AWS::SNS::Subscription","Condition":"Never",
			"Properties":{"TopicArn":{"Ref":"Gone"},"Protocol":"email","Endpoint":"a@example.com"}},
		"There":{"Type":"AWS::SNS::Topic"}},"Outputs":{"O":{"Condition":"Never","Value":"x"}}}`
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(stack.Resources) != 1 || stack.Resources[0].LogicalID != "There" || len(stack.Outputs) != 0 {
		t.Errorf("got %+v and outputs %v", stack.Resources, stack.Outputs)
	}
	unconditional := strings.Replace(text, `"AWS::SNS::Subscription","Condition":"Never",`, `"AWS::SNS::Subscription",`, 1)
	_, err = template.Load([]byte(unconditional), options)
	if err == nil || !strings.Contains(err.Error(), "Gone does not exist") {
		t.Errorf("a reference to what is left out: got %v", err)
	}
}

func TestNamesAndARNs(t *testing.T) {
	t.Parallel()
	const text = `{"Resources":{
		"Fn":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"postern-plan","Role":{"Fn::GetAtt":["Role","Arn"]}}},
		"Version":{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"Fn"}}},
		"Live":{"Type":"AWS::Lambda::Alias","Properties":{
			"FunctionName":{"Ref":"Fn"},"FunctionVersion":{"Fn::GetAtt":["Version","Version"]},"Name":"live"}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"plan","AssumeRolePolicyDocument":{}}},
		"Machine":{"Type":"AWS::StepFunctions::StateMachine","Properties":{"StateMachineName":"postern"}},
		"MachineVersion":{"Type":"AWS::StepFunctions::StateMachineVersion","Properties":{"StateMachineArn":{"Ref":"Machine"}}},
		"MachineAlias":{"Type":"AWS::StepFunctions::StateMachineAlias","Properties":{
			"Name":"live","RoutingConfiguration":[{"StateMachineVersionArn":{"Ref":"MachineVersion"},"Weight":100}]}},
		"Rule":{"Type":"AWS::Events::Rule","Properties":{"Name":"wake"}},
		"BusRule":{"Type":"AWS::Events::Rule","Properties":{"Name":"resume","EventBusName":{"Ref":"Bus"}}},
		"Bus":{"Type":"AWS::Events::EventBus","Properties":{"Name":"postern"}},
		"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"dead"}},
		"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"connections","KeySchema":[]}},
		"Param":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/a/b","Type":"String","Value":"v"}},
		"Group":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/aws/x"}},
		"Alarm":{"Type":"AWS::CloudWatch::Alarm","Properties":{"AlarmName":"dirty","Threshold":1}},
		"Alias":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":"alias/postern","TargetKeyId":{"Ref":"Key"}}},
		"Key":{"Type":"AWS::KMS::Key"}}}`
	stack, err := template.Load([]byte(text), options)
	if err != nil {
		t.Fatal(err)
	}
	const local = ":us-east-1:111122223333:"
	const function, machine = "arn:aws:lambda" + local + "function:postern-plan", "arn:aws:states" + local + "stateMachine:postern"
	want := map[string][2]string{
		"Fn":             {"postern-plan", "arn:aws:lambda" + local + "function:postern-plan"},
		"Version":        {function + ":1", function + ":1"},
		"Live":           {function + ":live", function + ":live"},
		"Role":           {"plan", "arn:aws:iam::111122223333:role/plan"},
		"Machine":        {"arn:aws:states" + local + "stateMachine:postern", "arn:aws:states" + local + "stateMachine:postern"},
		"MachineVersion": {machine + ":1", machine + ":1"},
		"MachineAlias":   {machine + ":live", machine + ":live"},
		"Rule":           {"wake", "arn:aws:events" + local + "rule/wake"},
		"BusRule":        {"postern|resume", "arn:aws:events" + local + "rule/postern/resume"},
		"Bus":            {"postern", "arn:aws:events" + local + "event-bus/postern"},
		"Queue":          {"https://sqs.us-east-1.amazonaws.com/111122223333/dead", "arn:aws:sqs" + local + "dead"},
		"Table":          {"connections", "arn:aws:dynamodb" + local + "table/connections"},
		"Param":          {"/a/b", "arn:aws:ssm" + local + "parameter/a/b"},
		"Group":          {"/aws/x", "arn:aws:logs" + local + "log-group:/aws/x:*"},
		"Alarm":          {"dirty", "arn:aws:cloudwatch" + local + "alarm:dirty"},
		"Alias":          {"alias/postern", "arn:aws:kms" + local + "alias/postern"},
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
	if len(first[long]) != 64 || !strings.HasPrefix(first[long], "Postern-VeryLong") {
		t.Errorf("a function is named %q", first[long])
	}
	if !strings.HasPrefix(first["Topic"], "arn:aws:sns:us-east-1:111122223333:Postern-Topic-") {
		t.Errorf("a topic is named %q", first["Topic"])
	}
	other := options
	other.StackName = "Postern2"
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
	if err := os.WriteFile(filepath.Join(dir, "Postern.assets.json"), []byte(manifest), 0o644); err != nil {
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
