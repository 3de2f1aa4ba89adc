package route53

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"postern/internal/local/wire"
)

type recordXML struct {
	Name   string     `xml:"Name"`
	Type   string     `xml:"Type"`
	TTL    *int64     `xml:"TTL"`
	Values *valuesXML `xml:"ResourceRecords"`
	Alias  *Alias     `xml:"AliasTarget"`
	Rest   []element  `xml:",any"`
}

type valuesXML struct {
	Records []struct {
		Value string `xml:"Value"`
	} `xml:"ResourceRecord"`
}

func (r Record) xml() recordXML {
	if r.Alias != nil {
		return recordXML{Name: r.Name, Type: r.Type, Alias: r.Alias}
	}
	item := recordXML{Name: r.Name, Type: r.Type, TTL: &r.TTL, Values: &valuesXML{}}
	for _, value := range r.Values {
		item.Values.Records = append(item.Values.Records, struct {
			Value string `xml:"Value"`
		}{value})
	}
	return item
}

// record is a requested record set as it is kept.
func (r recordXML) record() Record {
	record := Record{Name: Canonical(r.Name), Type: r.Type, Alias: r.Alias}
	if r.TTL != nil {
		record.TTL = *r.TTL
	}
	if r.Values != nil {
		for _, value := range r.Values.Records {
			record.Values = append(record.Values, value.Value)
		}
	}
	return record
}

func (s *Service) listRecords(call *wire.Call) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	limit, err := s.limit(call, "maxitems")
	if err != nil {
		return nil, err
	}
	query := call.HTTP.URL.Query()
	from, kind := query.Get("name"), query.Get("type")
	if kind != "" && from == "" {
		return nil, invalid("The input is not valid: a type without a name")
	}
	answer := struct {
		Records   []recordXML `xml:"ResourceRecordSets>ResourceRecordSet"`
		Truncated bool        `xml:"IsTruncated"`
		NextName  string      `xml:"NextRecordName,omitempty"`
		NextType  string      `xml:"NextRecordType,omitempty"`
		MaxItems  string      `xml:"MaxItems"`
	}{MaxItems: strconv.Itoa(limit)}
	for _, record := range zone.Records {
		if order := compareNames(record.Name, Canonical(from)); from != "" && (order < 0 || order == 0 && record.Type < kind) {
			continue
		}
		if len(answer.Records) == limit {
			answer.Truncated, answer.NextName, answer.NextType = true, record.Name, record.Type
			break
		}
		answer.Records = append(answer.Records, record.xml())
	}
	return reply(call, answer)
}

type changeRequest struct {
	Comment string          `xml:"ChangeBatch>Comment"`
	Changes []requestedEdit `xml:"ChangeBatch>Changes>Change"`
	Rest    []element       `xml:",any"`
}

type requestedEdit struct {
	Action string    `xml:"Action"`
	Record recordXML `xml:"ResourceRecordSet"`
}

func (r changeRequest) unknown() []element {
	rest := r.Rest
	for _, change := range r.Changes {
		rest = append(rest, change.Record.Rest...)
	}
	return rest
}

