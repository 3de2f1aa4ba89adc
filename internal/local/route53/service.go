package route53

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"postern/internal/local/wire"
)

// Name is route53.
func (s *Service) Name() string { return "route53" }

// Protocol is REST with XML.
func (s *Service) Protocol() wire.Protocol { return wire.RESTXML }

// routes are the operations by method and path, with {Parameter} for a path parameter.
var routes = []struct{ operation, method, path string }{
	{"CreateHostedZone", "POST", "hostedzone"},
	{"GetHostedZone", "GET", "hostedzone/{Id}"},
	{"DeleteHostedZone", "DELETE", "hostedzone/{Id}"},
	{"ListHostedZonesByVPC", "GET", "hostedzonesbyvpc"},
	{"ListHostedZonesByName", "GET", "hostedzonesbyname"},
	{"ListResourceRecordSets", "GET", "hostedzone/{Id}/rrset"},
	{"ChangeResourceRecordSets", "POST", "hostedzone/{Id}/rrset"},
	{"AssociateVPCWithHostedZone", "POST", "hostedzone/{Id}/associatevpc"},
	{"DisassociateVPCFromHostedZone", "POST", "hostedzone/{Id}/disassociatevpc"},
	{"CreateVPCAssociationAuthorization", "POST", "hostedzone/{Id}/authorizevpcassociation"},
	{"DeleteVPCAssociationAuthorization", "POST", "hostedzone/{Id}/deauthorizevpcassociation"},
}

// Route names the operation of a request.
func (s *Service) Route(method, path string, _ url.Values) (operation string, parameters map[string]string, ok bool) {
	rest, versioned := strings.CutPrefix(path, "/2013-04-01/")
	segments := strings.Split(strings.Trim(rest, "/"), "/")
	for _, route := range routes {
		if parameters, matches := match(strings.Split(route.path, "/"), segments); matches && versioned && route.method == method {
			return route.operation, parameters, true
		}
	}
	return "", nil, false
}

func match(pattern, segments []string) (map[string]string, bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	parameters := map[string]string{}
	for i, part := range pattern {
		if strings.HasPrefix(part, "{") {
			parameters[strings.Trim(part, "{}")] = segments[i]
		} else if part != segments[i] {
			return nil, false
		}
	}
	return parameters, true
}

// Operations are the simulated operations.
func (s *Service) Operations() map[string]wire.Operation {
	zone := onZone
	operations := map[string]wire.Operation{
		"CreateHostedZone":                  {Write: true, Permissions: withVPC(everything), Do: s.createZone},
		"GetHostedZone":                     {Permissions: zone, Do: s.getZone},
		"DeleteHostedZone":                  {Write: true, Permissions: zone, Do: s.deleteZone},
		"ListHostedZonesByVPC":              {Permissions: withVPC(everything), Do: s.listByVPC},
		"ListHostedZonesByName":             {Permissions: everything, Do: s.listByName},
		"ListResourceRecordSets":            {Permissions: zone, Do: s.listRecords},
		"ChangeResourceRecordSets":          {Write: true, Permissions: onRecords, Do: s.changeRecords},
		"AssociateVPCWithHostedZone":        {Write: true, Permissions: withVPC(zone), Do: s.associate},
		"DisassociateVPCFromHostedZone":     {Write: true, Permissions: withVPC(zone), Do: s.disassociate},
		"CreateVPCAssociationAuthorization": {Write: true, Permissions: authorizing, Do: s.authorize},
		"DeleteVPCAssociationAuthorization": {Write: true, Permissions: authorizing, Do: s.deauthorize},
	}
	for name, operation := range operations {
		do := operation.Do
		operation.Do = func(call *wire.Call) ([]byte, error) {
			if err := s.throttle(); err != nil {
				return nil, err
			}
			return do(call)
		}
		operations[name] = operation
	}
	return operations
}

// throttle is AWS's limit of calls per second, over all of Route 53.
func (s *Service) throttle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := s.clock.Now().Truncate(time.Second); !second.Equal(s.second) {
		s.second, s.calls = second, 0
	}
	s.calls++
	if s.options.RequestsPerSecond > 0 && s.calls > s.options.RequestsPerSecond {
		return fault(http.StatusBadRequest, "Throttling", "Rate exceeded")
	}
	return nil
}

func fault(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return fault(http.StatusBadRequest, "InvalidInput", format, args...)
}

// reply writes an answer as <OperationResponse>.
func reply(call *wire.Call, answer any) ([]byte, error) {
	start := xml.StartElement{
		Name: xml.Name{Local: call.Operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "https://route53.amazonaws.com/doc/2013-04-01/"}},
	}
	var body bytes.Buffer
	body.WriteString(xml.Header)
	if err := xml.NewEncoder(&body).EncodeElement(answer, start); err != nil {
		return nil, fmt.Errorf("writing the answer of %s: %w", call.Operation, err)
	}
	return body.Bytes(), nil
}

// element is an element that a request has and the simulation does not know.
type element struct{ XMLName xml.Name }

// read decodes a request; known reports the elements that it does not know, which are refused loudly.
func read(call *wire.Call, into any, unknown func() []element) error {
	if err := xml.Unmarshal(call.Body, into); err != nil {
		return fault(http.StatusBadRequest, "MalformedInput", "Unexpected input: %v", err)
	}
	if rest := unknown(); len(rest) > 0 {
		return fault(http.StatusNotImplemented, wire.CodeNotImplemented,
			"the simulation does not know the element %s of route53.%s", rest[0].XMLName.Local, call.Operation)
	}
	return nil
}

// zoneOf returns the zone that a call names, which must be the caller's own. The service is locked.
func (s *Service) zoneOf(call *wire.Call) (*Zone, error) {
	id := call.Path["Id"]
	zone := s.zones[id]
	if zone == nil {
		return nil, fault(http.StatusNotFound, "NoSuchHostedZone", "No hosted zone found with ID: %s", id)
	}
	if zone.Owner != call.AccountID {
		return nil, fault(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to access this resource", call.Principal)
	}
	return zone, nil
}

// limit is how many items an answer may have: what the caller asks for with a query parameter, at most the page size.
func (s *Service) limit(call *wire.Call, parameter string) (int, error) {
	raw := call.HTTP.URL.Query().Get(parameter)
	if raw == "" {
		return s.options.PageSize, nil
	}
	asked, err := strconv.Atoi(raw)
	if err != nil || asked < 1 {
		return 0, invalid("Invalid value for %s: %s", parameter, raw)
	}
	return min(asked, s.options.PageSize), nil
}

type changeInfo struct {
	ID          string `xml:"Id"`
	Status      string `xml:"Status"`
	SubmittedAt string `xml:"SubmittedAt"`
	Comment     string `xml:"Comment,omitempty"`
}

func (c *change) info() changeInfo {
	status := "PENDING"
	if c.inSync {
		status = "INSYNC"
	}
	return changeInfo{"/change/" + c.id, status, c.submitted.UTC().Format(time.RFC3339), c.comment}
}

// changed is the answer of most writes.
type changed struct {
	Change changeInfo `xml:"ChangeInfo"`
}
