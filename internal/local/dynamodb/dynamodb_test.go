package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"postern/internal/local/clock"
	"postern/internal/local/dynamodb"
	"postern/internal/local/wire"
)

const (
	account  = "111122223333"
	region   = "us-east-1"
	tableARN = "arn:aws:dynamodb:us-east-1:111122223333:table/connections"
)

var (
	start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	ctx   = context.Background()
)

type world struct {
	*dynamodb.Service
	*client.Client
	clock *clock.Clock
}

// newWorld has the table connections (key id, sparse index waiting on gate and since) and the table lines (key order and line).
func newWorld(t *testing.T, authorizer wire.Authorizer) *world {
	t.Helper()
	w := &world{clock: clock.New(start)}
	w.Service = dynamodb.New(w.clock, account, region)
	err := errors.Join(
		w.AddTable(dynamodb.Table{
			Name: "connections", Key: dynamodb.Key{Hash: dynamodb.Attribute{Name: "id", Kind: dynamodb.String}},
			Indexes: []dynamodb.Index{{
				Name: "waiting", Projection: "INCLUDE", Include: []string{"seen"},
				Key: dynamodb.Key{
					Hash:  dynamodb.Attribute{Name: "gate", Kind: dynamodb.String},
					Range: &dynamodb.Attribute{Name: "since", Kind: dynamodb.Number},
				},
			}},
		}),
		w.AddTable(dynamodb.Table{Name: "lines", Key: dynamodb.Key{
			Hash:  dynamodb.Attribute{Name: "order", Kind: dynamodb.String},
			Range: &dynamodb.Attribute{Name: "line", Kind: dynamodb.Number},
		}}))
	if err != nil {
		t.Fatal(err)
	}
	w.Client = w.as(t, authorizer)
	return w
}

func (w *world) as(t *testing.T, authorizer wire.Authorizer) *client.Client {
	server := wire.NewServer(wire.Config{AccountID: account, Region: region, Now: w.clock.Now, Authorizer: authorizer}, w.Service)
	server.Register("AKIA", wire.Principal{RoleARN: "arn:aws:iam::111122223333:role/R", Function: "f"})
	return client.NewFromConfig(server.AWS("AKIA"))
}

type values = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func object(v values) types.AttributeValue       { return &types.AttributeValueMemberM{Value: v} }
func stringSet(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }

// plain is an item as the wire has it, with sorted names.
func plain(t *testing.T, item any) string {
	t.Helper()
	raw, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// show is the SDK's item in short: {a:1 b:[x y]}.
func show(v any) string {
	switch v := v.(type) {
	case values:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, name+":"+show(v[name]))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case *types.AttributeValueMemberM:
		return show(v.Value)
	case *types.AttributeValueMemberL:
		var parts []string
		for _, element := range v.Value {
			parts = append(parts, show(element))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return "#" + v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("<%s>", strings.Join(v.Value, " "))
	case *types.AttributeValueMemberNS:
		return fmt.Sprintf("<#%s>", strings.Join(v.Value, " #"))
	case *types.AttributeValueMemberBS:
		return fmt.Sprintf("<%x>", v.Value)
	}
	return fmt.Sprint(v)
}

func (w *world) put(t *testing.T, table string, item values) {
	t.Helper()
	if _, err := w.PutItem(ctx, &client.PutItemInput{TableName: aws.String(table), Item: item}); err != nil {
		t.Fatal(err)
	}
}

// sample is an item of every kind.
func sample() values {
	return values{
		"id": str("a"), "n": num("7"), "s": str("hello"), "b": &types.AttributeValueMemberB{Value: []byte("bin")},
		"t": &types.AttributeValueMemberBOOL{Value: true}, "nil": &types.AttributeValueMemberNULL{Value: true},
		"l": list(str("x"), num("2"), object(values{"deep": str("y")})), "m": object(values{"k": str("v"), "z": num("0.50")}),
		"ss": stringSet("red", "blue"), "ns": &types.AttributeValueMemberNS{Value: []string{"3", "1.0"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("q")}},
	}
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", sample())
	key := values{"id": str("a")}
	got, err := w.GetItem(ctx, &client.GetItemInput{TableName: aws.String(tableARN), Key: key})
	const want = `{b:62696e bs:<[71]> id:a l:[x #2 {deep:y}] m:{k:v z:#0.5} n:#7 nil:null ns:<#1 #3> s:hello ss:<blue red> t:true}`
	if err != nil || show(got.Item) != want {
		t.Fatalf("got %s, %v", show(got.Item), err)
	}
	if items := w.Items("connections"); len(items) != 1 || !strings.Contains(plain(t, items[0]), `"b":{"B":"Ymlu"}`) {
		t.Errorf("got %v", items)
	}
	if items := w.Items("none"); items != nil {
		t.Errorf("got %v", items)
	}
}

func TestProjections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", sample())
	tests := []struct{ projection, want string }{
		{"id, n", "{id:a n:#7}"},
		{"m.k", "{m:{k:v}}"},
		{"l[2].deep, l[0]", "{l:[x {deep:y}]}"},
		{"l[9], m.nothing, gone", "{}"},
		{"#m.#k", "{m:{k:v}}"},
		{"s.k, n[0]", "{}"},
	}
	for _, test := range tests {
		in := &client.GetItemInput{
			TableName: aws.String("connections"), Key: values{"id": str("a")}, ProjectionExpression: aws.String(test.projection),
		}
		if strings.Contains(test.projection, "#") {
			in.ExpressionAttributeNames = map[string]string{"#m": "m", "#k": "k"}
		}
		got, err := w.GetItem(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		if show(got.Item) != test.want || got.Item == nil {
			t.Errorf("%s: got %s, want %s", test.projection, show(got.Item), test.want)
		}
	}
}

// literals are the values of the tables of expressions below.
var literals = values{
	":n": num("7.0"), ":one": num("1"), ":big": num("1e2"), ":s": str("hello"), ":he": str("he"), ":x": str("x"), ":empty": list(),
	":red": str("red"), ":S": str("S"), ":M": str("M"), ":true": &types.AttributeValueMemberBOOL{Value: true},
	":set": stringSet("red"),
	":two": num("2"), ":three": num("3"), ":bin": &types.AttributeValueMemberB{Value: []byte("bi")}, ":list": list(str("new")),
	":ns": &types.AttributeValueMemberNS{Value: []string{"1", "5"}}, ":m": object(values{"k": str("w")}),
}

// of returns the literals that an expression uses.
func of(expression string) values {
	used := values{}
	for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ,()=<>+-", r) }) {
		if v, ok := literals[word]; ok {
			used[word] = v
		}
	}
	if len(used) == 0 {
		return nil
	}
	return used
}

