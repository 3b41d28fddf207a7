package github

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Where another bot has said it, ours stays in the check; a person's words, or
// a bot's about something else, stop nothing.
func TestAnotherBotHasSaidIt(t *testing.T) {
	w := newWorld(t, nil)
	r := w.review()
	r.Comments[0].Names = map[string][]string{"k1": {"GHSA-1234-5678-9abc", "CVE-2026-0001"}}
	r.Comments[1].Names = map[string][]string{"k2": {"CVE-2026-0002"}} // at lines 5 and 6
	r.Comments[2].Names = map[string][]string{"k3": {"CVE-2026-0003"}}
	for _, said := range []struct {
		author, path string
		line         int
		body         string
	}{
		{"scout[bot]", "a.txt", 4, "Vulnerable: cve-2026-0001 (see the advisory)"},
		{"dev", "a.txt", 5, "CVE-2026-0002 does not touch us"},
		{"scout[bot]", "a.txt", 6, "CVE-2026-00021"},
		{"scout[bot]", "a.txt", 4, "CVE-2026-0003"},
	} {
		_, err := w.on.Remark(w.pull.Number, "", said.author, said.path, said.line, said.body)
		require.NoError(t, err)
	}
	assert.ElementsMatch(t, []string{"k2", "k3"}, keys(w.place(r)))
	assert.ElementsMatch(t, []string{"k2", "k3"}, w.open())
	r.Seen = w.look()
	w.quiet(func() {
		placed, err := w.PutReview(t.Context(), w.pull, r)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"k2", "k3"}, keys(placed))
	})
}

// Who wrote in a thread gets a line in answer when it is settled, once.
func TestAPersonGetsAnAnswer(t *testing.T) {
	for name, permissions := range map[string]map[string]string{
		"resolved": nil,
		"edited":   {"contents": "read", "checks": "write", "pull_requests": "write"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, permissions)
			w.place(w.review())
			_, err := w.on.Remark(w.pull.Number, w.shown().Threads[0].ID, "dev", "", 0, "On it.")
			require.NoError(t, err)
			w.place(without(w.review(), "k1", "k2"))
			w.quiet(func() { w.place(without(w.review(), "k1", "k2")) })
			threads := w.shown().Threads
			require.Len(t, threads[0].Comments, 3)
			assert.Equal(t, "Fixed in abc1234.", threads[0].Comments[2].Body)
			assert.Equal(t, w.hub.Bot(), threads[0].Comments[2].Author)
			assert.Len(t, threads[1].Comments, 1, "nobody wrote here")
			assert.Equal(t, permissions == nil, threads[0].Resolved)
		})
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"CVE-2026-1234": true, "(cve-2026-1234)": true, "x CVE-2026-12345": false, "CVE-2026-12345 and CVE-2026-1234.": true,
		"XCVE-2026-1234": false, "": false, "CVE-2026-1234-x": false,
	} {
		assert.Equal(t, want, mentions(text, "CVE-2026-1234"), text)
	}
	assert.False(t, mentions("anything", ""))
}
