package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Settings say where comments of one ticket system go. A ticket chooses none of this.
type Settings struct {
	// Account is GitHub's owner, or owner/repository, whose issues are commented on.
	Account string `yaml:"account" json:"account,omitempty"`
	// BaseURL is the site: https://example.atlassian.net, https://example.service-now.com, https://example.zendesk.com. Of a portal
	// (standard) it is where messages are posted to; of GitHub, the API of an Enterprise Server.
	BaseURL string `yaml:"baseUrl" json:"baseUrl,omitempty"`
	// Table is ServiceNow's; sc_req_item when it is empty.
	Table string `yaml:"table" json:"table,omitempty"`
	// Public lets requesters see the comments too, where the system tells them from agents.
	Public bool `yaml:"public" json:"public,omitempty"`
}

// SecretPrefix begins the name of each system's credential in Secrets Manager: postern/ticket/github.
const SecretPrefix = "postern/ticket/"

// ParseSettings reads settings by system, as the stack writes them into the function's environment.
func ParseSettings(raw string) (map[string]Settings, error) {
	var all map[string]Settings
	if err := json.Unmarshal([]byte(raw), &all); err != nil {
		return nil, fmt.Errorf("reading the write-back settings: %w", err)
	}
	var faults []error
	for _, system := range slices.Sorted(maps.Keys(all)) {
		faults = append(faults, all[system].Check(system))
	}
	return all, errors.Join(faults...)
}

var (
	accountPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?$`)
	tablePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,79}$`)
	hostPattern    = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*(:\d+)?$`)
)

// Check returns every fault of a system's settings, joined.
func (s Settings) Check(system string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("writeBack."+format, args...)) }
	if openers[system] == nil {
		fault("system: Postern cannot write back to %q", system)
		return errors.Join(faults...)
	}
	switch {
	case s.BaseURL == "" && system != "github":
		fault("baseUrl: missing; write the site's address, such as https://tickets.example.com")
	case s.BaseURL != "":
		// Where the credential goes: a name, never an address or a name of this machine.
		base, err := url.Parse(s.BaseURL)
		if err != nil || base.Scheme != "https" || !hostPattern.MatchString(base.Host) || strings.ContainsAny(s.BaseURL, "@?#") {
			fault("baseUrl: %q; write https:// and a host, such as https://tickets.example.com", s.BaseURL)
		}
	}
	if system == "github" && !accountPattern.MatchString(s.Account) {
		fault("account: %q; write the owner of the repositories, or owner/repository", s.Account)
	}
	if system != "github" && s.Account != "" {
		fault("account: it is GitHub's; leave it out")
	}
	if s.Table != "" && (system != "servicenow" || !tablePattern.MatchString(s.Table)) {
		fault("table: %q; it is ServiceNow's, such as sc_req_item", s.Table)
	}
	return errors.Join(faults...)
}

func (s Settings) base(fallback string) string {
	if s.BaseURL == "" {
		return fallback
	}
	return strings.TrimSuffix(s.BaseURL, "/")
}
