package dns

import (
	"strconv"
	"strings"
)

// Name returns a domain name as it is compared: lower case, without trailing dot, escapes read.
//
// AWS: Route 53 answers in lower case, with a trailing dot, and writes characters such as * as \052. RFC 4343: only the letters of
// ASCII have a case.
func Name(raw string) string {
	raw = strings.TrimSuffix(raw, ".")
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+3 < len(raw) {
			if code, err := strconv.ParseUint(raw[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(lower(byte(code)))
				i += 3
				continue
			}
		}
		b.WriteByte(lower(raw[i]))
	}
	return b.String()
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
