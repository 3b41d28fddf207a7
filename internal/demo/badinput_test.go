package demo_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestBadInput: whatever comes, there is a clear message, no pass, and the server goes on.
func TestBadInput(t *testing.T) {
	front := &between{}
	w := newWorld(t, demo.StageOptions{Through: front.through(t)})
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			outer := w.t
			w.t = t
			defer func() { w.t = outer }()
			f(t)
			front.set(nil)
			w.goesOn()
		})
	}

	run("a repository that does not exist", func(t *testing.T) {
		gone, err := w.Install(t.Context(), "acme", "gone")
		require.NoError(t, err)
		_, err = gone.Commit("main", "Begin", map[string]string{"README": "x\n"})
		require.NoError(t, err)
		_, err = gone.Commit("topic", "Change", map[string]string{"README": "y\n"})
		require.NoError(t, err)
		n, err := gone.OpenPull("Change", "", "main", "topic", "dev")
		require.NoError(t, err)
		e, err := gone.PullEvent(n, "opened")
		require.NoError(t, err)
		push := gone.PushEvent("main", "", gone.Tip("main"), "dev")
		w.Hub.Remove(gone)
		require.NoError(t, w.Deliver(t.Context(), e))
		require.NoError(t, w.Deliver(t.Context(), push))
		w.settle()
		assert.Regexp(t, `given up`, w.log)
		assert.Regexp(t, `review acme/gone#1: .*does not exist`, w.log)
	})

	run("a head that is gone", func(t *testing.T) {
		n, _ := w.open(map[string]string{"a.txt": "a\n"})
		head, base, branch, err := w.repo.Queue(n)
		require.NoError(t, err)
		require.NoError(t, w.repo.DeleteBranch(branch))
		require.NoError(t, w.repo.Prune())
		require.NoError(t, w.Deliver(t.Context(), w.repo.GroupEvent(head, base, branch)))
		w.settle()
		assert.Empty(t, w.repo.CheckRuns(head))
		assert.Regexp(t, `"head":"`+head+`".*not found.*review not completed`, w.log.String())
	})

	run("a force-push between webhook and fetch", func(t *testing.T) {
		n, old := w.open(map[string]string{"a.txt": "old\n"})
		branch := fmt.Sprintf("topic-%d", w.pulls.Load())
		var sha string
		front.set(func(_ http.ResponseWriter, r *http.Request) bool {
			if sha == "" && strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
				var err error
				assert.NoError(t, w.repo.Reset(branch, w.repo.Tip("main")))
				sha, err = w.repo.Commit(branch, "Another", map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
				assert.NoError(t, err)
				assert.NoError(t, w.repo.Prune())
			}
			return false
		})
		w.deliver(n, "opened")
		w.settle()
		for _, run := range w.repo.CheckRuns(old) {
			// GitHub has lost the commit, so nobody sees or completes its check any more.
			assert.NotEqual(t, "success", run.Conclusion)
		}
		w.deliver(n, "synchronize")
		w.settle()
		assert.Equal(t, "failure", w.check(sha).Conclusion)
	})

	run("a head that GitHub knows but does not hand out", func(t *testing.T) {
		n, sha := w.open(map[string]string{"a.txt": "a\n"})
		front.set(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
				return false
			}
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			text := "ERR upload-pack: not our ref " + sha
			_, _ = fmt.Fprintf(rw, "%04x%s", len(text)+4, text)
			return true
		})
		w.deliver(n, "opened")
		w.settle()
		check := w.check(sha)
		assert.Equal(t, "neutral", check.Conclusion)
		assert.Contains(t, check.Title, "can no longer be fetched")
		assert.Contains(t, check.Summary, "force-push")
	})

	manifest := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for _, c := range []struct {
		name, path, content string
		want                string
	}{
		{"an unreadable lockfile", "web/package-lock.json", `{"lockfileVersion": 3, "packages": {`, "web/package-lock.json"},
		{"broken HCL", "infra/main.tf", "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \n", "infra/main.tf"},
		{"YAML with 1,000,000 aliases", "deploy/pod.yaml", manifest + "a: &a [x]\nb: [" + strings.Repeat("*a,", 1_000_000) + "]\n", "deploy/pod.yaml:1: YAML with more than 1000 aliases"},
		// 1 GB is TestHugeBlob of internal/git: the way from there to the check is the same for all that is too large.
		{"a huge blob", "data/dump.bin", strings.Repeat("0", 32<<20), "`data/dump.bin` (larger than 4 MiB)"},
	} {
		run(c.name, func(t *testing.T) {
			check, p := w.review(map[string]string{c.path: c.content})
			assert.Equal(t, "neutral", check.Conclusion)
			assert.Contains(t, check.Title, "Not everything was looked at")
			assert.Contains(t, plain(check.Summary), c.want)
			assert.Empty(t, p.Threads)
		})
	}

	run("a pack bomb for trees", func(t *testing.T) {
		front.set(func(rw http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/git-upload-pack") && answerWith(rw, r, bomb())
		})
		check, _ := w.review(map[string]string{"a.txt": "a\n"})
		assert.Equal(t, "neutral", check.Conclusion)
		assert.Contains(t, check.Title, "Could not complete: The repository's data is not safe to read")
		assert.Contains(t, check.Summary, "not checked")
	})

	run("a pack bomb for blobs", func(t *testing.T) {
		front.set(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
				return false
			}
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			r.Body = io.NopCloser(bytes.NewReader(body))
			return !bytes.Contains(body, []byte("filter ")) && answerWith(rw, r, bomb())
		})
		check, _ := w.review(map[string]string{"a.txt": "a\n"})
		assert.Equal(t, "neutral", check.Conclusion)
		assert.NotContains(t, check.Title, "Nothing found")
	})

	secret := madeUpSecrets()["STRIPE_KEY"]
	for _, c := range []struct {
		name, path string
		takes      bool // whether GitHub takes it as a place
	}{
		{"a file name that is not UTF-8", "caf\xe9\xff.go", false},
		{"a file name with control characters", "a\x1b[31m\r\nb\x07\t.go", false},
		{"a file name with Markdown", "x` **b** @octocat [y](http:evil.example) <img src=x> | ![z](http:evil.example) #1 ```.go", true},
		{"a file name with direction overrides", "a\u202egnp.\u2066go", true},
	} {
		run(c.name, func(t *testing.T) {
			check, p := w.review(map[string]string{c.path: "package a\n\nvar client = connect(\"" + secret + "\")\n"})
			assert.Equal(t, "failure", check.Conclusion)
			texts := []string{check.Title, check.Summary}
			for _, a := range check.Annotations {
				texts = append(texts, a.Title, a.Message)
				assert.True(t, utf8.ValidString(a.Path))
			}
			for _, th := range p.Threads {
				texts = append(texts, th.Comments[0].Body)
			}
			for _, r := range p.Reviews {
				texts = append(texts, r.Body)
			}
			for _, text := range texts {
				harmless(t, text)
				assert.NotContains(t, text, secret)
			}
			assert.Contains(t, check.Summary, "Stripe access token committed")
			assert.Equal(t, c.takes, len(p.Threads)+len(check.Annotations) > 0)
		})
	}

	run("a policy file that is a directory", func(t *testing.T) {
		check, _ := w.review(map[string]string{".github/pullwarden.yml/README": "x\n"})
		assert.Equal(t, "success", check.Conclusion, "as the policy that is in force says")
		assert.Contains(t, check.Summary, "puts a directory at `.github/pullwarden.yml`")
	})

	run("a policy key that does not exist", func(t *testing.T) {
		check, _ := w.review(map[string]string{".github/pullwarden.yml": "version: 1\nblok: high\n"})
		assert.Contains(t, check.Summary, "brings a policy that is not valid")
		assert.Contains(t, check.Summary, "line 2, column 1")
	})
}

// plain takes back what Markdown escapes.
func plain(s string) string {
	return regexp.MustCompile(`\\([[:punct:]])`).ReplaceAllString(strings.ReplaceAll(s, "&#8288;", ""), "$1")
}

// harmless requires that text, rendered as GitHub does, shows no link, image or
// tag that a file's name brought, and mentions nobody.
func harmless(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text))
	assert.NotRegexp(t, `[\x00-\x08\x0b-\x1f\x7f]|[\x{202a}-\x{202e}\x{2066}-\x{2069}]`, text)
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	require.NoError(t, md.Convert([]byte(text), &b))
	prose := regexp.MustCompile(`(?s)<pre>.*?</pre>|<code>.*?</code>|<!--.*?-->`).ReplaceAllString(b.String(), "")
	assert.NotRegexp(t, `@octocat|#1\b|<img|evil\.example"|<strong>b<`, prose)
}