// changeRecords carries out a batch as a whole or not at all.
func (s *Service) changeRecords(call *wire.Call) ([]byte, error) {
	var request changeRequest
	if err := read(call, &request, func() []element { return request.unknown() }); err != nil {
		return nil, err
	}
	if n := len(request.Changes); n == 0 || n > 1000 {
		return nil, invalid("The number of changes must be 1 to 1000")
	}
	targets := s.targets(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	zone, err := s.zoneOf(call)
	if err != nil {
		return nil, err
	}
	if err := s.checkPrior(zone); err != nil {
		return nil, err
	}
	edited := zone.clone()
	var faults []string
	for _, change := range request.Changes {
		faults = append(faults, edited.edit(change, targets)...)
	}
	faults = append(faults, edited.clashes()...)
	if len(faults) > 0 {
		return nil, fault(http.StatusBadRequest, "InvalidChangeBatch", "[%s]", strings.Join(faults, ", "))
	}
	zone.Records = edited.Records
	return reply(call, changed{s.begin(zone, request.Comment).info()})
}

// targets are the zones of the endpoints that a batch's aliases point to, by name. Route 53 must not be locked.
func (s *Service) targets(request changeRequest) map[string]string {
	targets := map[string]string{}
	for _, change := range request.Changes {
		if alias := change.Record.Alias; alias != nil {
			if zone, known := s.ec2.AliasZone(alias.DNSName); known {
				targets[alias.DNSName] = zone
			}
		}
	}
	return targets
}

// edit makes one change of a batch and returns what is wrong with it, in AWS's words.
func (z *Zone) edit(change requestedEdit, targets map[string]string) []string {
	record := change.Record.record()
	what := fmt.Sprintf("resource record set [name='%s', type='%s']", record.Name, record.Type)
	i := z.index(record.Name, record.Type)
	switch {
	case !within(record.Name, z.Name):
		return []string{fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", record.Name, z.Name)}
	case change.Action == "DELETE" && i < 0:
		return []string{"Tried to delete " + what + " but it was not found"}
	case change.Action == "DELETE" && !z.Records[i].same(record):
		return []string{"Tried to delete " + what + " but the values provided do not match the current values"}
	case change.Action == "DELETE" && record.Name == z.Name && (record.Type == "NS" || record.Type == "SOA"):
		return []string{"A HostedZone must contain at least one NS record for the zone itself., " +
			"A HostedZone must contain exactly one SOA record."}
	case change.Action == "DELETE":
		z.Records = slices.Delete(slices.Clone(z.Records), i, i+1)
		return nil
	case change.Action == "CREATE" && i >= 0:
		return []string{"Tried to create " + what + " but it already exists"}
	case change.Action != "CREATE" && change.Action != "UPSERT":
		return []string{"Invalid action " + change.Action}
	}
	if faults := z.malformed(record, change.Record.TTL != nil, targets); len(faults) > 0 {
		return faults
	}
	z.put(record)
	return nil
}

// same reports whether a DELETE names a record exactly: TTL, values in any order, alias target.
func (r Record) same(other Record) bool {
	if (r.Alias == nil) != (other.Alias == nil) {
		return false
	}
	if r.Alias != nil {
		return r.Alias.ZoneID == other.Alias.ZoneID && Canonical(r.Alias.DNSName) == Canonical(other.Alias.DNSName) &&
			r.Alias.EvaluateTargetHealth == other.Alias.EvaluateTargetHealth
	}
	return r.TTL == other.TTL && slices.Equal(slices.Sorted(slices.Values(r.Values)), slices.Sorted(slices.Values(other.Values)))
}

// malformed is what is wrong with a record by itself.
func (z *Zone) malformed(record Record, hasTTL bool, targets map[string]string) []string {
	switch {
	case !validName(record.Name):
		return []string{fmt.Sprintf("Invalid Resource Record Set: the name %s is not valid", record.Name)}
	case record.Type == "CNAME" && record.Name == z.Name: // DNS: a zone has NS and SOA there, and a CNAME stands alone
		return []string{fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", record.Name, z.Name)}
	case record.Alias != nil:
		return z.badAlias(record, hasTTL, targets)
	case !hasTTL || len(record.Values) == 0:
		return []string{fmt.Sprintf("Invalid request: Missing field 'TTL' or 'ResourceRecords' in record set %s", record.Name)}
	case record.Type == "CNAME" && len(record.Values) > 1:
		return []string{fmt.Sprintf("RRSet of type CNAME with DNS name %s must have exactly one value", record.Name)}
	}
	return badAddresses(record)
}

func badAddresses(record Record) []string {
	var faults []string
	for _, value := range record.Values {
		address, err := netip.ParseAddr(value)
		switch {
		case record.Type == "A" && (err != nil || !address.Is4()):
			faults = append(faults, fmt.Sprintf("Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address "+
				"(Value is not a valid IPv4 address) encountered with '%s''", value))
		case record.Type == "AAAA" && (err != nil || !address.Is6()):
			faults = append(faults, fmt.Sprintf("Invalid Resource Record: 'FATAL problem: AAAARRDATAIllegalIPv6Address "+
				"(Value is not a valid IPv6 address) encountered with '%s''", value))
		}
	}
	return faults
}

// badAlias is what is wrong with an alias. AWS: the target must exist, and the zone must be the target's.
func (z *Zone) badAlias(record Record, hasTTL bool, targets map[string]string) []string {
	target := Canonical(record.Alias.DNSName)
	tried := fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but ",
		target, record.Type, record.Alias.ZoneID)
	switch {
	case hasTTL || len(record.Values) > 0:
		return []string{fmt.Sprintf("Invalid request: an alias at %s has neither TTL nor ResourceRecords", record.Name)}
	case record.Alias.ZoneID == z.ID:
		if z.index(target, record.Type) < 0 {
			return []string{tried + "that target was not found"}
		}
	case within(target, "vpce.amazonaws.com."):
		zone, known := targets[record.Alias.DNSName]
		if !known {
			return []string{tried + "that target was not found"}
		}
		if zone != record.Alias.ZoneID {
			return []string{tried + "the alias target name does not lie within the target zone"}
		}
	}
	return nil
}

// clashes are the names at which a CNAME does not stand alone.
func (z *Zone) clashes() []string {
	var faults []string
	for _, record := range z.Records {
		if record.Type == "CNAME" {
			continue
		}
		if z.index(record.Name, "CNAME") >= 0 {
			faults = append(faults, fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted because a conflicting RRSet of "+
				"type %s with the same DNS name already exists in zone %s", record.Name, record.Type, z.Name))
		}
	}
	return faults
}
