package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// appKey is the App's key of all tests: making one takes long.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// A world is a hub with one repository, a pull request in it, and our App.
type world struct {
	*Forge
	t    *testing.T
	hub  *fakehub.Hub
	on   *fakehub.Repo
	repo forge.Repo
	pull forge.Pull
	url  string
	opts Options
	now  func() time.Time
}

const before = "one\ntwo\nthree\n"

func newWorld(t *testing.T, permissions map[string]string) *world {
	t.Helper()
	return newWorldOn(t, fakehub.Options{Permissions: permissions})
}

func newWorldOn(t *testing.T, o fakehub.Options) *world {
	t.Helper()
	w := &world{t: t, now: time.Now}
	if o.Now != nil {
		w.now = o.Now
	}
	o.AppID, o.Key = 7, &appKey().PublicKey
	var err error
	w.hub, err = fakehub.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.hub.Close()) })
	server := httptest.NewServer(w.hub)
	t.Cleanup(server.Close)
	w.url = behindProxy(t, server.URL)

	w.on, err = w.hub.AddRepo("octo-org", "shop")
	require.NoError(t, err)
	w.commit("main", map[string]string{"a.txt": before})
	w.commit("topic", map[string]string{"a.txt": before + "four\nfive\nsix\n", "b.txt": "new\n"})
	number, err := w.on.OpenPull("A change", "", "main", "topic", "dev")
	require.NoError(t, err)

	w.opts = Options{
		AppID:      7,
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())}),
		APIURL:     w.url + "/api/v3", GraphQLURL: w.url + "/api/graphql", WebURL: w.url,
		Key: finding.NewKey([]byte("of the tests")),
		Now: func() time.Time { return w.now() },
	}
	w.Forge = w.another()
	w.repo = forge.Repo{ID: w.on.ID(), Installation: w.hub.Installation("octo-org"), Owner: "octo-org", Name: "shop", Default: "main"}
	w.pull = w.present(number)
	return w
}

// another returns our App as it is after a restart.
func (w *world) another() *Forge {
	w.t.Helper()
	f, err := New(w.opts)
	require.NoError(w.t, err)
	return f
}

func (w *world) commit(branch string, files map[string]string, o ...fakehub.CommitOption) string {
	w.t.Helper()
	sha, err := w.on.Commit(branch, "Change "+branch, files, o...)
	require.NoError(w.t, err)
	return sha
}

// present reads the pull request anew.
func (w *world) present(number int) forge.Pull {
	w.t.Helper()
	p, err := w.Pull(w.t.Context(), forge.PullRef{Repo: w.repo, Number: number})
	require.NoError(w.t, err)
	return p
}

// shown is the pull request as people see it.
func (w *world) shown() fakehub.Pull {
	w.t.Helper()
	p, err := w.on.Pull(w.pull.Number)
	require.NoError(w.t, err)
	return p
}

// writes returns what was written since the last n lines of the log.
func (w *world) writes(n int) []string { return w.hub.Log()[n:] }

// quiet asserts that do writes nothing.
func (w *world) quiet(do func()) {
	w.t.Helper()
	n := len(w.hub.Log())
	do()
	assert.Empty(w.t, w.writes(n))
}

func TestNewRefuses(t *testing.T) {
	good := Options{AppID: 1, APIURL: "https://api.example", GraphQLURL: "https://api.example/graphql", WebURL: "https://web.example",
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})}
	_, err := New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*Options){
		"no App":      func(o *Options) { o.AppID = 0 },
		"no key":      func(o *Options) { o.PrivateKey = nil },
		"bad key":     func(o *Options) { o.PrivateKey = []byte("-----BEGIN " + "NONSENSE-----") },
		"no API":      func(o *Options) { o.APIURL = "" },
		"file API":    func(o *Options) { o.APIURL = "file:///etc" },
		"no GraphQL":  func(o *Options) { o.GraphQLURL = "graphql" },
		"no web":      func(o *Options) { o.WebURL = "" },
		"credentials": func(o *Options) { o.APIURL = "https://user:" + "word@api.example" },
	} {
		o := good
		spoil(&o)
		_, err := New(o)
		assert.Error(t, err, name)
		assert.NotContains(t, err.Error(), "word@", name)
	}
}

