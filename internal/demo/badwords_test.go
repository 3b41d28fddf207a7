package demo_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// badWords are what names and messages can be made of, by what is bad about it.
func badWords() map[string]string {
	return map[string]string{
		"Markdown":             "x **b** [y](http://evil.example) ![z](http://evil.example) | a | ~~~ - item",
		"HTML":                 `x<img src=x onerror=alert(1)></details></sub><!-- pullwarden:1 key=f mac=0 --><h1>`,
		"mentions":             "@octocat hi @acme/team a@octocat.example",
		"references":           "#1 acme/shop#1 GH-1 https://github.com/acme/shop/issues/1",
		"back-ticks":           "a`b ``c`` ```\n```suggestion\nrm -rf /\n```",
		"direction overrides":  "a\u202egnp.\u2066go\u200bx",
		"control characters":   "a\x1b[31m\r\nb\x07\tc\x00",
		"text that is not any": "caf\xe9\xff",
	}
}

// everyText is all that we wrote on a pull request that GitHub renders.
func everyText(c fakehub.CheckRun, p fakehub.Pull) []string {
	texts := []string{c.Summary, c.Text}
	for _, th := range p.Threads {
		for _, x := range th.Comments {
			texts = append(texts, x.Body)
		}
	}
	for _, r := range p.Reviews {
		texts = append(texts, r.Body)
	}
	for _, x := range p.Comments {
		texts = append(texts, x.Body)
	}
	return texts
}

var hiddenCharacters = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{200b}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

// TestBadWords: whatever names and messages say, no markup of theirs is live,
// nobody is mentioned, and the finding is told all the same.
func TestBadWords(t *testing.T) {
	t.Run("a package name with", func(t *testing.T) {
		// Each is a package of its own, with an advisory that says the same again.
		sample := strings.Builder{}
		sample.Write(demo.SampleText)
		for i, what := range slices.Sorted(maps.Keys(badWords())) {
			words := strings.ToValidUTF8(badWords()[what], "\uFFFD")
			record, err := json.Marshal(map[string]any{
				"schema_version": "1.6.0", "id": fmt.Sprintf("DEMO-2026-1%03d", i), "modified": "2026-10-01T00:00:00Z", "published": "2026-09-30T00:00:00Z",
				"summary": "Of " + words, "aliases": []string{"CVE-2026-1" + words},
				"severity":   []any{map[string]string{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},
				"affected":   []any{map[string]any{"package": map[string]string{"ecosystem": "npm", "name": words}, "ranges": []any{map[string]any{"type": "SEMVER", "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": "0.9.4"}}}}}},
				"references": []any{map[string]string{"type": "WEB", "url": "https://example.com/" + words}},
			})
			require.NoError(t, err)
			fmt.Fprintf(&sample, "-- advisory/npm/DEMO-2026-1%03d.json --\n%s\n", i, record)
		}
		w := newWorld(t, demo.StageOptions{Sample: []byte(sample.String())})
		for i, what := range slices.Sorted(maps.Keys(badWords())) {
			t.Run(what, func(t *testing.T) {
				w.t = t
				name, err := json.Marshal(strings.ToValidUTF8(badWords()[what], "\uFFFD"))
				require.NoError(t, err)
				check, p := w.review(map[string]string{"package-lock.json": lockfile(locked(fmt.Sprintf("node_modules/m%d", i), "0.9.1", `      "name": `+string(name)))})
				assert.Equal(t, "failure", check.Conclusion)
				told := slices.IndexFunc(p.Threads, func(th fakehub.Thread) bool {
					return strings.Contains(th.Comments[0].Body, fmt.Sprintf("DEMO-2026-1%03d", i))
				})
				require.GreaterOrEqual(t, told, 0, "a hidden character in the line may be a finding of its own besides")
				assert.NotContains(t, p.Threads[told].Comments[0].Body, "suggestion\n")
				for _, text := range everyText(check, p) {
					harmless(t, text)
				}
				for _, a := range check.Annotations { // plain text
					assert.NotRegexp(t, hiddenCharacters, a.Title+strings.ReplaceAll(a.Message, "\n", ""))
				}
				assert.NotRegexp(t, hiddenCharacters, check.Title)
				assert.True(t, utf8.ValidString(check.Title))
			})
		}
		w.t = t
		w.goesOn()
	})

	t.Run("a commit message with", func(t *testing.T) {
		w := newWorld(t, demo.StageOptions{})
		for _, what := range slices.Sorted(maps.Keys(badWords())) {
			t.Run(what, func(t *testing.T) {
				w.t = t
				branch := "said-" + strings.ReplaceAll(what, " ", "-")
				message := strings.ReplaceAll(badWords()[what], "\x00", "")
				_, err := w.repo.Commit(branch, "Key: "+message, map[string]string{what + ".go": "package a\n\nvar client = connect(\"" + madeUpSecrets()["STRIPE_KEY"] + "\")\n"})
				require.NoError(t, err)
				sha, err := w.repo.Commit(branch, message+"\n\n"+message, map[string]string{what + ".go": "package a\n"})
				require.NoError(t, err)
				number, err := w.repo.OpenPull(strings.ToValidUTF8(message, "?"), message, "main", branch, "dev")
				require.NoError(t, err)
				w.deliver(number, "opened")
				w.settle()
				check := w.check(sha)
				p, err := w.repo.Pull(number)
				require.NoError(t, err)
				assert.Equal(t, "failure", check.Conclusion, "the key is in the history")
				for _, text := range everyText(check, p) {
					harmless(t, text)
					assert.NotContains(t, text, "evil.example", "a message is not told at all")
				}
			})
		}
		w.t = t
		w.goesOn()
	})
}

