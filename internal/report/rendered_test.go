package report

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/templates"
)

// A showing is one text that a template makes.
type showing struct{ what, text string }

// showings are what each template is shown with. Add yours here.
func showings(t testing.TB) map[string][]showing {
	all := samples()
	all["everything"] = everyPart()
	reports := map[string]*Report{}
	for name, s := range all {
		reports[name] = s.report(t)
	}
	reports["everything"].Settings = []policy.Setting{{Key: "block", Value: "high", From: "default"}, {Key: "comment", Value: "low", From: "acme/.github line 3"}, {Key: "inline", Value: "10", From: "default"}}
	reports["everything"].Fixable, reports["terraform"].Fixable = true, true
	reports["everything"].Change.Elsewhere = []change.Skip{{Path: "libs/core", Why: "a submodule that moves"}}
	reports["incomplete"].Change.Elsewhere = reports["everything"].Change.Elsewhere
	out := map[string][]showing{}
	add := func(template, what, text string) {
		out[template] = append(out[template], showing{what, text})
	}
	reports["several"] = oneBlock(7).report(t)
	for _, name := range []string{"secret", "dependency", "terraform", "kubernetes", "observe", "warn", "places", "everything", "several"} {
		review, err := Review(reports[name])
		require.NoError(t, err)
		for i, c := range review.Comments {
			template := "comment.md.tmpl"
			if len(c.Keys) > 1 {
				template = "comment-several.md.tmpl"
			}
			add(template, fmt.Sprintf("%s %d", name, i+1), body(t, review, i))
		}
	}
	for _, name := range []string{"clean", "incomplete-and-blocked", "policy-changed", "uncommented", "pushed-again", "rewritten", "rotated", "exceptions", "history", "uncovered-blocks", "places", "everything"} {
		check, err := Check(reports[name])
		require.NoError(t, err)
		add("check.md.tmpl", name, check.Summary)
	}
	waiting := sample{files: files(), findings: []finding.Finding{stripe(), past(fontReader()), bucket(), privileged()}}
	for i := range spelledInSummary {
		another := past(stripe())
		another.Rule.ID += fmt.Sprint("-", i)
		waiting.findings = append(waiting.findings, another)
	}
	asked := waiting.report(t).Result.Findings
	waiting.policy = func(p *policy.Policy) {
		p.Owners, _ = policy.ParseOwners([]byte("pay/ @acme/pay @lead\n"))
		for _, print := range []finding.Fingerprint{asked[0].Print, asked[3].Print} {
			p.Ignore = append(p.Ignore, policy.Exception{Fingerprint: print, Reason: "test", Owner: "@dev", Until: today.AddDate(0, 1, 0), Layer: policy.Conversation, Pending: true})
		}
	}
	for name, s := range map[string]sample{"needed": waiting, "not needed any more": {files: files()}} {
		words, _, err := Summary(s.report(t))
		require.NoError(t, err)
		add("summary.md.tmpl", name, words)
	}
	slices.SortFunc(out["summary.md.tmpl"], func(a, b showing) int { return strings.Compare(a.what, b.what) })
	for _, name := range []string{"secret", "warn", "many", "observe"} {
		review, err := Review(reports[name])
		require.NoError(t, err)
		add("review.md.tmpl", name, review.Body)
	}
	for _, name := range slices.Sorted(maps.Keys(plans())) {
		proposal, err := (*Texts)(nil).Proposal(plans()[name], "main", base, nil)
		require.NoError(t, err)
		add("proposal.md.tmpl", name, proposal.Body)
	}
	pages, err := RulePages([]finding.Rule{stripe().Rule, bucket().Rule, privileged().Rule, {ID: "dependency/vulnerable", Title: "Vulnerable dependency", Why: "It is public.", How: "Upgrade it."}, {ID: "new/rule", Title: "Of a scanner to come", Why: "Why.", How: "How."}})
	require.NoError(t, err)
	for _, file := range []string{"README.md", "secret/stripe-access-token.md", "iac/AWS-0092.md", "iac/KSV-0017.md", "dependency/vulnerable.md", "new/rule.md"} {
		add("rule.tmpl", file, pages[file])
	}
	for _, name := range []string{"secret", "history", "incomplete", "policy-changed", "uncovered-blocks", "places"} {
		var b strings.Builder
		require.NoError(t, Text(&b, reports[name]))
		add("text.tmpl", name, b.String())
	}
	for _, k := range uncoveredKinds(reports["uncovered"]) {
		text, err := (*Texts)(nil).render("uncovered.tmpl", nil, k)
		require.NoError(t, err)
		add("uncovered.tmpl", k.Label, text)
	}
	return out
}

// everyPart is a sample with all that the check and a comment can have besides the others.
func everyPart() sample {
	long := inPlaces(privileged(), 130, 4)
	long.Fix.Text += "\n\nFor example:\n\n```yaml\n" + strings.Repeat("privileged: false\n", 9) + "```"
	another := past(stripe())
	another.Rule.ID += "-2"
	short := marked(medium(bucket()), "it gives no reason")
	short.Fix.Edits = nil
	asked := policy.Exception{Rule: "secret/*", Reason: "test key", Owner: "@dev", Until: today.AddDate(0, 1, 0), Layer: policy.Conversation, Pending: true}
	ended := policy.Exception{Rule: "text/*", Reason: "generated", Owner: "@acme/web", Until: today.AddDate(0, 0, -3)}
	return sample{
		files: files(), findings: append([]finding.Finding{long, short, stripe(), past(fontReader()), revokedOne(another), revokedOne(fontReader())}, many(60)[1:]...), comments: 3,
		skipped: []change.Skip{{Path: "data/a`b|c.sql", Why: "larger than 4 MiB"}},
		notices: []string{PolicyBroken("main", errorOf("bad"))}, leaked: []history.Leak{{Rule: "secret/stripe-access-token", Path: "pay/pay.go"}},
		policy: func(p *policy.Policy) {
			p.Ignore = []policy.Exception{asked, ended, {Rule: "iac/AWS-0001", Path: "infra/**", Reason: "too long", Owner: "@acme/ops", Until: today.AddDate(9, 0, 0)}}
			p.Floors.Exception = 90 * 24 * time.Hour
			p.Owners, _ = policy.ParseOwners([]byte("* @acme/platform\n"))
		},
	}
}

