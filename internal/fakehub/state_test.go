package fakehub

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hub that was saved goes on as it was, with the same ids and commits.
func TestSaveAndLoad(t *testing.T) {
	h, err := New(Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	r, err := h.AddRepo("acme", "shop")
	require.NoError(t, err)
	_, err = r.Commit("main", "Begin", map[string]string{"a.txt": "one\n"})
	require.NoError(t, err)
	_, err = r.Commit("topic", "Change", map[string]string{"a.txt": "one\ntwo\nthree\n"})
	require.NoError(t, err)
	n, err := r.OpenPull("A change", "", "main", "topic", "dev")
	require.NoError(t, err)
	thread, err := r.Remark(n, "", "dev", "a.txt", 2, "here")
	require.NoError(t, err)
	_, err = r.Remark(n, thread, "lead", "", 0, "and there")
	require.NoError(t, err)
	require.NoError(t, r.Resolve(n, thread, "lead"))
	_, err = r.Say(n, "dev", "a word")
	require.NoError(t, err)
	text, err := h.Save()
	require.NoError(t, err)

	again, err := New(Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, again.Close()) })
	require.NoError(t, again.Load(text))
	same, err := again.Repo("acme", "shop")
	require.NoError(t, err)
	assert.Equal(t, r.ID(), same.ID())
	assert.Equal(t, h.Installation("acme"), again.Installation("acme"))
	assert.JSONEq(t, asJSON(t, r.Pulls()), asJSON(t, same.Pulls()))
	assert.Equal(t, r.Tip("topic"), same.Tip("topic"))
	resaved, err := again.Save()
	require.NoError(t, err)
	assert.JSONEq(t, string(text), string(resaved))
	for _, on := range []*Repo{r, same} {
		sha, err := on.Commit("topic", "Go on", map[string]string{"a.txt": "one\nzero\ntwo\nthree\n"})
		require.NoError(t, err)
		assert.Equal(t, r.Tip("topic"), sha)
		p, err := on.Pull(n)
		require.NoError(t, err)
		assert.Equal(t, 3, p.Threads[0].Line)
	}
}

func asJSON(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
