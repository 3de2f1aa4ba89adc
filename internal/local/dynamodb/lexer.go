package dynamodb

import "strings"

// token is a word (also of a number), a #name, a :value, a symbol, or the end, which is "".
type token struct {
	text     string
	from, to int // in the expression
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_'
}

// scan cuts an expression into tokens. At a character that belongs to no token it stops, and returns where.
func scan(text string) (tokens []token, bad int) {
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		end := at + symbol(text[at:])
		if c := text[at]; isWord(c) || c == '#' || c == ':' {
			for end = at + 1; end < len(text) && isWord(text[end]); {
				end++
			}
			if !isWord(c) && end == at+1 {
				return tokens, at
			}
		}
		if end == at {
			return tokens, at
		}
		tokens = append(tokens, token{text[at:end], at, end})
		at = end
	}
	return tokens, -1
}

// symbol is the length of the symbol at the beginning of a text, or 0.
func symbol(text string) int {
	for _, two := range []string{"<>", "<=", ">="} {
		if strings.HasPrefix(text, two) {
			return 2
		}
	}
	if strings.IndexByte("=<>(),.[]+-", text[0]) >= 0 {
		return 1
	}
	return 0
}
