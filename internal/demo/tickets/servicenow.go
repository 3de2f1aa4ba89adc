package tickets

import (
	"crypto/md5" //nolint:gosec // a sys_id looks like one
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

var (
	tableRecords = regexp.MustCompile(`^/api/now/table/([a-z_]+)$`)
	tableRecord  = regexp.MustCompile(`^/api/now/table/([a-z_]+)/([0-9a-f]{32})$`)
	byNumber     = regexp.MustCompile(`^number=([A-Z]+\d+)$`)
)

// maxEntry is how much of a journal entry is kept.
const maxEntry = 4000

// servicenow answers as the Table API does, for tables whose every record exists.
func (s *Systems) servicenow(r *http.Request, body []byte) (int, any) {
	query := r.URL.Query()
	if r.Method == http.MethodGet && tableRecords.MatchString(r.URL.Path) {
		number := byNumber.FindStringSubmatch(query.Get("sysparm_query"))
		if number == nil {
			return http.StatusOK, map[string]any{"result": []any{}}
		}
		record := map[string]string{"sys_id": s.sysID(number[1])}
		for _, field := range strings.Split(query.Get("sysparm_fields"), ",") {
			if field != "sys_id" && query.Get("sysparm_display_value") == "true" {
				record[field] = s.journal(number[1], field)
			}
		}
		return http.StatusOK, map[string]any{"result": []any{record}}
	}
	parts := tableRecord.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPatch || parts == nil || s.numbers[parts[2]] == "" {
		return http.StatusNotFound, map[string]any{"error": map[string]string{"message": "No Record found"}}
	}
	var in map[string]string
	if json.Unmarshal(body, &in) != nil {
		return http.StatusBadRequest, map[string]any{"error": map[string]string{"message": "Exception while reading request"}}
	}
	for field, entry := range in {
		if len(entry) > maxEntry {
			entry = entry[:maxEntry]
		}
		s.take(r, Comment{System: "servicenow", Ticket: s.numbers[parts[2]], Body: entry, Text: entry, Public: field == "comments"})
	}
	return http.StatusOK, map[string]any{"result": map[string]string{"sys_id": parts[2]}}
}

// sysID is the id of the record of a number.
func (s *Systems) sysID(number string) string {
	sum := md5.Sum([]byte(number)) //nolint:gosec // as above
	id := hex.EncodeToString(sum[:])
	s.numbers[id] = number
	return id
}

// journal is a journal field's display value: every entry, the newest first.
func (s *Systems) journal(number, field string) string {
	var b strings.Builder
	all := s.of("servicenow", number)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Public == (field == "comments") {
			b.WriteString(all[i].At.Format("2006-01-02 15:04:05") + " - Postern (Work notes)\n" + all[i].Body + "\n\n")
		}
	}
	return b.String()
}
