package github

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

var writerKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// newPair is a world with two Apps: one that reads and posts, one that writes.
func newPair(t *testing.T) *world {
	t.Helper()
	w := newWorldOn(t, fakehub.Options{
		Permissions: map[string]string{"contents": "read", "checks": "write", "pull_requests": "write"},
		Second: &fakehub.SecondApp{AppID: 8, Slug: "pullwarden-writer", Key: &writerKey().PublicKey,
			Permissions: map[string]string{"metadata": "read", "contents": "write", "pull_requests": "write"}},
	})
	w.opts.Writer = &Writer{AppID: 8, PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(writerKey())})}
	w.Forge = w.another()
	return w
}

// The first App reads and posts; only the second one writes to the repository.
func TestTwoApps(t *testing.T) {
	w := newPair(t)
	first := w.place(w.review())
	w.check(outcome("d1", forge.Failure))
	assert.Equal(t, w.hub.Bot(), w.shown().Threads[0].Comments[0].Author)

	ref := w.propose(w.proposal())
	got, err := w.on.Pull(ref.Number)
	require.NoError(t, err)
	assert.Equal(t, "pullwarden-writer[bot]", got.Author)
	list, err := w.Proposals(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Equal(t, map[string]forge.PullRef{upgradeBranch: ref}, list)
	w.quiet(func() { assert.Equal(t, ref, w.propose(w.proposal())) })

	// A thread is resolved by the second App; that is no person's decision.
	w.place(without(w.review(), "k1"))
	assert.Equal(t, "pullwarden-writer[bot]", w.shown().Threads[0].ResolvedBy)
	r := w.review()
	r.Seen = w.look()
	again, err := w.PutReview(t.Context(), w.pull, r)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.False(t, w.shown().Threads[0].Resolved, "it asks again")

	for _, g := range w.hub.Grants() {
		assert.Equal(t, []string{"octo-org/shop"}, g.Repositories)
	}
}

func TestTheWriterIsNotEverywhere(t *testing.T) {
	w := newPair(t)
	w.hub.UninstallSecond("octo-org")
	_, err := w.PutProposal(t.Context(), w.repo, w.proposal())
	require.ErrorIs(t, err, forge.ErrDenied)
	require.ErrorContains(t, err, "the App that writes is not installed on octo-org/shop")

	// Without it threads are not resolved: our comment says that it is settled.
	w.place(w.review())
	w.place(without(w.review(), "k1"))
	assert.False(t, w.shown().Threads[0].Resolved)
	assert.True(t, strings.HasPrefix(w.shown().Threads[0].Comments[0].Body, w.review().Settled))
}

func TestWriterRefuses(t *testing.T) {
	w := newPair(t)
	w.opts.Writer = &Writer{AppID: 8, PrivateKey: []byte("none")}
	_, err := New(w.opts)
	require.ErrorContains(t, err, "writer.private_key")
	require.NotContains(t, err.Error(), "none")
}