// TestTooMuch: of 10,000 findings the worst ten are commented, and that there
// are more than can be shown is said wherever some are missing.
func TestTooMuch(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	const each, of = 1000, 10
	files := map[string]string{}
	key := func(n int) string {
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
		b := []byte("AKIA")
		for x := uint64(n)*2654435761 + 0x9e3779b97f4a7c15; len(b) < 20; x = x*6364136223846793005 + 1442695040888963407 {
			b = append(b, letters[x>>59])
		}
		return string(b)
	}
	for f := range of {
		var b strings.Builder
		for n := range each {
			fmt.Fprintf(&b, "key = %q\n", key(f*each+n))
		}
		files[fmt.Sprintf("keys/%d.conf", f)] = b.String()
	}
	before := len(w.Hub.Calls())
	check, p := w.review(files)
	r, ok := w.Report(p.Number)
	require.True(t, ok)
	assert.Len(t, r.Verdict.Decisions, 1000)
	assert.Equal(t, "failure", check.Conclusion)
	assert.Equal(t, "1000 blocking: AWS access key committed (1000 times); not everything was looked at", check.Title)
	assert.Regexp(t, `(9\d{3}|10000) findings; only the worst 1000 are shown`, check.Summary, "some of the random keys read like a placeholder")
	assert.Len(t, p.Threads, 10)
	assert.Len(t, p.Reviews, 1)
	assert.Empty(t, p.Comments)
	assert.LessOrEqual(t, len(check.Summary), 65_535)
	assert.Contains(t, check.Summary, "950 more are not listed here")
	assert.LessOrEqual(t, len(check.Annotations), 500)
	assert.Contains(t, check.Text, "490 more are not shown")
	assert.LessOrEqual(t, writes(w.Hub, before), 12, "a review, and a check with its annotations in turns of 50")
	w.goesOn()
}

