package page_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postern/internal/page"
)

// The names that distributions give the browser.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// browser is a headless Chromium over one page.
type browser struct {
	path, page string
	flags      []string
}

// open returns a browser for a page.
func open(t *testing.T, page string, width, height int, flags ...string) browser {
	t.Helper()
	path := ""
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: apt-get install --no-install-recommends chromium brings it")
	}
	return browser{path, page, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1",
		"--user-data-dir=" + t.TempDir(), fmt.Sprintf("--window-size=%d,%d", width, height),
	}, flags...)}
}

// browse writes a document around the page of 200 connections and returns a browser for it. The document alone has a script: it
// measures. It is as wide as is asked, whatever least width the browser's window has.
func browse(t *testing.T, theme string, width, height int, flags ...string) browser {
	t.Helper()
	source := render(t, page.View{Connections: fleet(200), At: now, Theme: theme})
	if parse(t, source); strings.Contains(source, "<script") {
		t.Fatal("the page has a script of its own")
	}
	document := filepath.Join(t.TempDir(), "page.html")
	text := fmt.Sprintf(`<!doctype html><meta charset="utf-8"><body style="margin:0;width:%dpx">%s<script>%s</script>`, width, source, measure)
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, "file://"+document, width, height, flags...)
}

func (b browser) run(t *testing.T, flags ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), b.path, append(append(flags, b.flags...), b.page)...) //nolint:gosec // a browser that was looked up
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", b.path, err, said.String())
	}
	return out
}

// measure says in the document how the page was laid out.
const measure = `
const ink = style => style.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const paper = e => { const c = ink(getComputedStyle(e).backgroundColor); return c.length === 4 && c[3] === 0 ? paper(e.parentElement) : c };
const shown = [...document.querySelectorAll('.postern *')].filter(e => e.getClientRects().length > 0 && e.tagName !== 'STYLE');
const texts = shown.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== ''));
const contrasts = texts.map(e => {
  const [a, b] = [light(ink(getComputedStyle(e).color)), light(paper(e))].sort((x, y) => y - x);
  return {ratio: (a + 0.05) / (b + 0.05), text: e.textContent};
}).sort((a, b) => a.ratio - b.ratio);
const badges = {};
for (const e of document.querySelectorAll('.postern td:first-child .badge')) {
  const colour = ink(getComputedStyle(e).backgroundColor).join();
  badges[colour] = (badges[colour] ?? 0) + 1;
}
const wide = shown.filter(e => e.getBoundingClientRect().right > document.body.clientWidth + 0.5 || (e.tagName === 'TD' && e.scrollWidth > e.clientWidth));
const height = document.documentElement.scrollHeight;
scrollTo(0, 3000);
const result = {
  width: document.body.clientWidth, height, overflow: wide.map(e => e.textContent), contrast: contrasts[0], badges,
  paper: paper(document.querySelector('.postern')).join(), header: document.querySelector('.postern th')?.getBoundingClientRect().top,
  headers: [...document.querySelectorAll('.postern th')].filter(e => e.getClientRects().length > 0).length,
};
scrollTo(0, 0);
const out = document.createElement('pre');
out.id = 'measured'; out.hidden = true; out.textContent = JSON.stringify(result);
document.body.append(out);
`

// layout is what measure says. Colours are red,green,blue.
type layout struct {
	Width, Height int
	Overflow      []string // what is wider than its place
	Contrast      struct {
		Ratio float64
		Text  string
	}
	Badges  map[string]int // of the states, by colour
	Paper   string
	Header  float64 // distance of the table's header from the top when the page is scrolled
	Headers int     // headers that are shown
}

func (b browser) layout(t *testing.T) layout {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(b.run(t, "--dump-dom"))))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if attribute(n, "id") == "measured" {
			var l layout
			if err := json.Unmarshal([]byte(textOf(n)), &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	t.Fatal("nothing was measured")
	return layout{}
}

// screenshot returns the page as it is painted; go test -artifacts keeps the file.
func (b browser) screenshot(t *testing.T) image.Image {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), "page.png")
	b.run(t, "--screenshot="+path)
	file, err := os.Open(path) //nolint:gosec // made above
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func rgb(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("%d,%d,%d", r>>8, g>>8, b>>8)
}

