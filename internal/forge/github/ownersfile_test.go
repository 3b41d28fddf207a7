package github

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestOwnersFile(t *testing.T) {
	w, pass := clocked(t, Limits{}, nil)
	read := func() (string, error) {
		b, err := w.OwnersFile(t.Context(), w.repo, ".github", "pullwarden.yml")
		return string(b), err
	}
	_, err := read()
	require.ErrorIs(t, err, forge.ErrDenied, "there is no such repository, or we do not serve it")
	before := len(w.hub.Calls())
	_, err = w.OwnersFile(t.Context(), w.repo, ".github", "another.toml")
	require.ErrorIs(t, err, forge.ErrDenied)
	assert.Len(t, w.hub.Calls(), before, "nor is it asked for a token to another file of it")
	on, err := w.hub.AddRepo("octo-org", ".github")
	require.NoError(t, err)
	_, err = on.Commit("main", "Begin", map[string]string{"README": "x\n"})
	require.NoError(t, err)
	pass(time.Minute)
	_, err = read()
	require.ErrorIs(t, err, forge.ErrNotFound)

	_, err = on.Commit("main", "Set a floor", map[string]string{"pullwarden.yml": "version: 1\n"})
	require.NoError(t, err)
	assert.Zero(t, w.calls(func() { _, err = read(); require.ErrorIs(t, err, forge.ErrNotFound) }), "for a minute it is not asked again")
	pass(time.Minute)
	text, err := read()
	require.NoError(t, err)
	assert.Equal(t, "version: 1\n", text)
	assert.Contains(t, w.hub.Grants(), fakehub.Grant{Repositories: []string{"octo-org/.github"},
		Permissions: map[string]string{"contents": "read", "metadata": "read"}}, "a token for that repository alone")

	pass(time.Minute)
	w.hub.Fail(fakehub.Fault{Match: "GET */.github/contents/*", Status: 500})
	_, err = read()
	var busy *forge.BusyError
	require.ErrorAs(t, err, &busy, "trouble is not kept, and is not taken for no file")
	text, err = read()
	require.NoError(t, err)
	assert.Equal(t, "version: 1\n", text)
}
