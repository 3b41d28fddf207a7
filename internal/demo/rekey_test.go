package demo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// Another key of fingerprints, twice: first in place of the database's, then of
// the operator's. Nothing is said twice, nothing that was excepted blocks
// again, and the fingerprints of before can still be named. After that the
// first key is forgotten, and what stands is ours all the same.
func TestAnotherFingerprintKey(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	w.repo.SetRole("lead", "write")
	w.repo.SetRole("other", "write")
	_, err := w.repo.Commit("main", "Name the owners", map[string]string{".github/CODEOWNERS": "* @lead\n"})
	require.NoError(t, err)
	two := map[string]string{"requirements.txt": "example-ledger==4.1.2\n", "pay.go": fmt.Sprintf("package pay\n\nvar client = connect(%q)\n", madeUpSecrets()["STRIPE_KEY"])}
	check, pull := w.review(two)
	require.Equal(t, "failure", check.Conclusion)
	require.Len(t, pull.Threads, 2)
	was := map[string]string{}
	for _, thread := range pull.Threads {
		was[thread.Path] = fingerprintIn(t, thread.Comments[0].Body)
	}
	say := func(login, words string) {
		t.Helper()
		id, err := w.repo.Say(pull.Number, login, words)
		require.NoError(t, err)
		e, err := w.repo.CommentEvent(pull.Number, id)
		require.NoError(t, err)
		require.NoError(t, w.Deliver(t.Context(), e))
		w.settle()
	}
	say("lead", "/pullwarden ignore "+was["pay.go"]+" a public test account")
	require.Contains(t, w.check(pull.HeadSHA).Title, "1 blocking: Vulnerable")
	say("other", "/pullwarden ignore "+was["requirements.txt"]+" a demo")
	policy := "version: 1\nignore:\n  - {fingerprint: " + was["requirements.txt"] + ", reason: a demo, owner: '@acme/web', until: 2099-01-01}\n"
	_, err = w.repo.Commit("main", "Accept the other one", map[string]string{".github/pullwarden.yml": policy}, fakehub.At(time.Now()))
	require.NoError(t, err)
	w.deliver(pull.Number, "synchronize")
	w.settle()
	require.Equal(t, "success", w.check(pull.HeadSHA).Conclusion)

	restarted := func(present, before string) {
		t.Helper()
		require.NoError(t, w.Stop())
		w.Config.FingerprintKey, w.Config.OldFingerprintKey = present, before
		require.NoError(t, w.Start(t.Context()))
		w.deliver(pull.Number, "synchronize")
		w.settle()
	}
	bodies := func() (marks []string) {
		t.Helper()
		p, err := w.repo.Pull(pull.Number)
		require.NoError(t, err)
		require.Len(t, p.Threads, 2, "no comment is made anew")
		for _, thread := range p.Threads {
			_, mark, _ := strings.Cut(thread.Comments[0].Body, "<!-- pullwarden")
			marks = append(marks, mark)
		}
		return marks
	}
	const first, second = "the first key of the operator", "the second key of the operator"
	before := len(w.repo.CheckRuns(pull.HeadSHA))
	restarted(first, "")
	runs := w.repo.CheckRuns(pull.HeadSHA)[before:]
	require.Len(t, runs, 1)
	assert.Equal(t, "success", runs[0].Conclusion, "both exceptions hold, at once")
	bodies()
	named := was["requirements.txt"]
	renew := func() {
		t.Helper()
		_, next, told := strings.Cut(w.check(pull.HeadSHA).Summary, "in the exception of `@acme/web`, put `")
		require.True(t, told)
		policy = strings.Replace(policy, named, next[:32], 1)
		named = next[:32]
		_, err = w.repo.Commit("main", "Name it anew", map[string]string{".github/pullwarden.yml": policy}, fakehub.At(time.Now()))
		require.NoError(t, err)
	}
	renew()

	// The commands know the fingerprint of before.
	say("lead", "/pullwarden withdraw "+was["pay.go"])
	assert.Contains(t, w.check(pull.HeadSHA).Title, "1 blocking: Stripe")
	say("lead", "/pullwarden ignore "+was["pay.go"]+" for another reason")
	assert.Equal(t, "success", w.check(pull.HeadSHA).Conclusion)
	say("lead", "/pullwarden withdraw "+was["pay.go"])
	say("lead", "/pullwarden approve "+was["requirements.txt"])
	p, err := w.repo.Pull(pull.Number)
	require.NoError(t, err)
	assert.Contains(t, p.Comments[len(p.Comments)-1].Body, "Approved", "what was asked for with the key of before")
	say("lead", "/pullwarden withdraw "+was["requirements.txt"])
	signed := bodies()

	restarted(second, first)
	assert.Contains(t, w.check(pull.HeadSHA).Title, "1 blocking: Stripe")
	marks := bodies()
	assert.NotEqual(t, signed, marks, "what stands is signed with the present key")
	renew()
	restarted(second, second)
	assert.Contains(t, w.check(pull.HeadSHA).Title, "1 blocking: Stripe")
	bodies()

	// What was settled meanwhile is opened again, not said anew.
	_, err = w.repo.Commit("main", "Accept no more", map[string]string{".github/pullwarden.yml": "version: 1\n"})
	require.NoError(t, err)
	w.deliver(pull.Number, "synchronize")
	w.settle()
	assert.Contains(t, w.check(pull.HeadSHA).Title, "2 blocking")
	bodies()
	w.quiet()
}
