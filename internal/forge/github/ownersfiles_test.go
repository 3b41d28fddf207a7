package github

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestOwnersFiles(t *testing.T) {
	w, pass := clocked(t, Limits{}, nil)
	read := func() (policy, rules forge.File) {
		t.Helper()
		files := w.OwnersFiles(t.Context(), w.repo, ".github", "pullwarden.yml", "rules.toml")
		require.Len(t, files, 2)
		return files["pullwarden.yml"], files["rules.toml"]
	}
	policy, rules := read()
	require.ErrorIs(t, policy.Err, forge.ErrDenied, "there is no such repository, or we do not serve it")
	require.ErrorIs(t, rules.Err, forge.ErrDenied)
	on, err := w.hub.AddRepo("octo-org", ".github")
	require.NoError(t, err)
	pass(time.Minute)
	policy, _ = read()
	require.ErrorIs(t, policy.Err, forge.ErrNotFound, "it is empty")
	_, err = on.Commit("main", "Set a floor", map[string]string{"pullwarden.yml": "version: 1\n"})
	require.NoError(t, err)
	assert.Zero(t, w.calls(func() { policy, _ = read() }), "for a minute it is not asked again")
	require.ErrorIs(t, policy.Err, forge.ErrNotFound)
	pass(time.Minute)
	assert.Equal(t, 1, w.calls(func() { policy, rules = read() }), "one call for all")
	assert.Equal(t, forge.File{Text: []byte("version: 1\n")}, policy)
	assert.ErrorIs(t, rules.Err, forge.ErrNotFound)
	assert.Contains(t, w.hub.Grants(), fakehub.Grant{Repositories: []string{"octo-org/.github"},
		Permissions: map[string]string{"contents": "read", "metadata": "read"}}, "a token for that repository alone")

	pass(time.Minute)
	w.hub.Fail(fakehub.Fault{Match: "POST *graphql", Status: 500})
	policy, rules = read()
	var busy *forge.BusyError
	require.ErrorAs(t, policy.Err, &busy, "trouble is not kept, and is not taken for no file")
	require.ErrorAs(t, rules.Err, &busy)
	policy, _ = read()
	assert.Equal(t, "version: 1\n", string(policy.Text))

	// What is no plain text is asked for as REST does.
	_, err = on.Commit("main", "Set another", map[string]string{"pullwarden.yml": strings.Repeat("x", 1<<20), "rules.toml/a": "x"})
	require.NoError(t, err)
	pass(time.Minute)
	policy, rules = read()
	assert.Len(t, policy.Text, 1<<20)
	var irregular *forge.IrregularError
	assert.ErrorAs(t, rules.Err, &irregular)

	w.hub.Remove(on)
	pass(time.Minute)
	policy, _ = read()
	assert.ErrorIs(t, policy.Err, forge.ErrDenied, "what we are no longer shown is not taken for no file")
}