// TestLayout: 200 connections fit a wide and a narrow dashboard and can be read on either, in the dashboard's theme or the browser's.
func TestLayout(t *testing.T) {
	t.Parallel()
	const white, black = "255,255,255", "22,29,38"
	for name, test := range map[string]struct {
		theme string
		width int
		paper string
		flags []string
	}{
		"wide and light":   {"light", 1280, white, []string{"--blink-settings=preferredColorScheme=0"}}, // dark
		"wide and dark":    {"dark", 1280, black, nil},
		"narrow and light": {"", 400, white, nil},
		"narrow and dark":  {"", 400, black, []string{"--blink-settings=preferredColorScheme=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := browse(t, test.theme, test.width, 900, test.flags...).layout(t)
			if l.Width != test.width || l.Height < 5_000 || l.Paper != test.paper {
				t.Fatalf("%d wide and %d high on %s", l.Width, l.Height, l.Paper)
			}
			if len(l.Overflow) > 0 {
				t.Errorf("%d things are wider than their place: %.200q", len(l.Overflow), l.Overflow)
			}
			// WCAG 2.2, 1.4.3: text needs 4.5 to 1.
			if l.Contrast.Ratio < 4.5 {
				t.Errorf("%q has a contrast of %.2f", l.Contrast.Text, l.Contrast.Ratio)
			}
			if test.width == 1280 && (l.Headers != 6 || l.Header != 0) {
				t.Errorf("%d headers, %v from the top of a page that is scrolled", l.Headers, l.Header)
			}
			if test.width == 400 && l.Headers != 0 {
				t.Error("a narrow page shows a table's headers")
			}
		})
	}
}

// TestScreenshot: each of the 200 connections is painted, with a badge in the colour of its state.
func TestScreenshot(t *testing.T) {
	t.Parallel()
	want := browse(t, "light", 1280, 900).layout(t)
	picture := browse(t, "light", 1280, want.Height).screenshot(t)
	if size := picture.Bounds().Size(); size != image.Pt(1280, want.Height) {
		t.Fatalf("the picture is %v", size)
	}
	total := 0
	for _, count := range want.Badges {
		total += count
	}
	if total != 200 || len(want.Badges) != 5 {
		t.Errorf("badges by colour: %v", want.Badges)
	}
	const column = 16 + 4 // inside a badge, left of its text
	got, before := map[string]int{}, ""
	for y := range want.Height {
		colour := rgb(picture.At(column, y))
		if want.Badges[colour] > 0 && colour != before {
			got[colour]++
		}
		before = colour
	}
	for colour, count := range want.Badges {
		if got[colour] != count {
			t.Errorf("colour %s is painted %d times, want %d", colour, got[colour], count)
		}
	}
}

// TestNarrowScreenshot: a narrow page is painted from edge to edge, with nothing cut off at the right.
func TestNarrowScreenshot(t *testing.T) {
	t.Parallel()
	b := browse(t, "light", 400, 4_000)
	picture, colours := b.screenshot(t), map[string]int{}
	size := picture.Bounds().Size()
	for y := range size.Y {
		colours[rgb(picture.At(20, y))]++
		// Only lines between connections, and the paper, reach the margin.
		if c := rgb(picture.At(size.X-2, y)); c != "255,255,255" && c != "223,227,232" {
			t.Fatalf("%s at the right edge, %d from the top", c, y)
		}
	}
	if size != image.Pt(400, 4_000) || len(colours) < 20 || colours["255,255,255"] > 3_900 {
		t.Errorf("the picture is %v with %d colours, %d of its lines are empty", size, len(colours), colours["255,255,255"])
	}
}

// TestFollowedLink: a click on what is beyond the first 500 connections shows it.
func TestFollowedLink(t *testing.T) {
	t.Parallel()
	widget := page.NewWidget(list{all: fleet(1_200)}, func() time.Time { return now })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked page.Request
		answer, err := "", json.Unmarshal(fmt.Appendf(nil, `{"from": %q}`, r.FormValue("from")), &asked)
		if err == nil {
			answer, err = widget.Answer(r.Context(), asked)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><body>%s`, answer)
		if r.URL.Path == "/" && r.URL.RawQuery == "" {
			fmt.Fprint(w, `<script>[...document.querySelectorAll('.pages a')].find(a => a.textContent === '1001 to 1200').click()</script>`)
		}
	}))
	defer server.Close()
	p := parse(t, string(open(t, server.URL+"/", 1280, 900).run(t, "--virtual-time-budget=10000", "--dump-dom")))
	if len(p.rows) != 200 || !strings.Contains(p.rows[0], "Onboarded") && !strings.Contains(p.rows[0], "Offboarded") {
		t.Fatalf("%d rows after the click", len(p.rows))
	}
	harmless(t, p)
}
