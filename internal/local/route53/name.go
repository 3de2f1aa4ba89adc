package route53

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Canonical is a domain name as Route 53 keeps and shows it: lower case, with a trailing dot, and every character but a-z, 0-9,
// hyphen, underscore and dot as a backslash and three octal digits, so that *.example.com becomes \052.example.com. with a dot.
func Canonical(name string) string {
	var b strings.Builder
	for _, c := range []byte(strings.TrimSuffix(unescaped(strings.ToLower(name)), ".")) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return b.String() + "."
}

// unescaped resolves backslashes with three octal digits.
func unescaped(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+3 < len(name) {
			if code, err := strconv.ParseUint(name[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// validName reports whether a canonical name has labels that DNS allows.
func validName(name string) bool {
	plain := unescaped(strings.TrimSuffix(name, "."))
	if plain == "" || len(plain) > 253 {
		return false
	}
	return !slices.ContainsFunc(strings.Split(plain, "."), func(label string) bool { return label == "" || len(label) > 63 })
}

// within reports whether a canonical name is that of the zone or below it.
func within(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// compareNames orders canonical names as Route 53 lists them: by their labels from the right.
func compareNames(a, b string) int { return strings.Compare(reversed(a), reversed(b)) }

func reversed(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}