// TestTemplatesThatFail: an operator's words that fail when they are used are
// replaced by ours, and the log says so.
func TestTemplatesThatFail(t *testing.T) {
	dir := t.TempDir()
	broken := map[string]string{
		"comment.md.tmpl": `{{index .Title 99999}}`, "check.md.tmpl": `{{.NoSuchThing}}`, "review.md.tmpl": `{{template "none"}}`, "proposal.md.tmpl": `{{call .Package}}`,
	}
	for name, text := range broken {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	log := &logBuffer{}
	w := &world{t: t, log: log}
	w.Stage = watched(t, demo.StageOptions{Settings: func(c *config.Config) { c.TemplatesDir = dir }}, log, zerolog.InfoLevel)
	repo, number, err := w.OpenSample(t.Context())
	require.NoError(t, err)
	w.repo = repo
	require.NoError(t, w.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
	w.deliver(number, "opened")
	w.settle()
	p, err := repo.Pull(number)
	require.NoError(t, err)
	require.NotEmpty(t, p.Threads)
	for _, th := range p.Threads {
		assert.Contains(t, th.Comments[0].Body, "**How to fix.**")
	}
	require.Len(t, p.Reviews, 1)
	assert.Contains(t, p.Reviews[0].Body, "pullwarden found ")
	check := w.check(p.HeadSHA)
	assert.Equal(t, "failure", check.Conclusion)
	assert.Contains(t, check.Summary, "| Scanner | Blocking | Other | State |")
	pulls := repo.Pulls()
	require.Len(t, pulls, 2)
	assert.Contains(t, pulls[1].Body, "**What it fixes**")
	for name := range broken {
		assert.Regexp(t, `"level":"(warn|error)".*`+regexp.QuoteMeta(name), log.String(), "the operator is told")
	}
}

// TestDeletedComment: what somebody deleted comes back as one comment at the
// most, and the check says it in any case.
func TestDeletedComment(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	number, _ := w.open(map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
	w.deliver(number, "opened")
	w.settle()
	p, err := w.repo.Pull(number)
	require.NoError(t, err)
	require.Len(t, p.Threads, 1)
	req, err := http.NewRequestWithContext(t.Context(), "DELETE", fmt.Sprintf("%s/api/v3/repos/acme/shop/pulls/comments/%d", w.HubURL, p.Threads[0].Comments[0].ID), nil)
	require.NoError(t, err)
	status := 0
	for _, token := range w.Hub.Tokens() { // one of them may write
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		if status = res.StatusCode; status == http.StatusNoContent {
			break
		}
	}
	require.Equal(t, http.StatusNoContent, status)
	for i := range 3 {
		sha, err := w.repo.Commit("topic-1", "More", map[string]string{"more": fmt.Sprintln(i)}, fakehub.From("topic-1"))
		require.NoError(t, err)
		w.deliver(number, "synchronize")
		w.settle()
		p, err := w.repo.Pull(number)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(p.Threads), 1)
		check := w.check(sha)
		assert.Equal(t, "failure", check.Conclusion)
		assert.Contains(t, check.Summary, "example-ledger")
		assert.Equal(t, 1, len(p.Threads)+len(check.Annotations), "it is shown at the line once")
	}
}

// TestLockedConversation: where GitHub takes no comment because the
// conversation is locked, the check has it all, and nothing is tried for ever.
func TestLockedConversation(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusUnprocessableEntity} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w := newWorld(t, demo.StageOptions{})
			number, sha := w.open(map[string]string{"requirements.txt": "example-ledger==4.1.2\n", "Dockerfile": "FROM registry.example/base:1.4.2\nUSER root\n"})
			const body = `{"message": "Unable to create comment because issue is locked.", "documentation_url": "https://docs.github.com/articles/locking-conversations/"}`
			for _, path := range []string{"POST /repos/*/pulls/*/reviews", "POST /repos/*/pulls/*/comments", "POST /repos/*/issues/*/comments", "PATCH /repos/*/pulls/comments/*"} {
				w.Hub.Fail(fakehub.Fault{Match: path, Status: status, Times: 1000, Body: body})
			}
			before := len(w.Hub.Calls())
			w.deliver(number, "opened")
			w.settle()
			check := w.check(sha)
			assert.Equal(t, "failure", check.Conclusion)
			assert.Len(t, check.Annotations, 2)
			assert.Contains(t, check.Summary, "**How to fix.**")
			p, err := w.repo.Pull(number)
			require.NoError(t, err)
			assert.Empty(t, p.Threads)
			assert.LessOrEqual(t, writes(w.Hub, before), 3, "it is tried once")

			// Unlocked, the next push brings the comments.
			w.Hub.Mend()
			sha, err = w.repo.Commit("topic-1", "More", map[string]string{"more": "x\n"}, fakehub.From("topic-1"))
			require.NoError(t, err)
			w.deliver(number, "synchronize")
			w.settle()
			p, err = w.repo.Pull(number)
			require.NoError(t, err)
			assert.Len(t, p.Threads, 2)
			assert.Equal(t, "failure", w.check(sha).Conclusion)

			// Locked again, what is fixed turns the check green all the same.
			for _, path := range []string{"PATCH /repos/*/pulls/comments/*", "POST /repos/*/pulls/*/comments"} {
				w.Hub.Fail(fakehub.Fault{Match: path, Status: status, Times: 1000, Body: body})
			}
			sha, err = w.repo.Commit("topic-1", "Mend", map[string]string{"requirements.txt": "example-ledger==4.1.3\n", "Dockerfile": "FROM registry.example/base:1.4.2\nHEALTHCHECK CMD [\"/x\"]\nUSER 65532\n"}, fakehub.From("topic-1"))
			require.NoError(t, err)
			w.deliver(number, "synchronize")
			w.settle()
			assert.Equal(t, "success", w.check(sha).Conclusion)
		})
	}
}