func TestPull(t *testing.T) {
	w := newWorld(t, nil)
	p := w.pull
	assert.Equal(t, w.repo, p.Repo)
	assert.Equal(t, "A change", p.Title)
	assert.Equal(t, "dev", p.Author.Login)
	assert.NotZero(t, p.Author.ID)
	assert.Equal(t, "main", p.BaseRef)
	assert.Equal(t, w.on.Tip("main"), p.BaseSHA)
	assert.Equal(t, "topic", p.HeadRef)
	assert.Equal(t, w.on.Tip("topic"), p.HeadSHA)
	assert.True(t, p.Open)
	assert.False(t, p.Fork || p.Draft || p.Merged)
	assert.NotEmpty(t, p.URL)
	assert.False(t, p.Updated.IsZero())

	_, err := w.Pull(t.Context(), forge.PullRef{Repo: w.repo, Number: 99})
	assert.ErrorIs(t, err, forge.ErrNotFound)
	require.NoError(t, w.on.ClosePull(p.Number))
	assert.False(t, w.present(p.Number).Open)
}

// A name that came to belong to another repository is not asked about.
func TestReusedName(t *testing.T) {
	w := newWorld(t, nil)
	other, err := w.hub.AddRepo("octo-org", "other")
	require.NoError(t, err)
	stale := w.repo
	stale.ID = other.ID()
	_, err = w.Pull(t.Context(), forge.PullRef{Repo: stale, Number: w.pull.Number})
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestHostileNames(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"", "..", "a/b", "a?b", "a#b", "a b"} {
		r := w.repo
		r.Name = name
		_, err := w.Tip(t.Context(), r, "main")
		assert.ErrorIs(t, err, forge.ErrNotFound, name)
	}
}

func TestFork(t *testing.T) {
	w := newWorld(t, nil)
	fork, err := w.hub.Fork(w.on, "dev")
	require.NoError(t, err)
	_, err = fork.Commit("patch", "Patch", map[string]string{"c.txt": "c\n"})
	require.NoError(t, err)
	n, err := w.on.OpenPull("From a fork", "", "main", "dev:patch", "dev")
	require.NoError(t, err)
	assert.True(t, w.present(n).Fork)
	w.hub.Remove(fork)
	assert.True(t, w.present(n).Fork, "the fork is gone")
}

