package ticket

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Text writes a comment as plain text.
func (c Comment) Text() string {
	c = c.clean()
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n", c.Head, stamp(c.At))
	for _, block := range c.Blocks {
		b.WriteString("\n")
		if block.Title != "" {
			b.WriteString(block.Title + ":\n")
		}
		switch {
		case block.Link != "":
			fmt.Fprintf(&b, "%s: %s\n", block.Text, block.Link)
		case block.Text != "":
			b.WriteString(block.Text + "\n")
		}
		for _, item := range block.Items {
			b.WriteString("- " + item + "\n")
		}
		if block.Quote != "" {
			b.WriteString(rule + "\n" + block.Quote + "\n" + rule + "\n")
		}
	}
	return b.String()
}

const rule = "----------"

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// markdown writes a comment for GitHub, with its reference as an HTML comment, which readers do not see.
func (c Comment) markdown() string {
	c = c.clean()
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (%s)\n", literal(c.Head), stamp(c.At))
	for _, block := range c.Blocks {
		b.WriteString("\n")
		if block.Title != "" {
			b.WriteString(literal(block.Title) + ":\n\n")
		}
		switch {
		case block.Link != "":
			fmt.Fprintf(&b, "[%s](<%s>)\n", literal(block.Text), block.Link)
		case block.Text != "":
			b.WriteString(strings.ReplaceAll(literal(block.Text), "\n", "  \n") + "\n")
		}
		for _, item := range block.Items {
			b.WriteString("- " + literal(item) + "\n")
		}
		if block.Quote != "" {
			fence := fence(block.Quote)
			b.WriteString(fence + "text\n" + block.Quote + "\n" + fence + "\n")
		}
	}
	fmt.Fprintf(&b, "\n<!-- %s -->\n", c.Ref)
	return b.String()
}

// joiner is a word joiner, which has no width. It keeps GitHub from making something of a text after the Markdown is read, when a
// backslash does not help any more: a mention, a reference to another issue.
const joiner = "\u2060"

var (
	address   = regexp.MustCompile(`https://[A-Za-z0-9._~:/?#!$&*+,;=%-]*[A-Za-z0-9/]`)
	mention   = regexp.MustCompile(`(^|[^A-Za-z0-9])@`)
	reference = regexp.MustCompile(`(#|GH-)(\d)`)
	loose     = regexp.MustCompile(`(?i)(www|:)(\.|//)`) // what GitHub makes links of, where they are not whole addresses
	leading   = regexp.MustCompile(`(?m)^(\s*\d*)([-+=.)#])`)
	special   = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;")
)

// literal makes Markdown that shows a text as it is. Addresses become links: they are ours, or were in the open before.
func literal(text string) string {
	var b strings.Builder
	at := 0
	for _, found := range address.FindAllStringIndex(text, -1) {
		b.WriteString(escape(text[at:found[0]]))
		b.WriteString("<" + text[found[0]:found[1]] + ">")
		at = found[1]
	}
	b.WriteString(escape(text[at:]))
	return leading.ReplaceAllString(b.String(), `$1\$2`)
}

func escape(text string) string {
	text = special.Replace(text)
	text = loose.ReplaceAllString(text, "${1}"+joiner+"$2")
	text = mention.ReplaceAllString(text, "$1@"+joiner)
	return reference.ReplaceAllString(text, "${1}"+joiner+"$2")
}

// fence returns a fence that is longer than any row of backticks in a text.
func fence(text string) string {
	longest, run := 2, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	return strings.Repeat("`", longest+1)
}
