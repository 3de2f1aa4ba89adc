package privatelink

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"postern/internal/local/wire"
)

// Service is EC2 at the wire, over a World.
type Service struct{ world *World }

// NewService returns the EC2 of a world.
func NewService(world *World) *Service { return &Service{world} }

// Name is ec2.
func (s *Service) Name() string { return "ec2" }

// Protocol is EC2's own form of the query protocol.
func (s *Service) Protocol() wire.Protocol { return wire.EC2Query }

// operation is one operation: the parameters it knows, without their list positions, what IAM must allow, and what it does. Both
// functions run with the world locked; do returns what is written inside <OperationResponse>.
type operation struct {
	write       bool
	parameters  []string
	permissions func(*wire.Call) []wire.Permission
	do          func(*wire.Call) (any, error)
}

// Operations are the operations of EC2 that Postern may use.
func (s *Service) Operations() map[string]wire.Operation {
	operations := map[string]wire.Operation{}
	for _, group := range []map[string]operation{
		s.world.networkOperations(), s.world.groupOperations(), s.world.endpointOperations(), s.world.notificationOperations(),
		s.world.tagOperations(),
	} {
		for name, op := range group {
			operations[name] = s.wired(name, op)
		}
	}
	return operations
}

// wired puts around an operation what all have in common: the lock, the refusal of unknown parameters, DryRun, the XML.
func (s *Service) wired(name string, op operation) wire.Operation {
	return wire.Operation{
		Write: op.write,
		Permissions: func(call *wire.Call) []wire.Permission {
			s.world.mu.Lock()
			defer s.world.mu.Unlock()
			return op.permissions(call)
		},
		Do: func(call *wire.Call) ([]byte, error) {
			if err := checkParameters(name, call.Form, op.parameters); err != nil {
				return nil, err
			}
			if call.Form.Get("DryRun") == "true" {
				return nil, &wire.Error{
					Status: http.StatusPreconditionFailed, Code: "DryRunOperation",
					Message: "Request would have succeeded, but DryRun flag is set.",
				}
			}
			s.world.mu.Lock()
			answer, err := op.do(call)
			s.world.mu.Unlock()
			if err != nil {
				return nil, err
			}
			return marshal(name, answer)
		},
	}
}

func marshal(operation string, answer any) ([]byte, error) {
	start := xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "http://ec2.amazonaws.com/doc/2016-11-15/"}},
	}
	var body buffer
	body.WriteString(xml.Header)
	if err := xml.NewEncoder(&body).EncodeElement(answer, start); err != nil {
		return nil, fmt.Errorf("writing the answer of %s: %w", operation, err)
	}
	return body.Bytes(), nil
}

// position is a list position inside a parameter's name: the .2 of SubnetId.2.
var position = regexp.MustCompile(`\.[0-9]+`)

// checkParameters refuses, loudly, a parameter that the simulation would otherwise ignore.
func checkParameters(operation string, form url.Values, known []string) error {
	for parameter := range form {
		name := position.ReplaceAllString(parameter, "")
		if name == "Action" || name == "Version" || name == "DryRun" || slices.Contains(known, name) {
			continue
		}
		return &wire.Error{
			Status: http.StatusNotImplemented, Code: wire.CodeNotImplemented,
			Message: fmt.Sprintf("the simulation does not know the parameter %s of ec2.%s", name, operation),
		}
	}
	return nil
}

// fault is an error of EC2.
func fault(code, format string, args ...any) error { return wire.Errorf(code, format, args...) }

// list reads prefix.1, prefix.2, …
func list(form url.Values, prefix string) []string {
	var values []string
	for i := 1; form.Has(prefix + "." + strconv.Itoa(i)); i++ {
		values = append(values, form.Get(prefix+"."+strconv.Itoa(i)))
	}
	return values
}

// members calls f with the prefix of each member of a list of structures: prefix.1, prefix.2, …
func members(form url.Values, prefix string, f func(prefix string)) {
	for i := 1; ; i++ {
		member := prefix + "." + strconv.Itoa(i)
		if !hasPrefix(form, member+".") {
			return
		}
		f(member)
	}
}

// one is a list of the value, or none when it is "".
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