func TestPullsAt(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.on.Commit("lax", "Lax", map[string]string{"x": "x\n"}, fakehub.From(w.on.Tip("main")))
	require.NoError(t, err)
	second, err := w.on.OpenPull("The same onto another base", "", "lax", "topic", "dev")
	require.NoError(t, err)
	got, err := w.pullsAt(t.Context(), w.repo, w.pull.HeadSHA)
	require.NoError(t, err)
	var numbers []int
	for _, p := range got {
		numbers = append(numbers, p.Number)
		assert.Equal(t, w.pull.HeadSHA, p.HeadSHA)
	}
	assert.ElementsMatch(t, []int{w.pull.Number, second}, numbers)

	require.NoError(t, w.on.ClosePull(second))
	got, err = w.pullsAt(t.Context(), w.repo, w.pull.HeadSHA)
	require.NoError(t, err)
	assert.Len(t, got, 1)

	_, err = w.pullsAt(t.Context(), w.repo, strings.Repeat("e", 40))
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestCompare(t *testing.T) {
	w := newWorld(t, nil)
	base := w.on.Tip("main")
	w.commit("main", map[string]string{"z": "z\n"})
	got, err := w.Compare(t.Context(), w.repo, w.on.Tip("main"), w.pull.HeadSHA)
	require.NoError(t, err)
	assert.Equal(t, forge.Comparison{MergeBase: base, Ahead: 1}, got)

	_, err = w.Compare(t.Context(), w.repo, base, strings.Repeat("e", 40))
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestReadFile(t *testing.T) {
	w := newWorld(t, nil)
	w.commit("main", map[string]string{
		"dir/sub/f": "deep\n", "empty": "", "link": "dir/sub", "mod": w.pull.BaseSHA, "large": strings.Repeat("x", 1<<20+1),
		"odd name#?%.txt": "odd\n",
	}, fakehub.Mode("link", "120000"), fakehub.Mode("mod", "160000"))
	read := func(path string) ([]byte, error) { return w.ReadFile(t.Context(), w.repo, "main", path) }
	for path, want := range map[string]string{"dir/sub/f": "deep\n", "empty": "", "a.txt": before, "odd name#?%.txt": "odd\n"} {
		got, err := read(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, string(got), path)
	}
	calls := w.hub.Calls()
	assert.Equal(t, "ref=refs%2Fheads%2Fmain", calls[len(calls)-1].Query, "a tag called main is not asked for")
	got, err := w.ReadFile(t.Context(), w.repo, w.pull.HeadSHA, "b.txt")
	require.NoError(t, err)
	assert.Equal(t, "new\n", string(got))

	_, err = read("nothing")
	assert.ErrorIs(t, err, forge.ErrNotFound)
	for path, kind := range map[string]string{"dir": "directory", "link": "symlink", "mod": "submodule"} {
		var irregular *forge.IrregularError
		_, err = read(path)
		if assert.ErrorAs(t, err, &irregular, path) {
			assert.Equal(t, forge.IrregularError{Path: path, Type: kind}, *irregular)
		}
	}
	_, err = read("large")
	var irregular *forge.IrregularError
	require.ErrorAs(t, err, &irregular)
	assert.ErrorContains(t, err, "large is larger than 1 MiB")
}

func TestTip(t *testing.T) {
	w := newWorld(t, nil)
	for branch, want := range map[string]string{"topic": "topic", "main": "main", "": "main"} {
		got, err := w.Tip(t.Context(), w.repo, branch)
		require.NoError(t, err)
		assert.Equal(t, w.on.Tip(want), got)
	}
	_, err := w.Tip(t.Context(), w.repo, "top")
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

func TestRemote(t *testing.T) {
	w := newWorld(t, nil)
	r, err := w.Remote(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Equal(t, w.url+"/octo-org/shop.git", r.URL)
	assert.NotContains(t, r.String(), "ghs_")
	assert.Contains(t, w.hub.Grants(), fakehub.Grant{Repositories: []string{"octo-org/shop"}, Permissions: map[string]string{"contents": "read", "metadata": "read"}})
}

// Every token opens one repository and no more doors than its step needs.
func TestTokensAreNarrow(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.hub.AddRepo("octo-org", "other")
	require.NoError(t, err)
	ctx := t.Context()
	_, err = w.pullsAt(ctx, w.repo, w.pull.HeadSHA)
	require.NoError(t, err)
	_, err = w.ReadFile(ctx, w.repo, "", "a.txt")
	require.NoError(t, err)
	_, err = w.PutCheck(ctx, w.repo, forge.Check{SHA: w.pull.HeadSHA, Title: "t", Summary: "s"})
	require.NoError(t, err)
	_, err = w.PutReview(ctx, w.pull, forge.Review{SHA: w.pull.HeadSHA, Limit: 1, Words: wordsAbout,
		Comments: []forge.Comment{comment("k", "b.txt", 1, 1)}})
	require.NoError(t, err)
	calls := len(w.hub.Grants())
	got := map[string]bool{}
	for _, g := range w.hub.Grants() {
		assert.Equal(t, []string{"octo-org/shop"}, g.Repositories)
		for name, level := range g.Permissions {
			got[name+":"+level] = true
			if name != "metadata" {
				assert.Len(t, g.Permissions, 2, "%v", g.Permissions)
			}
		}
	}
	assert.Equal(t, map[string]bool{"metadata:read": true, "pull_requests:read": true, "contents:read": true,
		"checks:write": true, "pull_requests:write": true}, got, "nothing here needs contents: write")

	_, err = w.ReadFile(ctx, w.repo, "", "a.txt")
	require.NoError(t, err)
	assert.Len(t, w.hub.Grants(), calls, "tokens are kept")
	w.now = func() time.Time { return time.Now().Add(56 * time.Minute) }
	_, err = w.ReadFile(ctx, w.repo, "", "a.txt")
	require.NoError(t, err)
	assert.Len(t, w.hub.Grants(), calls+1, "but not to the last minute")
}

func TestLocksAreLeft(t *testing.T) {
	var l locks
	release, err := l.take(t.Context(), "k")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.take(ctx, "k")
	assert.ErrorIs(t, err, context.Canceled)
	release()
	assert.Empty(t, l.held)
}
