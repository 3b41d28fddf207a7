package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// hostile is what people and packages call themselves.
var hostile = []string{
	"plain", "**bold** _it_ ~~no~~ `code` ``two``", "<img src=x onerror=alert(1)>", "</details></sub></code></pre><h1>",
	"<!-- pullwarden:1 key=f mac=0 -->", "--> x <!--", "@octocat hi @acme/team", "a@example.com", "#1 acme/shop#2 GH-3 (gh-4) GH-GH-5",
	"acme/shop@0123456789012345678901234567890123456789", "https://evil.example/x http://a.example ftp://x.example www.evil.example WWW.evil.example",
	"mailto:a@b.example xmpp:a@b.example/c", "[x](https://evil.example)", "![x](https://evil.example/p.png)", "[x]: https://evil.example", "[^1]", "a | b || c",
	"```\nfence", "~~~", "` `` ``` ````", "\\`<b>`", "\\", "\\\\`x", "| --- |", "---", "===", "# heading", "- item", "+ item", "1. item", "2) item", "> quote",
	"    indented", "\tindented", "two\n\nparagraphs\n\n<script>x</script>", "a\r\nb", "ends in two  \n", "&lt;b&gt; &#64;octocat &#35;1 &copy;",
	"abc\u202egpj.exe", "zero\u200bwidth", "bom\ufeff", "\x1b[31mred\x07", "soft\u00adhyphen", "tag\U000e0041", "fill\u3164er", "var\ufe0f", "line\u2028sep",
	"bad \xff\xfe utf8", strings.Repeat("long", 500), ":tada: a:100:b", "$x$ $$y$$", "{{.}} ${{ secrets.X }}", "*", "_", "", " ", "a`", "`a", "`", "```", "``` x ```",
	"**", "***", "**a", "`a` **b", "<code>a</code> <code>", "\n```\n<b>\n```", "```hcl\n<b> @you\n```\n```", "```\n````\n```",
}

func rendered(t testing.TB, markdown string) string {
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	require.NoError(t, md.Convert([]byte(markdown), &b))
	return b.String()
}

// live matches words of a text that GitHub makes something of, beside code.
var live = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]|(?i:\bgh-[0-9])|://|(?i:www\.[a-z])|:[a-z0-9]+:`)

// shape returns the elements of a page in their order, with their attributes.
// It checks that what is outside of code is only words.
func shape(t testing.TB, page string) (elements []string) {
	t.Helper()
	code := 0
	for z := nethtml.NewTokenizer(strings.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case nethtml.ErrorToken:
			return elements
		case nethtml.CommentToken, nethtml.DoctypeToken:
			t.Errorf("a comment in %q", page)
		case nethtml.TextToken:
			text := z.Token().Data
			assert.True(t, code > 0 || !live.MatchString(text), "%q in %q", live.FindString(text), page)
			for _, r := range text {
				assert.False(t, hidden(r) && r != '\n' && r != '\t' && r != '\u2060', "%U in %q", r, page)
			}
		default:
			token := z.Token()
			elements = append(elements, token.String())
			if token.Data == "code" && kind == nethtml.StartTagToken {
				code++
			} else if token.Data == "code" {
				code--
			}
		}
	}
}

// words checks that s adds nothing but words to a text in which it is escaped.
func words(t testing.TB, s string) {
	for _, around := range []string{"%", "- %: %.", "**Critical: %.** %", "| a |\n| --- |\n| % |", "> %", "([%](https://example.com/))"} {
		quiet := shape(t, rendered(t, strings.ReplaceAll(around, "%", "word")))
		if escape(s) == "" {
			continue
		}
		assert.Equal(t, quiet, shape(t, rendered(t, strings.ReplaceAll(around, "%", escape(s)))), "%q", s)
	}
	if inside := code(s); strings.TrimSpace(s) != "" {
		assert.Equal(t, shape(t, rendered(t, "at `x`.")), shape(t, rendered(t, "at "+inside+".")), "%q", s)
		assert.Equal(t, shape(t, rendered(t, "| a |\n| - |\n| `x` |")), shape(t, rendered(t, "| a |\n| - |\n| "+inside+" |")), "%q", s)
	}
}

// few checks that own lets nothing through but what we write ourselves.
func few(t testing.TB, s string) {
	for _, e := range shape(t, rendered(t, "**How to fix.** "+own(s))) {
		name := strings.Trim(strings.Fields(e)[0], "</>")
		assert.Contains(t, []string{"p", "strong", "code"}, name, "%s of %q", e, s)
	}
	_, found := example("Do.\n\n```hcl\n" + s + "\n```")
	require.NotEmpty(t, found)
	assert.Equal(t, []string{"<p>", "</p>", "<pre>", `<code class="language-hcl">`, "</code>", "</pre>", "<p>", "</p>"},
		shape(t, rendered(t, "a\n\n"+fenced(found)+"\n\nb")), "%q", s)
}

func TestReportInert(t *testing.T) {
	for _, s := range hostile {
		words(t, s)
		few(t, s)
		for _, around := range hostile {
			few(t, "Upgrade `"+s+"` to **"+around+"**, "+s)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { words(t, s) })
}

func FuzzOwn(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { few(t, s) })
}

func TestReportEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"a_b: c":                    `a\_b: c`,
		"- x":                       `\- x`,
		"12. x":                     `12\. x`,
		"v1.2-3":                    "v1.2-3",
		"see GH-1":                  "see GH-&#8288;1",
		"high-risk":                 "high-risk",
		"a\nb":                      "a b",
		"<b> & @you #1":             "&lt;b&gt; &amp; @&#8288;you #&#8288;1",
		"bad\xff \u202e":            "bad\uFFFD \uFFFD",
		"bäd 世界 ¡ok! 🚀":             `bäd 世界 ¡ok\! 🚀`,
		"arn:aws:s3, image: x:1":    "arn:&#8288;aws:&#8288;s3, image: x:&#8288;1",
		"https://www.example.com/x": "https:&#8288;//www.&#8288;example.com/x",
	} {
		assert.Equal(t, want, escape(in))
		if !strings.ContainsAny(want, "\uFFFD") {
			assert.Equal(t, oneLine(in), marks.Replace(want), "and back")
		}
	}
	for in, want := range map[string]string{"a": "`a`", "a`b": "``a`b``", "`": "`` ` ``", "a|b": "`a¦b`", " a ": "`  a  `", "": "", "a\nb": "`a b`"} {
		assert.Equal(t, want, code(in))
	}
	for in, want := range map[string]string{
		"Set `a_b` to **x**.":      "Set `a_b` to **x**.",
		"a_b <code>c_d</code> <e>": "a\\_b `c_d` &lt;e&gt;",
		"one\n\n- two":             "one\n\n\\- two",
		"open `x and **y":          "open \\`x and \\*\\*y",
		"[x](https://example.com)": `\[x\](https:&#8288;//example.com)`,
	} {
		assert.Equal(t, want, own(in))
	}
	for in, want := range map[string][2]string{
		"Do it.":                                {"Do it.", ""},
		"Do it.\n\nFor example:\n\n```\nx\n```": {"Do it.", "```\nx\n```"},
		"Do it:\n```hcl\nx\n```\n":              {"Do it:", "```hcl\nx\n```"},
		"Do it.\r\n\r\n```hcl\r\nx\r\n```":      {"Do it.", "```hcl\nx\n```"},
		"```\nx\n```":                           {"```\nx\n```", ""},
		"Do\n```\nx\n```\nthis.":                {"Do\n```\nx\n```\nthis.", ""},
	} {
		words, block := example(in)
		assert.Equal(t, want, [2]string{words, block})
	}
	for in, want := range map[string]string{
		"a/b.go": "a/b.go", "a b": "a b", "ü/世": "ü/世", "a\xff": `"a\xff"`, "a\nb": `"a\nb"`, "x\u202ey": `"x\u202ey"`,
	} {
		assert.Equal(t, want, showPath(in))
	}
	assert.Equal(t, "aaa…bbbbbb", clipPath("aaaaaa/bbbbbbbbb", 10))
}

// Every place of every text holds the same foreign words: the page has the
// elements that it has with harmless ones.
func TestReportHostileNames(t *testing.T) {
	page := func(s string) (out []string) {
		f := finding.New(finding.Rule{ID: "dependency/" + s, Title: "Vulnerable " + s, Severity: finding.High, Why: "Why.", How: "Do."},
			at("web/package-lock.json", 1, 1), finding.InFile("x"), "Uses "+s)
		f.Details = []finding.Detail{{Name: "Via", Text: "by " + s + " → x"}}
		odd := f
		odd.At, odd.Also, odd.Message = change.Span{Path: "p/" + s}, []change.Span{at("q/"+s, 1, 2)}, "Also "+s
		r := sample{
			files: files(), findings: []finding.Finding{f, odd}, comments: 1,
			skipped: []change.Skip{{Path: "s/" + s, Why: "it is " + s}}, statuses: []finding.Status{{Scanner: "dependency", Err: errorOf("oh " + s)}},
			policy: func(p *policy.Policy) {
				p.Ignore = []policy.Exception{{Rule: "x" + s, Path: "y" + s, Owner: "of " + s, Reason: "for " + s}}
			},
			notices: []string{PolicyBroken("b"+s, errorOf("bad "+s)), PolicyBroken("b", &policy.SyntaxError{Line: 1, Column: 1, Text: "bad " + s})},
		}.report(t)
		check, err := Check(r)
		require.NoError(t, err)
		review, err := Review(r)
		require.NoError(t, err)
		p := plan()
		p.Package, p.Manifest = "x"+s, "m/"+s
		p.Settles[0] = advisory.Advisory{ID: "i" + s, Aliases: []string{"j" + s}, Summary: "of " + s, URLs: []string{s, "https://example.com/" + s, "https://example.com/"}}
		proposal, err := (*Texts)(nil).Proposal(p, "main", base, nil)
		require.NoError(t, err)
		require.Len(t, review.Comments, 1)
		var md strings.Builder
		require.NoError(t, Markdown(&md, r))
		for _, text := range []string{check.Summary, body(t, review, 0), proposal.Body, md.String(), Unfinished(head, "since "+s, forge.Neutral).Summary} {
			for _, e := range shape(t, rendered(t, text)) {
				// A link of ours leads where the record says, if that is an address of one piece.
				out = append(out, regexp.MustCompile(`href="https://example.com/[^"]*"`).ReplaceAllString(e, "href"))
			}
		}
		var text strings.Builder
		require.NoError(t, Text(&text, r))
		assert.NotContains(t, text.String(), "\x1b")
		return out
	}
	quiet := page("word")
	for _, s := range hostile {
		if strings.Contains(s, "`") || strings.Contains(s, "**") || strings.Contains(s, "<code>") {
			continue // a policy error may show code of its own; below
		}
		assert.Equal(t, quiet, page(s), "%q", s)
	}
	for _, s := range hostile {
		page(s)
	}
}

type errorOf string

func (e errorOf) Error() string { return string(e) }