func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", sample())
	tests := []struct {
		condition string
		want      bool
	}{
		{"n = :n", true}, {"n <> :n", false}, {"n = :s", false}, {"n <> :s", true}, {"gone = :n", false}, {"gone <> :n", true},
		{"n < :big", true}, {"n > :big", false}, {"n <= :n", true}, {"n >= :n", true}, {"s < :x", true}, {"s > :n", false},
		{"gone < :n", false}, {":n = n", true}, {"NOT n = :n", false}, {"NOT gone = :n", true},
		{"attribute_exists(id)", true}, {"attribute_exists(m.k)", true}, {"attribute_exists(m.gone)", false},
		{"attribute_not_exists(gone)", true}, {"attribute_not_exists(l[2].deep)", false}, {"attribute_not_exists(l[3])", true},
		{"n = :n OR gone = :n AND gone = :n", true}, {"(n = :n OR gone = :n) AND gone = :n", false},
		{"NOT n = :n OR s = :s", true}, {"NOT (n = :n OR s = :s)", false}, {"not not n = :n", true},
		{"ss = :set", false}, {"t = :true", true}, {"m.k = :x", false}, {"l[0] = :x", true}, {"s = m.k", false},
	}
	for _, test := range tests {
		_, err := w.PutItem(ctx, &client.PutItemInput{
			TableName: aws.String("connections"), Item: sample(), ConditionExpression: aws.String(test.condition),
			ExpressionAttributeValues: of(test.condition),
		})
		if test.want && err != nil || !test.want && code(err) != "ConditionalCheckFailedException" {
			t.Errorf("%s: got %v, want %v", test.condition, err, test.want)
		}
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	tests := []struct{ update, want string }{ // want is ALL_NEW without b, bs, id, nil, t
		{"SET n = :one", "{l:[x #2 {deep:y}] m:{k:v z:#0.5} n:#1 ns:<#1 #3> s:hello ss:<blue red>}"},
		{"REMOVE m, ns, ss SET l[0] = :one, l[2].deep = :two, l[9] = :x", "{l:[#1 #2 {deep:#2} x] n:#7 s:hello}"},
		{"REMOVE m, ns, ss, l[0], l[2]", "{l:[#2] n:#7 s:hello}"},
		{"REMOVE m, ns, ss, l[7], gone", "{l:[x #2 {deep:y}] n:#7 s:hello}"},
		{"REMOVE l, ns, ss, m.k SET m.fresh = :x", "{m:{fresh:x z:#0.5} n:#7 s:hello}"},
		{"set n = :one set2 = :one", ""},
	}
	for _, test := range tests {
		t.Run(test.update, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, wire.AllowAll{})
			w.put(t, "connections", sample())
			out, err := w.UpdateItem(ctx, &client.UpdateItemInput{
				TableName: aws.String("connections"), Key: values{"id": str("a")}, UpdateExpression: aws.String(test.update),
				ExpressionAttributeValues: of(test.update), ReturnValues: types.ReturnValueAllNew,
			})
			if test.want == "" {
				if code(err) != "ValidationException" {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"b", "bs", "id", "nil", "t"} {
				delete(out.Attributes, name)
			}
			if got := show(out.Attributes); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUpdateMakesAnItemAndReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	update := func(returns types.ReturnValue, expression *string, v values) string {
		t.Helper()
		out, err := w.UpdateItem(ctx, &client.UpdateItemInput{
			TableName: aws.String("connections"), Key: values{"id": str("new")}, UpdateExpression: expression,
			ExpressionAttributeValues: v, ReturnValues: returns,
		})
		if err != nil {
			t.Fatal(err)
		}
		return show(out.Attributes)
	}
	for i, test := range []struct {
		returns types.ReturnValue
		update  string
		values  values
		want    string
	}{
		{types.ReturnValueAllOld, "SET a = :v, m = :m", values{":v": num("1"), ":m": object(values{"x": num("1")})}, "{}"},
		{types.ReturnValueUpdatedOld, "SET a = :v, c = :v", values{":v": num("2")}, "{a:#1}"},
		{types.ReturnValueUpdatedNew, "SET m.x = :v REMOVE c", values{":v": num("3")}, "{m:{x:#3}}"},
		{"", "SET a = :v", values{":v": num("4")}, "{}"},
		{types.ReturnValueAllNew, "", nil, "{a:#4 id:new m:{x:#3}}"},
	} {
		var expression *string
		if test.update != "" {
			expression = &test.update
		}
		if got := update(test.returns, expression, test.values); got != test.want {
			t.Errorf("%d: got %s, want %s", i, got, test.want)
		}
	}
}

func TestConditionFailureReturnsTheItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", values{"id": str("a"), "holder": str("x")})
	in := &client.UpdateItemInput{
		TableName: aws.String("connections"), Key: values{"id": str("a")}, UpdateExpression: aws.String("SET holder = :me"),
		ConditionExpression:       aws.String("attribute_not_exists(holder) OR holder = :me"),
		ExpressionAttributeValues: values{":me": str("y")},
	}
	for _, returns := range []types.ReturnValuesOnConditionCheckFailure{"", types.ReturnValuesOnConditionCheckFailureAllOld} {
		in.ReturnValuesOnConditionCheckFailure = returns
		_, err := w.UpdateItem(ctx, in)
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) {
			t.Fatalf("got %v", err)
		}
		want := "{}"
		if returns != "" {
			want = "{holder:x id:a}"
		}
		if got := show(failed.Item); got != want {
			t.Errorf("returning %q: got %s, want %s", returns, got, want)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", sample())
	tests := []struct {
		update, condition string
		names             map[string]string
		values            values
		want              string
	}{
		{update: "SET status = :x", want: "reserved keyword: status"},
		{update: "SET m.Count = :x", want: "reserved keyword: Count"},
		{update: "SET #s = :x", want: "not defined; attribute name: #s"},
		{update: "SET s = :gone", want: "not defined; attribute value: :gone"},
		{update: "SET s = :x", values: values{":y": str("y")}, want: "unused in expressions: keys: {:y}"},
		{update: "SET s = :x", names: map[string]string{"#y": "y"}, want: "ExpressionAttributeNames unused in expressions: keys: {#y}"},
		{update: "SET s = :x", names: map[string]string{}, want: "ExpressionAttributeNames must not be empty"},
		{update: "SET #y = :x", names: map[string]string{"#y": ""}, want: "must not be empty"},
		{update: "SET s = :x", names: map[string]string{"y": "y"}, want: "invalid key"},
		{update: "SET s = :x", names: map[string]string{"#y z": "y"}, want: "invalid key"},
		{values: values{":y": str("y")}, want: "can only be specified when using expressions"},
		{update: " ", want: "can not be empty"},
		{update: "SET s = :x, s = :one", want: "Two document paths overlap"},
		{update: "SET m.k = :x REMOVE m", want: "Two document paths overlap"},
		{update: "SET s = :x SET n = :one", want: `"SET" section can only be used once`},
		{update: "SET s = :x,", want: "Syntax error"},
		{update: "SET s :x", want: "Syntax error"},
		{update: "SET s = :x :one", want: "Syntax error"},
		{update: "PUT s = :x", want: "Syntax error"},
		{update: "SET s = ?", want: "Syntax error"},
		{update: "SET s = n", want: "Syntax error"},
		{update: "SET n = :one + :one", want: "Syntax error"},
		{update: "SET n = if_not_exists(n, :one)", want: "Syntax error"},
		{update: "ADD n :one", want: "Syntax error"},
		{update: "DELETE ss :set", want: "Syntax error"},
		{update: "SET l[-1] = :x", want: "Syntax error"},
		{update: "SET 1a = :x", want: "Syntax error"},
		{update: "SET id = :x", want: "Cannot update attribute id"},
		{update: "SET gone.x = :x", want: "document path provided in the update expression is invalid"},
		{update: "SET s.x = :x", want: "document path provided in the update expression is invalid"},
		{update: "SET m[0] = :x", want: "document path provided in the update expression is invalid"},
		{update: "SET l[8].x = :x", want: "document path provided in the update expression is invalid"},
		{update: "REMOVE gone.x", want: "document path provided in the update expression is invalid"},
		{update: "SET gate = :one", want: "Type mismatch for Index Key gate"},
		{update: "SET gate = :e", values: values{":e": str("")}, want: "IndexKey: gate"},
		{update: "SET s = :x", condition: "((s = :x))", want: "redundant parentheses"},
		{condition: "s = s", want: "must be distinct"},
		{condition: "s", want: "Syntax error"},
		{condition: "s = :x AND", want: "Syntax error"},
		{condition: "(s = :x", want: "Syntax error"},
		{condition: "s == :x", want: "Syntax error"},
		{condition: "attribute_exists(:x)", want: "Syntax error"},
		{condition: "Attribute_Exists(s)", want: "The function is not simulated; function: Attribute_Exists"},
		{condition: "begins_with(s, :x)", want: "The function is not simulated; function: begins_with"},
		{condition: "size(s) > :one", want: "The function is not simulated; function: size"},
		{condition: "n BETWEEN :one AND :big", want: "Syntax error"},
		{condition: "n IN (:one)", want: "Syntax error"},
		{condition: "t < :true", want: "Incorrect operand type"},
		{condition: "s = :x " + strings.Repeat(" ", 4096), want: "Expression size has exceeded"},
		{condition: "size = :one", want: "reserved keyword: size"},
	}
	for _, test := range tests {
		in := &client.UpdateItemInput{
			TableName: aws.String("connections"), Key: values{"id": str("a")}, ExpressionAttributeNames: test.names,
			ExpressionAttributeValues: of(test.update + " " + test.condition),
		}
		if test.update != "" {
			in.UpdateExpression = aws.String(test.update)
		}
		if test.condition != "" {
			in.ConditionExpression = aws.String(test.condition)
		}
		for name, value := range test.values {
			if in.ExpressionAttributeValues == nil {
				in.ExpressionAttributeValues = values{}
			}
			in.ExpressionAttributeValues[name] = value
		}
		_, err := w.UpdateItem(ctx, in)
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q %.60q: got %v, want %q", test.update, test.condition, err, test.want)
		}
	}
}

func TestItemsAndKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	nested := str("x")
	for range 33 {
		nested = list(nested)
	}
	tests := []struct {
		name string
		item values
		want string
	}{
		{"no key", values{"n": num("1")}, "Missing the key id"},
		{"key of another type", values{"id": num("1")}, "Type mismatch for key id expected: S actual: N"},
		{"empty key", values{"id": str("")}, "empty string value. Key: id"},
		{"long key", values{"id": str(strings.Repeat("x", 2049))}, "maximum size limit of 2048"},
		{"index key of another type", values{"id": str("a"), "since": str("1")}, "Type mismatch for Index Key since"},
		{"too large", values{"id": str("a"), "s": str(strings.Repeat("x", 400*1024-3))}, "Item size has exceeded"},
		{"too deep", values{"id": str("a"), "l": nested}, "Nesting Levels"},
		{"not a number", values{"id": str("a"), "n": num("1x")}, "cannot be converted to a numeric value"},
		{"empty number", values{"id": str("a"), "n": num("")}, "cannot be converted"},
		{"too many digits", values{"id": str("a"), "n": num(strings.Repeat("9", 39))}, "38 significant digits"},
		{"too large a number", values{"id": str("a"), "n": num("1e126")}, "Number overflow"},
		{"too small a number", values{"id": str("a"), "n": num("1e-131")}, "Number underflow"},
		{"empty set", values{"id": str("a"), "s": stringSet()}, "may not be empty"},
		{"set with duplicates", values{"id": str("a"), "s": &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}}, "duplicates"},
		{"false null", values{"id": str("a"), "n": &types.AttributeValueMemberNULL{}}, "must have the value of true"},
	}
	for _, test := range tests {
		_, err := w.PutItem(ctx, &client.PutItemInput{TableName: aws.String("connections"), Item: test.item})
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	w.put(t, "connections", values{"id": str("a"), "s": str(strings.Repeat("x", 400*1024-4))})
	_, err := w.UpdateItem(ctx, &client.UpdateItemInput{
		TableName: aws.String("connections"), Key: values{"id": str("a")}, UpdateExpression: aws.String("SET y = :x"),
		ExpressionAttributeValues: values{":x": str("x")},
	})
	if err == nil || !strings.Contains(err.Error(), "Item size to update has exceeded") {
		t.Errorf("got %v", err)
	}
	for _, key := range []values{{}, {"id": num("1")}, {"id": str("a"), "x": str("b")}, {"x": str("a")}, {"id": str("")}} {
		_, err := w.GetItem(ctx, &client.GetItemInput{TableName: aws.String("connections"), Key: key})
		if code(err) != "ValidationException" {
			t.Errorf("%s: got %v", show(key), err)
		}
	}
	_, err = w.GetItem(ctx, &client.GetItemInput{TableName: aws.String("none"), Key: values{"id": str("a")}})
	if code(err) != "ResourceNotFoundException" {
		t.Errorf("got %v", err)
	}
	_, err = w.PutItem(ctx, &client.PutItemInput{
		TableName: aws.String("connections"), Item: values{"id": str("a")}, ReturnValues: types.ReturnValueAllNew,
	})
	if code(err) != "ValidationException" {
		t.Errorf("ALL_NEW of a put: got %v", err)
	}
	_, err = w.PutItem(ctx, &client.PutItemInput{
		TableName: aws.String("connections"), Item: values{"id": str("a")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if code(err) != wire.CodeNotImplemented {
		t.Errorf("an unknown member: got %v", err)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for _, test := range []struct{ in, want string }{
		{"0", "0"}, {"-0.0", "0"}, {"007", "7"}, {"1.50", "1.5"}, {"+3", "3"}, {".5", "0.5"}, {"5.", "5"}, {"1e3", "1000"},
		{"12.5E-4", "0.00125"}, {"-1e-3", "-0.001"}, {"1e125", "1" + strings.Repeat("0", 125)},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
	} {
		w.put(t, "connections", values{"id": str("a"), "n": num(test.in)})
		got, err := w.GetItem(ctx, &client.GetItemInput{TableName: aws.String("connections"), Key: values{"id": str("a")}})
		if err != nil || show(got.Item["n"]) != "#"+test.want {
			t.Errorf("%s: got %s, %v", test.in, show(got.Item["n"]), err)
		}
	}
}

func (w *world) lines(t *testing.T, order string, n int) {
	t.Helper()
	for i := n; i > 0; i-- {
		w.put(t, "lines", values{"order": str(order), "line": num(fmt.Sprint(i)), "odd": num(fmt.Sprint(i % 2)), "text": str("x")})
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.lines(t, "a", 12)
	w.lines(t, "b", 2)
	names := map[string]string{"#o": "order"}
	tests := []struct {
		name   string
		change func(*client.QueryInput)
		want   string // the lines
	}{
		{"all", func(*client.QueryInput) {}, "1 2 3 4 5 6 7 8 9 10 11 12"},
		{"backwards", func(in *client.QueryInput) { in.ScanIndexForward = aws.Bool(false) }, "12 11 10 9 8 7 6 5 4 3 2 1"},
		{"one", keyed("#o = :o AND line = :x", "3"), "3"},
		{"above", keyed("line > :x AND #o = :o", "10"), "11 12"},
		{"below", keyed("#o = :o AND line <= :x", "2"), "1 2"},
		{"none", keyed("#o = :o AND line = :x", "99"), ""},
		{"filter", func(in *client.QueryInput) {
			in.FilterExpression, in.ExpressionAttributeValues[":one"] = aws.String("odd = :one"), num("1")
		}, "1 3 5 7 9 11"},
	}
	for _, test := range tests {
		for _, limit := range []int32{0, 1, 4, 5, 12} {
			in := &client.QueryInput{
				TableName: aws.String("lines"), KeyConditionExpression: aws.String("#o = :o"), ExpressionAttributeNames: names,
				ExpressionAttributeValues: values{":o": str("a")}, ProjectionExpression: aws.String("line"),
			}
			test.change(in)
			if limit > 0 {
				in.Limit = aws.Int32(limit)
			}
			var got []string
			for pages := client.NewQueryPaginator(w, in); pages.HasMorePages(); {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				if limit > 0 && page.ScannedCount > limit {
					t.Errorf("%s: %d scanned at limit %d", test.name, page.ScannedCount, limit)
				}
				for _, item := range page.Items {
					got = append(got, strings.Trim(show(item), "{}line:#"))
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s, limit %d: got %v, want %s", test.name, limit, got, test.want)
			}
		}
	}
}

func keyed(condition, x string) func(*client.QueryInput) {
	return func(in *client.QueryInput) {
		in.KeyConditionExpression, in.ExpressionAttributeValues[":x"] = aws.String(condition), num(x)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	tests := []struct {
		name   string
		change func(*client.QueryInput)
		want   string
	}{
		{"no key condition", func(in *client.QueryInput) { in.KeyConditionExpression = nil }, "must be specified"},
		{"another attribute", condition("x = :g"), "missed key schema element: gate"},
		{"range only", condition("since = :n"), "missed key schema element: gate"},
		{"no equality", condition("gate > :g"), "not supported"},
		{"or", condition("gate = :g OR gate = :h"), "OR"},
		{"not", condition("NOT gate = :g"), "NOT"},
		{"exists", condition("attribute_exists(gate)"), "Invalid operator"},
		{"third condition", condition("gate = :g AND since = :n AND x = :g"), "missed key schema element"},
		{"range twice", condition("gate = :g AND since > :n AND since < :n"), "not supported"},
		{"path", condition("gate.x = :g"), "not supported"},
		{"wrong type", condition("gate = :n"), "does not match schema type"},
		{"empty hash", condition("gate = :e"), "empty string value"},
		{"consistent", func(in *client.QueryInput) { in.ConsistentRead = aws.Bool(true) }, "Consistent reads are not supported"},
		{"no such index", func(in *client.QueryInput) { in.IndexName = aws.String("x") }, "does not have the specified index"},
		{"not projected", func(in *client.QueryInput) { in.ProjectionExpression = aws.String("token1") }, "does not project [token1]"},
		{"all of a part", func(in *client.QueryInput) { in.Select = types.SelectAllAttributes }, "ALL_ATTRIBUTES is not supported"},
		{"nothing specific", func(in *client.QueryInput) { in.Select = types.SelectSpecificAttributes }, "ProjectionExpression"},
		{"filter on the key", func(in *client.QueryInput) {
			in.FilterExpression = aws.String("since = :n")
			in.ExpressionAttributeValues[":n"] = num("1")
		}, "Primary key attribute: since"},
		{"limit", func(in *client.QueryInput) { in.Limit = aws.Int32(0) }, "greater than or equal to 1"},
		{"start", func(in *client.QueryInput) { in.ExclusiveStartKey = values{"id": str("a")} }, "starting key is invalid"},
	}
	for _, test := range tests {
		in := &client.QueryInput{
			TableName: aws.String("connections"), IndexName: aws.String("waiting"), KeyConditionExpression: aws.String("gate = :g"),
			ExpressionAttributeValues: values{":g": str("approval")},
		}
		test.change(in)
		if _, err := w.Query(ctx, in); code(err) != "ValidationException" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func condition(text string) func(*client.QueryInput) {
	return func(in *client.QueryInput) {
		in.KeyConditionExpression = aws.String(text)
		in.ExpressionAttributeValues = values{}
		for name, value := range (values{":g": str("approval"), ":h": str("x"), ":n": num("1"), ":e": str("")}) {
			if strings.Contains(text, name) {
				in.ExpressionAttributeValues[name] = value
			}
		}
		if len(in.ExpressionAttributeValues) == 0 {
			in.ExpressionAttributeValues = nil
		}
	}
}

// waiting is the ids in the index, in order.
func (w *world) waiting(t *testing.T) string {
	t.Helper()
	in := &client.QueryInput{
		TableName: aws.String("connections"), IndexName: aws.String("waiting"), KeyConditionExpression: aws.String("gate = :g"),
		ExpressionAttributeValues: values{":g": str("approval")}, Limit: aws.Int32(1),
	}
	var got []string
	for pages := client.NewQueryPaginator(w, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got = append(got, show(item["id"]))
			if item["token"] != nil || item["seen"] == nil {
				t.Errorf("the index shows %s", show(item))
			}
		}
	}
	return strings.Join(got, " ")
}

func waiter(id, since string) values {
	return values{"id": str(id), "gate": str("approval"), "since": num(since), "seen": str("pending"), "token": str("secret")}
}

func TestSparseIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.put(t, "connections", waiter("b", "2"))
	w.put(t, "connections", waiter("a", "2"))
	w.put(t, "connections", waiter("c", "1"))
	w.put(t, "connections", values{"id": str("d"), "gate": str("approval")}) // without since
	w.put(t, "connections", values{"id": str("e"), "gate": str("other"), "since": num("1")})
	if got := w.waiting(t); got != "c a b" {
		t.Errorf("got %q", got)
	}
	_, err := w.UpdateItem(ctx, &client.UpdateItemInput{
		TableName: aws.String("connections"), Key: values{"id": str("a")}, UpdateExpression: aws.String("REMOVE gate"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.waiting(t); got != "c b" {
		t.Errorf("after a left: got %q", got)
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.SetLag(dynamodb.Lag{Indexes: 2 * time.Second, Reads: time.Second})
	pass := func(d time.Duration) {
		done := false
		w.clock.After(d, "end", func() { done = true })
		for !done {
			w.clock.Step()
		}
	}
	reads := func(consistent bool) bool {
		t.Helper()
		out, err := w.GetItem(ctx, &client.GetItemInput{
			TableName: aws.String("connections"), Key: values{"id": str("a")}, ConsistentRead: aws.Bool(consistent),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Item != nil
	}
	w.put(t, "connections", waiter("a", "1"))
	if !reads(true) || reads(false) || w.waiting(t) != "" {
		t.Errorf("at once: %v, %v, %q", reads(true), reads(false), w.waiting(t))
	}
	pass(time.Second)
	if !reads(false) || w.waiting(t) != "" {
		t.Errorf("after a second: %v, %q", reads(false), w.waiting(t))
	}
	pass(time.Second)
	if w.waiting(t) != "a" {
		t.Errorf("after two: %q", w.waiting(t))
	}
	// A write that was slow does not undo a later one that was fast.
	w.put(t, "connections", waiter("a", "1"))
	w.SetLag(dynamodb.Lag{})
	w.put(t, "connections", values{"id": str("a")}) // it leaves the index
	pass(time.Minute)
	if !reads(false) || w.waiting(t) != "" {
		t.Errorf("after the second write: %v, %q", reads(false), w.waiting(t))
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	w.lines(t, "a", 3)
	w.lines(t, "b", 2)
	in := &client.ScanInput{
		TableName: aws.String("lines"), FilterExpression: aws.String("odd = :one"), ExpressionAttributeValues: values{":one": num("1")},
		Limit: aws.Int32(2),
	}
	seen := map[string]bool{}
	for pages := client.NewScanPaginator(w, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			seen[show(item["order"])+show(item["line"])] = true
		}
	}
	if !cmp.Equal(seen, map[string]bool{"a#1": true, "a#3": true, "b#1": true}) {
		t.Errorf("got %v", seen)
	}
	count, err := w.Scan(ctx, &client.ScanInput{TableName: aws.String("lines"), Select: types.SelectCount})
	if err != nil || count.Count != 5 || count.Items != nil {
		t.Errorf("got %+v, %v", count, err)
	}
}

// AWS: a page holds 1 MB.
func TestPagesOfAMegabyte(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	for i := range 5 {
		w.put(t, "lines", values{"order": str("a"), "line": num(fmt.Sprint(i)), "text": str(strings.Repeat("x", 300*1024))})
	}
	in := &client.QueryInput{
		TableName: aws.String("lines"), KeyConditionExpression: aws.String("#o = :o"),
		ExpressionAttributeNames: map[string]string{"#o": "order"}, ExpressionAttributeValues: values{":o": str("a")},
	}
	var counts []int32
	for pages := client.NewQueryPaginator(w, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, page.Count)
	}
	if !cmp.Equal(counts, []int32{4, 1}) {
		t.Errorf("got pages of %v", counts)
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	key := dynamodb.Key{Hash: dynamodb.Attribute{Name: "id", Kind: dynamodb.String}}
	for _, bad := range []dynamodb.Table{
		{Name: "connections", Key: key},
		{Key: key},
		{Name: "t"},
		{Name: "t", Key: dynamodb.Key{Hash: dynamodb.Attribute{Name: "id", Kind: dynamodb.Bool}}},
		{Name: "t", Key: key, Indexes: []dynamodb.Index{{Name: "i", Key: key, Projection: "SOME"}}},
		{Name: "t", Key: key, Indexes: []dynamodb.Index{{Name: "i", Key: key, Projection: "INCLUDE"}}},
		{Name: "t", Key: key, Indexes: []dynamodb.Index{{Name: "i", Key: key, Projection: "ALL", Include: []string{"x"}}}},
		{Name: "t", Key: key, Indexes: []dynamodb.Index{{Name: "", Key: key, Projection: "ALL"}}},
		{Name: "t", Key: key, Indexes: []dynamodb.Index{{Name: "i", Projection: "ALL"}}},
	} {
		if err := w.AddTable(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// spy records what a call needs.
type spy struct{ seen *[]wire.Permission }

func (s spy) Authorize(_ string, p wire.Permission) wire.Decision {
	kept := wire.Permission{Action: p.Action, Resource: p.Resource, Context: map[string][]string{}}
	for key, value := range p.Context {
		if strings.HasPrefix(key, "dynamodb:") {
			kept.Context[key] = value
		}
	}
	*s.seen = append(*s.seen, kept)
	return wire.Decision{}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, wire.AllowAll{})
	table, key := aws.String("connections"), values{"id": str("a")}
	need := func(action, resource string, context map[string][]string) wire.Permission {
		return wire.Permission{Action: "dynamodb:" + action, Resource: resource, Context: context}
	}
	tests := []struct {
		do   func(*client.Client) error
		want wire.Permission
	}{
		{func(c *client.Client) error {
			_, err := c.GetItem(ctx, &client.GetItemInput{
				TableName: table, Key: key, ProjectionExpression: aws.String("#t, m.k"),
				ExpressionAttributeNames: map[string]string{"#t": "token"},
			})
			return err
		}, need("GetItem", tableARN, map[string][]string{
			"dynamodb:leadingkeys": {"a"}, "dynamodb:attributes": {"id", "m", "token"}, "dynamodb:select": {"SPECIFIC_ATTRIBUTES"},
		})},
		{func(c *client.Client) error {
			_, err := c.GetItem(ctx, &client.GetItemInput{TableName: table, Key: key})
			return err
		}, need("GetItem", tableARN, map[string][]string{
			"dynamodb:leadingkeys": {"a"}, "dynamodb:attributes": {"id"}, "dynamodb:select": {"ALL_ATTRIBUTES"},
		})},
		{func(c *client.Client) error {
			_, err := c.PutItem(ctx, &client.PutItemInput{TableName: table, Item: values{"id": str("b"), "n": num("1")}})
			return err
		}, need("PutItem", tableARN, map[string][]string{
			"dynamodb:leadingkeys": {"b"}, "dynamodb:attributes": {"id", "n"}, "dynamodb:returnvalues": {"NONE"},
		})},
		{func(c *client.Client) error {
			_, err := c.UpdateItem(ctx, &client.UpdateItemInput{
				TableName: table, Key: key, UpdateExpression: aws.String("SET n = :one REMOVE l[0]"),
				ConditionExpression:       aws.String("attribute_not_exists(holder) OR s > :one"),
				ExpressionAttributeValues: values{":one": num("1")}, ReturnValues: types.ReturnValueAllOld,
			})
			return err
		}, need("UpdateItem", tableARN, map[string][]string{
			"dynamodb:leadingkeys": {"a"}, "dynamodb:attributes": {"holder", "id", "l", "n", "s"}, "dynamodb:returnvalues": {"ALL_OLD"},
		})},
		{func(c *client.Client) error {
			_, err := c.Query(ctx, &client.QueryInput{
				TableName: table, IndexName: aws.String("waiting"), KeyConditionExpression: aws.String("gate = :g"),
				ExpressionAttributeValues: values{":g": str("approval")}, ProjectionExpression: aws.String("id, seen"),
			})
			return err
		}, need("Query", tableARN+"/index/waiting", map[string][]string{
			"dynamodb:leadingkeys": {"approval"}, "dynamodb:attributes": {"gate", "id", "seen"},
			"dynamodb:select": {"SPECIFIC_ATTRIBUTES"},
		})},
		{func(c *client.Client) error {
			_, err := c.Scan(ctx, &client.ScanInput{TableName: table})
			return err
		}, need("Scan", tableARN, map[string][]string{"dynamodb:select": {"ALL_ATTRIBUTES"}})},
	}
	for _, test := range tests {
		var seen []wire.Permission
		if err := test.do(w.as(t, spy{&seen})); code(err) != "AccessDeniedException" {
			t.Errorf("%s: got %v", test.want.Action, err)
		}
		for _, permission := range seen { // the SDK asks again after a refusal
			if diff := cmp.Diff(test.want, permission); diff != "" {
				t.Error(diff)
			}
		}
	}
}
