package demo_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// fakeToken is the n-th of many tokens that nobody issued.
func fakeToken(n int) string {
	body := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, "token ", n)))[:30]
	return "ghp" + "_" + body + demo.Checksum(body)
}

// onGitHub are the places that people see of a pull request: those of comments
// and annotations, and what comments, check and annotations say.
func onGitHub(check fakehub.CheckRun, p fakehub.Pull) string {
	all := []string{check.Title, check.Summary, check.Text}
	for _, th := range p.Threads {
		all = append(all, fmt.Sprintf("%s:%d", th.Path, th.Line))
		for _, c := range th.Comments {
			all = append(all, c.Body)
		}
	}
	for _, a := range check.Annotations {
		all = append(all, fmt.Sprintf("%s:%d", a.Path, a.StartLine), a.Message)
	}
	return strings.Join(all, "\n") + "\n"
}

// TestManySecretsAreAllListed: whatever the bounds of comments, of a check's text and of
// annotations are, each of many secrets is named in one of them.
func TestManySecretsAreAllListed(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	const many = 60
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "TOKEN_%d=%s\n", i, fakeToken(i))
		}
		return b.String()
	}
	spread := map[string]string{}
	for i := range many {
		spread[fmt.Sprintf("svc%02d/.env", i)] = "# a service\nTOKEN=" + fakeToken(i) + "\n"
	}
	require.Len(t, spread, many)
	check := func(t *testing.T, c fakehub.CheckRun, p fakehub.Pull, comments, places int, place func(i int) string) {
		t.Helper()
		assert.Equal(t, "failure", c.Conclusion)
		assert.Contains(t, c.Title, fmt.Sprint(places)+" blocking")
		assert.Len(t, p.Threads, comments)
		assert.LessOrEqual(t, len(c.Summary), 65_535)
		seen := onGitHub(c, p)
		for i := range places {
			assert.Regexp(t, "(?m)"+place(i)+"(\\D|$)", seen)
			assert.NotContains(t, seen, fakeToken(i))
		}
	}
	inFile := func(i int) string { return fmt.Sprintf(`prod\.env:%d`, i+1) }

	t.Run("in one file", func(t *testing.T) {
		c, p := w.review(map[string]string{"prod.env": lines(many)})
		check(t, c, p, 10, many, inFile)
		assert.Len(t, c.Annotations, many-10)
	})
	t.Run("in a file each", func(t *testing.T) {
		c, p := w.review(spread)
		check(t, c, p, 10, many, func(i int) string { return fmt.Sprintf(`svc%02d/\.env:2`, i) })
	})
	t.Run("only in the history", func(t *testing.T) {
		_, err := w.repo.Commit("forgotten", "Add keys", map[string]string{"prod.env": lines(many)})
		require.NoError(t, err)
		sha, err := w.repo.Commit("forgotten", "Remove keys", map[string]string{"prod.env": "# none\n"})
		require.NoError(t, err)
		number, err := w.repo.OpenPull("Change", "", "main", "forgotten", "dev")
		require.NoError(t, err)
		w.deliver(number, "opened")
		w.settle()
		p, err := w.repo.Pull(number)
		require.NoError(t, err)
		check(t, w.check(sha), p, 0, many, inFile)
	})
	t.Run("in a file whose name GitHub does not take", func(t *testing.T) {
		c, p := w.review(map[string]string{"prod\n.env": lines(many)})
		check(t, c, p, len(p.Threads), many, func(i int) string { return fmt.Sprintf(`prod\\n\.env":%d`, i+1) })
	})
	t.Run("in a pack of programs", func(t *testing.T) {
		c, p := w.review(map[string]string{"tool.bin": "\x00\x01" + lines(many)})
		assert.Len(t, p.Threads, 0)
		assert.Len(t, c.Annotations, many, "it has no lines: an annotation each")
	})
	t.Run("hundreds", func(t *testing.T) {
		c, p := w.review(map[string]string{"prod.env": lines(400)})
		check(t, c, p, 10, 400, inFile)
	})
}

// TestOneSecretInManyPlaces: it is one finding and one comment, which names every place.
func TestOneSecretInManyPlaces(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	files := map[string]string{"a.jar": "\x00\x01\x02" + fakeToken(1), "tests/fixture.env": "T=" + fakeToken(1) + "\n"}
	for i := range 30 {
		files[fmt.Sprintf("svc%d/.env", i+1)] = fmt.Sprintf("# service %d\nT=%s\n", i+1, fakeToken(1))
	}
	c, p := w.review(files)
	assert.Equal(t, "failure", c.Conclusion)
	assert.Contains(t, c.Title, "1 blocking")
	require.Len(t, p.Threads, 1)
	assert.Equal(t, []any{"svc1/.env", 2}, []any{p.Threads[0].Path, p.Threads[0].Line}, "neither the archive nor the fixture")
	assert.Empty(t, c.Annotations)
	for i := range 30 {
		assert.Contains(t, onGitHub(c, p), fmt.Sprintf("svc%d/.env:2", i+1))
	}
	for _, path := range []string{"a.jar", "tests/fixture.env:1"} {
		assert.Contains(t, p.Threads[0].Comments[0].Body, "`"+path+"`")
	}
	assert.Contains(t, c.Summary, " and 21 more.")
	assert.NotContains(t, onGitHub(c, p), fakeToken(1))

	// One place less is the same cause.
	branch := p.Head
	sha, err := w.repo.Commit(branch, "Remove it from one", map[string]string{"svc1/.env": "# service 1\n"})
	require.NoError(t, err)
	w.deliver(p.Number, "synchronize")
	w.settle()
	again, err := w.repo.Pull(p.Number)
	require.NoError(t, err)
	assert.Equal(t, "failure", w.check(sha).Conclusion)
	open := slices.DeleteFunc(slices.Clone(again.Threads), func(t fakehub.Thread) bool { return t.Resolved })
	assert.Len(t, open, 1)
	assert.Len(t, again.Threads, 1, "no second thread for it")
}
