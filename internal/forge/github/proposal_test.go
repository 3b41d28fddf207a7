package github

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

const upgradeBranch = "pullwarden/gomod/example.com-x"

func (w *world) proposal() forge.Proposal {
	return forge.Proposal{
		Branch: upgradeBranch, Base: "main", BaseSHA: w.on.Tip("main"),
		Title: "Upgrade example.com/x to v1.2.3", Body: "Fixes something.\n\nBecause.", Message: "Upgrade example.com/x\n\nFrom v1.2.2.\n",
		Labels: []string{"dependencies", "security"},
		Files:  map[string][]byte{"go.mod": []byte("module m\n"), "deep/er/f": {0xff, 0x00}},
	}
}

func (w *world) propose(p forge.Proposal) forge.PullRef {
	w.t.Helper()
	ref, err := w.PutProposal(w.t.Context(), w.repo, p)
	require.NoError(w.t, err)
	return ref
}

func TestProposal(t *testing.T) {
	w := newWorld(t, nil)
	p := w.proposal()
	ref := w.propose(p)
	got, err := w.on.Pull(ref.Number)
	require.NoError(t, err)
	assert.Equal(t, p.Title, got.Title)
	assert.Equal(t, p.Body, got.Body)
	assert.Equal(t, w.hub.Bot(), got.Author)
	assert.Equal(t, "main", got.Base)
	assert.Equal(t, upgradeBranch, got.Head)
	assert.ElementsMatch(t, p.Labels, got.Labels)
	for path, want := range p.Files {
		content, err := w.on.File(upgradeBranch, path)
		require.NoError(t, err)
		assert.Equal(t, want, content)
	}
	content, err := w.on.File(upgradeBranch, "a.txt")
	require.NoError(t, err)
	assert.Equal(t, before, string(content), "the rest stays")
	tip := w.on.Tip(upgradeBranch)
	assert.True(t, w.on.Verified(tip), "GitHub signed it")

	assert.Equal(t, ref, w.propose(p))
	assert.Equal(t, tip, w.on.Tip(upgradeBranch), "no new commit for nothing")

	list, err := w.Proposals(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Equal(t, map[string]forge.PullRef{upgradeBranch: ref}, list)
}

func TestProposalMovesOn(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.propose(w.proposal())
	w.commit("main", map[string]string{"z": "z\n"})
	p := w.proposal()
	p.Title, p.Body = "Upgrade example.com/x to v1.2.4", "Newer.\r\n"
	p.Labels = append(p.Labels, "Dependencies", strings.Repeat("l", 60))
	assert.Equal(t, ref, w.propose(p))
	got, err := w.on.Pull(ref.Number)
	require.NoError(t, err)
	assert.Equal(t, p.Title, got.Title)
	assert.Len(t, got.Labels, 3)
	content, err := w.on.File(upgradeBranch, "z")
	require.NoError(t, err)
	assert.Equal(t, "z\n", string(content), "it stands on the new base")
}

// Cut off anywhere, the next call ends as one call does.
func TestProposalReplay(t *testing.T) {
	for _, match := range []string{"POST /repos/*/git/trees", "POST /repos/*/git/commits", "POST /repos/*/git/refs",
		"POST /repos/*/pulls", "POST /repos/*/labels"} {
		w := newWorld(t, nil)
		w.hub.Fail(fakehub.Fault{Match: match, Lose: true})
		_, err := w.PutProposal(t.Context(), w.repo, w.proposal())
		var busy *forge.BusyError
		require.ErrorAs(t, err, &busy, match)
		ref := w.propose(w.proposal())
		var proposals int
		for _, p := range w.on.Pulls() {
			if p.Head == upgradeBranch {
				proposals++
				assert.Equal(t, ref.Number, p.Number)
				assert.Len(t, p.Labels, 2)
			}
		}
		assert.Equal(t, 1, proposals, match)
	}
}

// Somebody said no: that stays so.
func TestProposalClosed(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.propose(w.proposal())
	require.NoError(t, w.on.ClosePull(ref.Number))
	w.commit("main", map[string]string{"z": "z\n"})
	w.quiet(func() { assert.Equal(t, ref, w.propose(w.proposal())) })
	list, err := w.Proposals(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestProposalMerged(t *testing.T) {
	w := newWorld(t, nil)
	ref := w.propose(w.proposal())
	_, err := w.on.MergePull(ref.Number)
	require.NoError(t, err)
	p := w.proposal()
	p.Files["go.mod"] = []byte("module m // reverted\n")
	assert.NotEqual(t, ref, w.propose(p))
}

func TestProposalBranchOfOthers(t *testing.T) {
	denied := func(w *world) {
		t.Helper()
		tip := w.on.Tip(upgradeBranch)
		_, err := w.PutProposal(t.Context(), w.repo, w.proposal())
		assert.ErrorIs(t, err, forge.ErrDenied)
		assert.Equal(t, tip, w.on.Tip(upgradeBranch))
	}
	w := newWorld(t, nil)
	w.commit(upgradeBranch, map[string]string{"x": "x\n"})
	denied(w)

	w = newWorld(t, nil)
	w.propose(w.proposal())
	w.commit(upgradeBranch, map[string]string{"x": "a person's fix\n"}) // on top of ours
	denied(w)

	w = newWorld(t, nil)
	w.propose(w.proposal())
	ours, err := w.client(w.repo, grant{contents: read})
	require.NoError(t, err)
	tip, _, err := ours.Git.GetCommit(t.Context(), "octo-org", "shop", w.on.Tip(upgradeBranch))
	require.NoError(t, err)
	_, err = w.on.Commit(upgradeBranch, tip.GetMessage(), map[string]string{"x": "amended\n"}, fakehub.From(w.on.Tip("main")))
	require.NoError(t, err)
	denied(w) // the marker is ours, what it stands on is not
}

func TestProposalNeedsWriting(t *testing.T) {
	w := newWorld(t, map[string]string{"contents": "read", "pull_requests": "write", "checks": "write"})
	_, err := w.PutProposal(t.Context(), w.repo, w.proposal())
	assert.ErrorIs(t, err, forge.ErrDenied)
	assert.Empty(t, w.hub.Log())
}

func TestProposalOddFile(t *testing.T) {
	w := newWorld(t, nil)
	p := w.proposal()
	p.Files = map[string][]byte{"../x": nil}
	_, err := w.PutProposal(t.Context(), w.repo, p)
	assert.ErrorContains(t, err, `"../x"`)
	assert.Empty(t, w.on.Tip(upgradeBranch))
}

// The pull request of a person from a branch of that name is not ours.
func TestProposalsOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	list, err := w.Proposals(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Empty(t, list)
}
