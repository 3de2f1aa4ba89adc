package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"postern/internal/local/wire"
)

// Check returns what of an exchange is not as AWS's model of the service has it, each with where.
func Check(e wire.Exchange) []string {
	model, known := models()[e.Service]
	if !known {
		return []string{"there is no model of " + e.Service}
	}
	operation, known := model.Operations[e.Operation]
	if !known {
		return []string{fmt.Sprintf("the model of %s has no operation %s: go generate ./internal/proof/conformance", e.Service, e.Operation)}
	}
	c := &checker{service: e.Service, model: model, textual: model.Metadata.Protocol != "json"}
	failed := e.Status/100 != 2
	if !failed { // a request that is refused may be one that breaks the model
		c.request(e, operation)
	}
	switch {
	case failed && !e.Injected:
		c.failure(e, operation)
	case !failed:
		c.answer(e, operation)
	}
	for i := range c.wrong {
		c.wrong[i] = e.Service + "." + e.Operation + " " + c.wrong[i]
	}
	return c.wrong
}

func (c *checker) request(e wire.Exchange, operation Operation) {
	var value any = map[string]any{}
	var shape *Shape
	if operation.Input != nil {
		shape = c.model.Shapes[operation.Input.Shape]
	}
	switch c.model.Metadata.Protocol {
	case "json":
		// botocore keeps the whole name of CloudTrail's version, the Go SDK its last part: AWS takes both.
		prefix := c.model.Metadata.TargetPrefix
		c.header(e.Request.Header, "X-Amz-Target", prefix[strings.LastIndex(prefix, ".")+1:]+"."+e.Operation)
		c.header(e.Request.Header, "Content-Type", "application/x-amz-json-"+c.model.Metadata.JSONVersion)
		value = c.json("request", e.RequestBody)
	case "rest-xml", "rest-json":
		value = c.rest(e, operation, shape)
	default:
		values, err := url.ParseQuery(string(e.RequestBody))
		if err != nil || values.Get("Version") != c.model.Metadata.APIVersion {
			c.fault("request", "the version is %s, not %s (%v)", values.Get("Version"), c.model.Metadata.APIVersion, err)
		}
		if shape != nil {
			value = c.form(values, operation.Input.Shape)
		}
	}
	if shape != nil {
		c.value("request", operation.Input.Shape, value)
	}
}

func (c *checker) header(header http.Header, name, want string) {
	if got := header.Get(name); got != want {
		c.fault("request", "the header %s is %q, not %q", name, got, want)
	}
}

func (c *checker) json(path string, raw []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		c.fault(path, "is not JSON: %v", err)
		return map[string]any{}
	}
	return value
}

var pathParameter = regexp.MustCompile(`\\\{(\w+)\\?\+?\\\}`)

// rest reads a request of REST: from its path, query, headers and body.
func (c *checker) rest(e wire.Exchange, operation Operation, shape *Shape) any {
	uri, _, _ := strings.Cut(operation.HTTP.RequestURI, "?")
	uri = strings.TrimSuffix(uri, "/")
	template := regexp.MustCompile(`\A` + pathParameter.ReplaceAllString(regexp.QuoteMeta(uri), `(?P<$1>[^/]+)`) + `/?\z`)
	found := template.FindStringSubmatch(e.Request.URL.Path)
	if e.Request.Method != operation.HTTP.Method || found == nil {
		c.fault("request", "%s %s is not %s %s", e.Request.Method, e.Request.URL.Path, operation.HTTP.Method, uri)
		return map[string]any{}
	}
	members := map[string]any{}
	if len(e.RequestBody) > 0 && shape.Payload == "" { // a payload is the caller's own
		if root, err := parse(e.RequestBody); err != nil || root.name != operation.Input.LocationName {
			c.fault("request", "the body is no %s (%v)", operation.Input.LocationName, err)
		} else {
			members = c.fromXML("request", operation.Input.Shape, root).(map[string]any)
		}
	}
	query := e.Request.URL.Query()
	for member, ref := range shape.Members {
		switch ref.Location {
		case "uri":
			members[member] = found[template.SubexpIndex(ref.LocationName)]
		case "querystring":
			if query.Has(ref.LocationName) {
				members[member] = query.Get(ref.LocationName)
			}
			query.Del(ref.LocationName)
		case "header":
			if value := e.Request.Header.Get(ref.LocationName); value != "" {
				members[member] = value
			}
		}
	}
	for name := range query {
		c.fault("request", "there is no query parameter %s", name)
	}
	return members
}

