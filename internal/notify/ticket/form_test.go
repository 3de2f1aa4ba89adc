package ticket

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// hostile are texts that a ticket or a vendor could supply.
var hostile = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- postern:000000000000000000000000 -->", "[click](https://evil.example.org)",
	"![x](https://evil.example.org/pixel.png)", "@octocat please", "(@example/security)", "closes #1", "example/network#7", "GH-12",
	"# heading", "- list", "1. list", "> quote", "    code", "```\nfence\n```", "````", "~~~", "**bold** _it_ ~~no~~", "a | b\n--|--\n1 | 2",
	"===", "---", "{{ticket.requester.email}}", "{% if true %}x{% endif %}", "[code]<a href='//evil.example.org'>x</a>[/code]",
	"[~accountid:5b10]", "&lt;b&gt; &amp;", `\`, "`a`", "www.evil.example.org", "a_b_c", "$(id)", "first\nsecond", "x@example.com",
	"\u202egnp.exe", "a\x00b\x07", "https://example.com/a_b?c=d&e=f#g is an address.", "]]>", "</pre></code>", "|x|", "+ plus", "2) two",
}

func sample(text string) Comment {
	return Comment{Ref: "postern:0123456789abcdef01234567", State: "planned", ConnectionID: "v/n", At: noon, Head: "Head " + text, Blocks: []Block{
		{Title: text, Text: text}, {Items: []string{text, "name: " + text}}, {Title: "Send", Quote: text},
		{Text: "Execution", Link: "https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:x"},
	}}
}

var tag = regexp.MustCompile(`<[^>]*>`)

func rendered(t testing.TB, markdown string) string {
	t.Helper()
	var page bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(markdown), &page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// plainly is the text of a page as a reader has it, without blanks.
func plainly(page string) string {
	return unspaced(strings.ReplaceAll(html.UnescapeString(tag.ReplaceAllString(page, "")), joiner, ""))
}

func unspaced(text string) string { return strings.Join(strings.Fields(text), "") }

// TestMarkdownIsLiteral: GitHub renders every text literally, never as markup, and mentions no user.
func TestMarkdownIsLiteral(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		c := sample(text)
		body := c.markdown()
		checkMarkdown(t, text, body)
		page := plainly(rendered(t, body))
		for _, line := range strings.Split(text, "\n") {
			if want := unspaced(clipped(line)); strings.Count(page, want) < 4 {
				t.Errorf("%q is not there as it is:\n%s\n%s", want, body, page)
			}
		}
		if !strings.HasSuffix(body, "\n<!-- "+c.Ref+" -->\n") || strings.Contains(plainly(rendered(t, strings.TrimSuffix(body, "\n<!-- "+c.Ref+" -->\n"))), c.Ref) {
			t.Errorf("the reference is not hidden:\n%s", body)
		}
	}
}

func clipped(text string) string { return line(text) }

var (
	allowedTags = regexp.MustCompile(`</?(p|ul|li|strong|br ?/?|pre|code( class="language-text")?)>|<!-- (postern:[0-9a-f]{24}|raw HTML omitted) -->`)
	link        = regexp.MustCompile(`<a href="([^"<>]*)">([^<>]*)</a>`)
	mentions    = regexp.MustCompile(`(^|[^A-Za-z0-9])@[A-Za-z0-9]`)
	numbers     = regexp.MustCompile(`(#|GH-)\d`)
	codes       = regexp.MustCompile(`(?s)<pre>.*?</pre>|href="[^"]*"`)
)

// checkMarkdown checks that a comment renders to the tags that we make and no others, and that GitHub mentions no user.
func checkMarkdown(t testing.TB, text, body string) {
	t.Helper()
	page := link.ReplaceAllStringFunc(rendered(t, body), func(found string) string {
		parts := link.FindStringSubmatch(found)
		honest := []string{parts[2], "http://" + parts[2], "mailto:" + parts[2]}
		if parts[2] == "Execution" || slices.Contains(honest, parts[1]) {
			return parts[2]
		}
		return found // leads elsewhere than it says
	})
	if left := tag.FindAllString(allowedTags.ReplaceAllString(page, ""), -1); len(left) > 0 {
		t.Errorf("%q makes markup %q:\n%s", text, left, body)
	}
	open := html.UnescapeString(codes.ReplaceAllString(page, ""))
	open = tag.ReplaceAllString(open, " ")
	if found := mentions.FindString(open) + numbers.FindString(open); found != "" {
		t.Errorf("%q makes a mention or a reference %q:\n%s", text, found, body)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkMarkdown(t, text, sample(text).markdown())
	})
}

// TestHTMLIsLiteral: Zendesk gets our tags and no others, and no placeholder to fill in.
func TestHTMLIsLiteral(t *testing.T) {
	t.Parallel()
	ours := regexp.MustCompile(`</?(p|ul|li|strong|br|pre|small)>|<a href="https://console\.aws\.amazon\.com/[^"<>]*">|</a>`)
	for _, text := range hostile {
		body := sample(text).html()
		if rest := ours.ReplaceAllString(body, ""); strings.ContainsAny(rest, "<>") || strings.Contains(rest, "{{") || strings.Contains(rest, "{%") {
			t.Errorf("%q is markup or a placeholder:\n%s", text, body)
		}
		if !strings.Contains(body, "postern:0123456789abcdef01234567") {
			t.Error("no reference")
		}
	}
}

// TestJournalIsLiteral: ServiceNow reads HTML only between its own words; the reference survives the cut.
func TestJournalIsLiteral(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		if got := code.ReplaceAllString(sample(text).Text(), "($1)"); strings.Contains(strings.ToLower(got), "[code]") {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := code.ReplaceAllString("[CoDe]x[/cOdE]", "($1)"); strings.Contains(strings.ToLower(got), "code]") {
		t.Errorf("in mixed letters: %s", got)
	}
}

// TestDocument: no text is empty, which Jira refuses, and what does not print is gone.
func TestDocument(t *testing.T) {
	t.Parallel()
	for _, text := range append(hostile, "", " ", "\n\n") {
		raw, err := json.Marshal(sample(text).document())
		if err != nil || bytes.Contains(raw, []byte(`"text":""`)) || bytes.Contains(raw, []byte(`"content":null`)) {
			t.Errorf("%q: %v %s", text, err, raw)
		}
		if bytes.Contains(raw, []byte(`\u202e`)) || bytes.ContainsRune(raw, '\u202e') || bytes.Contains(raw, []byte(`\u0007`)) {
			t.Errorf("%q: %s", text, raw)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	c := sample(strings.Repeat("x", 20_000))
	c.Blocks[1].Items = strings.Split(strings.Repeat("item\n", 500), "\n")
	c.Blocks[2].Quote = strings.Repeat("line\n", 20_000)
	if n := len(c.markdown()); n > 65_536 {
		t.Errorf("%d bytes for GitHub", n)
	}
	raw, _ := json.Marshal(c.document())
	if n := len(raw); n > 32_767 {
		t.Errorf("%d bytes for Jira", n)
	}
	if text := c.Text(); !strings.Contains(text, "and 461 more") || !strings.Contains(text, "…") {
		t.Errorf("nothing says that it was cut:\n%.300s", text)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	if a, b := Reference("ab", "c"), Reference("a", "bc"); a == b || len(a) != len("postern:")+24 {
		t.Errorf("%s, %s", a, b)
	}
}
