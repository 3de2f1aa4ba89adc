package dns

import (
	"strconv"
	"strings"
)

// Name returns a domain name as it is compared: lower case, without trailing dot, escapes read.
//
// AWS: Route 53 answers in lower case, with a trailing dot, and writes characters such as * as \052.
func Name(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+3 < len(raw) {
			if code, err := strconv.ParseUint(raw[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(raw[i])
	}
	return strings.TrimSuffix(strings.ToLower(b.String()), ".")
}
