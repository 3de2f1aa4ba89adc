package ticket

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// servicenow is ServiceNow: journal entries of a record. The credential is a user, a colon, and a password.
//
// ServiceNow: Table API, https://www.servicenow.com/docs/bundle/api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
type servicenow struct {
	rest
	table, field string
}

func openServiceNow(s Settings, client *http.Client, credential string) (system, error) {
	field := "work_notes" // for agents
	if s.Public {
		field = "comments" // for the requester too
	}
	return servicenow{rest: rest{client: client, base: s.base(""), basic: credential}, table: cmp.Or(s.Table, "sc_req_item"),
		field: field}, nil
}

var (
	recordNumber = regexp.MustCompile(`^[A-Z]{2,12}[0-9]{3,15}$`)
	recordID     = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// record returns the id of the record of a number, and its journal: with display values a journal field holds every entry.
func (n servicenow) record(ctx context.Context, ticket string) (id, journal string, err error) {
	if !recordNumber.MatchString(ticket) {
		return "", "", errTicket
	}
	var found struct {
		Result []map[string]string `json:"result"`
	}
	query := url.Values{"sysparm_query": {"number=" + ticket}, "sysparm_fields": {"sys_id," + n.field}, "sysparm_limit": {"2"},
		"sysparm_display_value": {"true"}}
	if err := n.do(ctx, http.MethodGet, "/api/now/table/"+n.table, query, nil, &found); err != nil {
		return "", "", err
	}
	if len(found.Result) != 1 || !recordID.MatchString(found.Result[0]["sys_id"]) {
		return "", "", &refused{status: http.StatusNotFound}
	}
	return found.Result[0]["sys_id"], found.Result[0][n.field], nil
}

func (n servicenow) find(ctx context.Context, ticket, ref string) (bool, error) {
	_, journal, err := n.record(ctx, ticket)
	return err == nil && strings.Contains(journal, ref), err
}

// maxEntry is what a journal entry holds, unless the instance's maximum was raised. ServiceNow cuts off the rest, so the reference
// stands first.
const maxEntry = 4000

// code keeps ServiceNow from reading HTML between [code] and [/code].
var code = regexp.MustCompile(`(?i)\[(/?code)\]`)

func (n servicenow) post(ctx context.Context, ticket string, c Comment) error {
	id, _, err := n.record(ctx, ticket)
	if err != nil {
		return err
	}
	entry := clip("["+c.Ref+"] "+code.ReplaceAllString(c.Text(), "($1)"), maxEntry)
	return n.do(ctx, http.MethodPatch, "/api/now/table/"+n.table+"/"+id, url.Values{"sysparm_fields": {"sys_id"}},
		map[string]string{n.field: entry}, nil)
}