// oneBlock is a sample of n findings in one block, and one on its first line.
func oneBlock(n int) sample {
	s := sample{files: files()}
	for i := range n {
		f := bucket()
		f.At, f.Block, f.Fix.Edits = at("infra/main.tf", 1+i%3, 1+i%3), at("infra/main.tf", 1, 3), nil
		f.Rule.ID += fmt.Sprint("-", i)
		s.findings = append(s.findings, f)
	}
	reader := fontReader()
	reader.At = at("infra/main.tf", 1, 1)
	reader.Advisories = []finding.Advisory{{ID: "GO-1", Severity: finding.High}, {ID: "GO-2", Severity: finding.High}}
	reader.Dependency = &finding.Dependency{Name: "example.com/font"}
	s.findings = append([]finding.Finding{reader}, s.findings...)
	s.policy = func(p *policy.Policy) {
		p.Ignore = []policy.Exception{{Package: "example.com/*", Advisories: []string{"GO-1"}, Reason: "not reached", Owner: "@acme/web", Until: today.AddDate(0, 1, 0)}}
	}
	return s
}

// gitHubTags are the elements that GitHub lets through.
var gitHubTags = strings.Fields("h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody tfoot " +
	"blockquote dl dt dd kbd q samp var hr li tr td th s strike summary details caption figure figcaption abbr small source span time wbr")

// asGitHub renders Markdown as GitHub does: in a conversation a line's end is
// one, in a file it is not. It drops comments, and takes no element that GitHub would drop.
func asGitHub(t testing.TB, markdown string, conversation bool) string {
	options := []renderer.Option{html.WithUnsafe()}
	if conversation {
		options = append(options, html.WithHardWraps())
	}
	var b bytes.Buffer
	require.NoError(t, goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(options...)).Convert([]byte(markdown), &b))
	var out strings.Builder
	for z := nethtml.NewTokenizer(&b); ; {
		kind := z.Next()
		raw := string(z.Raw())
		switch kind {
		case nethtml.ErrorToken:
			return out.String()
		case nethtml.CommentToken:
			continue
		case nethtml.StartTagToken, nethtml.EndTagToken, nethtml.SelfClosingTagToken:
			name, _ := z.TagName()
			assert.True(t, slices.Contains(gitHubTags, string(name)), "GitHub drops <%s>", name)
		}
		out.WriteString(raw)
	}
}

// TestTemplates: each template has a golden text, which for Markdown is what
// GitHub makes of it. A template without one fails.
func TestTemplates(t *testing.T) {
	all := showings(t)
	entries, err := fs.ReadDir(templates.FS, ".")
	require.NoError(t, err)
	onDisk, err := filepath.Glob("../../templates/*.tmpl")
	require.NoError(t, err)
	require.Len(t, onDisk, len(entries), "every template is in the program")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		t.Run(e.Name(), func(t *testing.T) {
			if e.Name() == "demo.html.tmpl" {
				_, err := os.Stat("../demo/testdata/page.html") // TestPageAsItWas of that package
				require.NoError(t, err)
				return
			}
			if e.Name() == partials {
				return // shown in the others
			}
			require.NotEmpty(t, all[e.Name()], "it is shown with nothing: see showings")
			var b strings.Builder
			for _, s := range all[e.Name()] {
				text := "<pre>\n" + nethtml.EscapeString(s.text) + "</pre>\n"
				if e.Name() != "text.tmpl" && e.Name() != "uncovered.tmpl" {
					text = asGitHub(t, s.text, e.Name() != "rule.tmpl")
					assert.NotRegexp(t, `\*\*|\]\(|^#`, outsideOfCode.ReplaceAllString(text, ""), "Markdown that was not taken for it")
				}
				fmt.Fprintf(&b, "<!-- %s -->\n<hr>\n%s\n", s.what, text)
			}
			goldenFile(t, filepath.Join("testdata", "rendered", strings.TrimSuffix(e.Name(), ".tmpl")+".html"), shownHidden(b.String()))
		})
	}
	for name := range all {
		assert.Contains(t, names, name, "shown, but no template")
	}
}

var outsideOfCode = regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>`)

// TestTemplatesSayEverything: each line of the templates is said in some
// golden text, so that none changes unseen.
func TestTemplatesSayEverything(t *testing.T) {
	all := showings(t)
	all[partials] = slices.Concat(all["comment.md.tmpl"], all["comment-several.md.tmpl"])
	for name, shown := range all {
		source, err := fs.ReadFile(templates.FS, name)
		require.NoError(t, err)
		var said strings.Builder
		for _, s := range shown {
			said.WriteString(s.text)
		}
		for _, words := range action.Split(string(source), -1) {
			for _, line := range strings.Split(words, "\n") {
				if line = strings.TrimSpace(line); len(line) > 3 {
					assert.True(t, strings.Contains(said.String(), line), "nothing shown of %s says %q", name, line)
				}
			}
		}
	}
}

var action = regexp.MustCompile(`(?s){{.*?}}`)

// shownHidden writes characters that nobody sees as HTML names them.
func shownHidden(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r != '\n' && r != '\t' && hidden(r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
