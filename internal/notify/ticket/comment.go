package ticket

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Comment is what a ticket is told: a first line, then blocks. Its texts are plain; a system's form makes them literal.
type Comment struct {
	// Ref tells this comment from every other, also among those that the system already has; see Reference.
	Ref          string
	State        string // of the connection: a word that never changes, for programs
	ConnectionID string
	At           time.Time
	Head         string // one line, without a full stop
	Blocks       []Block
}

// Block is a paragraph, a list, or a text to copy; a title may stand above.
type Block struct {
	Title string
	Text  string
	Items []string
	Quote string
	Link  string // makes Text a link; our own addresses only
}

// Reference returns what marks a comment: "postern:" and 24 hexadecimal digits, the same for the same parts.
func Reference(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part))
		hash.Write([]byte{0}) // so that ("ab","c") and ("a","bc") differ
	}
	return "postern:" + hex.EncodeToString(hash.Sum(nil)[:12])
}

// The most characters of one line, of a text to copy, and lines of a list. GitHub takes 65,536 for a comment, Jira 32,767.
const (
	maxLine  = 1000
	maxQuote = 6000
	maxItems = 40
)

// clean returns a comment without what does not print, and without more than a ticket holds.
func (c Comment) clean() Comment {
	c.Head = line(c.Head)
	blocks := make([]Block, len(c.Blocks))
	for i, b := range c.Blocks {
		b.Title, b.Text, b.Quote = line(b.Title), lines(b.Text), clip(lines(b.Quote), maxQuote)
		var items []string
		for n, item := range b.Items {
			if n == maxItems {
				items = append(items, fmt.Sprintf("and %d more", len(b.Items)-n))
				break
			}
			items = append(items, line(item))
		}
		b.Items = items
		blocks[i] = b
	}
	c.Blocks = blocks
	return c
}

// line makes one line of a text: what does not print would forge what is not there.
func line(text string) string {
	return clip(strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)), maxLine)
}

func lines(text string) string {
	all := strings.Split(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n")
	for i, one := range all {
		all[i] = line(one)
	}
	return strings.Join(all, "\n")
}

func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
