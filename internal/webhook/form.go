package webhook

import "strings"

// form is a text with headings, as GitHub writes the answers of an issue form: "### VPC ID", then the answer.
type form map[string][]string // heading to answers; a heading that is there twice has two

// noAnswer is what GitHub writes below a heading whose field was left empty.
const noAnswer = "_No response_"

// formOf reads a form. Fences of code blocks are left out, what is in them is kept.
func formOf(body string) form {
	f := form{}
	heading := ""
	var lines []string
	end := func() {
		answer := strings.TrimSpace(strings.Join(lines, "\n"))
		if answer == noAnswer {
			answer = ""
		}
		if heading != "" {
			f[heading] = append(f[heading], answer)
		}
		lines = nil
	}
	for _, line := range strings.Split(body, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if next, isHeading := strings.CutPrefix(line, headingMark); isHeading {
			end()
			heading = strings.TrimSpace(next)
			continue
		}
		if !strings.HasPrefix(line, "```") {
			lines = append(lines, line)
		}
	}
	end()
	return f
}

// headingMark begins a heading, in a form and in the mapping: there it tells a heading from a pointer.
const headingMark = "### "