func (c *checker) answer(e wire.Exchange, operation Operation) {
	c.answering = true
	if operation.Output == nil {
		return
	}
	shapeName := operation.Output.Shape
	if c.model.Metadata.Protocol == "json" {
		c.value("answer", shapeName, c.json("answer", e.Body))
		return
	}
	if c.model.Metadata.Protocol == "rest-json" { // Invoke's, whose body is the function's own
		c.value("answer", shapeName, c.headers(e, shapeName, map[string]any{}))
		return
	}
	root, err := parse(e.Body)
	if err != nil {
		c.fault("answer", "is not XML: %v", err)
		return
	}
	var beside []string
	switch c.model.Metadata.Protocol {
	case "ec2":
		c.root(root, e.Operation+"Response")
		beside = []string{"requestId"}
	case "query":
		c.root(root, e.Operation+"Response")
		if root = root.child(operation.Output.ResultWrapper); root == nil {
			c.fault("answer", "there is no element %s", operation.Output.ResultWrapper)
			return
		}
	default:
		c.root(root, shapeName)
	}
	members := c.fromXML("answer", shapeName, root, beside...).(map[string]any)
	c.value("answer", shapeName, c.headers(e, shapeName, members))
}

// headers adds the members of an answer that are in its headers.
func (c *checker) headers(e wire.Exchange, shapeName string, members map[string]any) map[string]any {
	for member, ref := range c.model.Shapes[shapeName].Members {
		if value := e.Header.Get(ref.LocationName); ref.Location == "header" && value != "" {
			members[member] = value
		}
	}
	return members
}

func (c *checker) root(root *element, want string) {
	if root.name != want {
		c.fault("answer", "the element is %s, not %s", root.name, want)
	}
}

// failure checks an error: its code is one of the operation's, or one that every operation of AWS may answer.
func (c *checker) failure(e wire.Exchange, operation Operation) {
	code := ""
	members := map[string]any{}
	if strings.HasSuffix(c.model.Metadata.Protocol, "json") {
		members, _ = c.json("error", e.Body).(map[string]any)
		code, _ = members["__type"].(string)
		code = code[strings.LastIndex(code, "#")+1:]
		delete(members, "__type")
	} else {
		root, err := parse(e.Body)
		if err != nil {
			c.fault("error", "is not XML: %v", err)
			return
		}
		if code = root.leaf("Error", "Code"); c.model.Metadata.Protocol == "ec2" {
			code = root.leaf("Errors", "Error", "Code")
		}
	}
	for _, ref := range operation.Errors {
		shape := c.model.Shapes[ref.Shape]
		if code != ref.Shape && (shape.Error == nil || code != shape.Error.Code) {
			continue
		}
		if shape.Error != nil && shape.Error.StatusCode != 0 && shape.Error.StatusCode != e.Status {
			c.fault("error", "%s comes with status %d, not %d", code, shape.Error.StatusCode, e.Status)
		}
		for name := range members {
			if shape.Members[name] == nil && !strings.EqualFold(name, "message") {
				c.fault("error", "%s has no member %s", code, name)
			}
		}
		return
	}
	if !slices.Contains(common, code) && !slices.Contains(codes[e.Service], code) {
		c.fault("error", "%q is no error of the operation", code)
	}
}
