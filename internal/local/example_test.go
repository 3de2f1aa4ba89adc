package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"postern/internal/local"
	localevents "postern/internal/local/events"
	"postern/internal/local/lambda"
)

type order struct{ Order, Token string }

// reserve stores an order with the task token that its payment answers.
func reserve(r lambda.Runtime) (awslambda.Handler, error) {
	table, db := r.Getenv("TABLE"), dynamodb.NewFromConfig(r.AWS)
	return awslambda.NewHandler(func(ctx context.Context, in order) error {
		_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
			"id": &types.AttributeValueMemberS{Value: in.Order}, "token": &types.AttributeValueMemberS{Value: in.Token},
		}})
		return err
	}), nil
}

// pay ends the wait of the order that an event names.
func pay(r lambda.Runtime) (awslambda.Handler, error) {
	table, db, machines := r.Getenv("TABLE"), dynamodb.NewFromConfig(r.AWS), sfn.NewFromConfig(r.AWS)
	return awslambda.NewHandler(func(ctx context.Context, event events.EventBridgeEvent) error {
		var detail struct{ Order string }
		if err := json.Unmarshal(event.Detail, &detail); err != nil {
			return err
		}
		found, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: map[string]types.AttributeValue{
			"id": &types.AttributeValueMemberS{Value: detail.Order},
		}})
		if err != nil {
			return err
		}
		token, known := found.Item["token"].(*types.AttributeValueMemberS)
		if !known {
			return fmt.Errorf("there is no order %q", detail.Order)
		}
		_, err = machines.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token.Value, Output: aws.String(`{"method":"card"}`)})
		return err
	}), nil
}

func openOrders(mutate func(map[string]any)) (*local.Cloud, error) {
	return local.Open(local.Config{
		TemplatePath: "testdata/orders.template.json", StackName: "Shop", Mutate: mutate,
		Functions: map[string]lambda.Build{"reserve": reserve, "pay": pay},
	})
}

// payment is an event that another system puts on the bus.
func payment(c *local.Cloud) error {
	return c.Events.Emit(localevents.Event{Source: "shop", DetailType: "Payment Received", Detail: json.RawMessage(`{"order":"4711"}`)})
}

// The app of testdata/orders.template.json: an order waits for its payment, which comes two hours later as an event.
func Example() {
	cloud, err := openOrders(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cloud.Close()
	cloud.Clock.After(2*time.Hour, "the customer pays", func() {
		if err := payment(cloud); err != nil {
			fmt.Println(err)
		}
	})
	execution, err := cloud.StartExecution("order-4711", []byte(`{"order":"4711"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ended, err := cloud.Run(execution, 48*time.Hour)
	fmt.Println(ended.Status, ended.Path, ended.StoppedAt.Sub(ended.StartedAt).Round(time.Minute), err)
	fmt.Println(string(ended.Output))
	for _, call := range cloud.Calls() {
		fmt.Println(call.Function, call.Service, call.Operation)
	}
	// Output:
	// SUCCEEDED [AwaitPayment Method Paid] 2h0m0s <nil>
	// {"order":"4711","payment":{"method":"card"}}
	// orders-reserve dynamodb PutItem
	// orders-pay dynamodb GetItem
	// orders-pay states SendTaskSuccess
}

func TestAnOrderThatIsNotPaidExpires(t *testing.T) {
	t.Parallel()
	cloud, err := openOrders(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	execution, err := cloud.StartExecution("", []byte(`{"order":"4711"}`))
	if err != nil {
		t.Fatal(err)
	}
	ended, err := cloud.Run(execution, 48*time.Hour)
	if err != nil || ended.Error != "Unpaid" || !slices.Equal(ended.Path, []string{"AwaitPayment", "Expired"}) ||
		ended.StoppedAt.Sub(ended.StartedAt) < 24*time.Hour {
		t.Errorf("%s %v after %s, %v", ended.Error, ended.Path, ended.StoppedAt.Sub(ended.StartedAt), err)
	}
}

// A call, an invocation and a delivery that no policy of the template allows fail as on AWS.
func TestWhatNoPolicyAllows(t *testing.T) {
	t.Parallel()
	for action, check := range map[string]func(*local.Cloud) string{
		"dynamodb:PutItem":      func(c *local.Cloud) string { return c.Calls()[0].Error },
		"lambda:InvokeFunction": func(c *local.Cloud) string { return c.States.Executions()[0].Cause },
	} {
		cloud, err := openOrders(func(template map[string]any) { without(template["Resources"], action) })
		if err != nil {
			t.Fatal(err)
		}
		execution, err := cloud.StartExecution("", []byte(`{"order":"4711"}`))
		if err != nil {
			t.Fatal(err)
		}
		ended, err := cloud.Run(execution, 48*time.Hour)
		if err != nil || ended.Error == "" || !strings.Contains(check(cloud), "not authorized to perform: "+action) {
			t.Errorf("without %s: %s %s, %v; %q", action, ended.Status, ended.Error, err, check(cloud))
		}
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	}
}

// without replaces an action in policies by another one.
func without(value any, action string) {
	switch value := value.(type) {
	case map[string]any:
		if value["Action"] == action && value["Effect"] == "Allow" {
			value["Action"] = "s3:GetObject"
		}
		for _, inner := range value {
			without(inner, action)
		}
	case []any:
		for _, inner := range value {
			without(inner, action)
		}
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("testdata/orders.template.json")
	if err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]local.Config{
		`no function is registered for handler "pay"`: {Template: template, Functions: map[string]lambda.Build{"reserve": reserve}},
		"reading the template":                        {TemplatePath: "testdata/none.json"},
		"unknown resource type":                       {Template: []byte(`{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`)},
	} {
		if cloud, err := local.Open(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want %q", cloud, err, want)
		}
	}
}
