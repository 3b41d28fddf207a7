package github

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestRequired(t *testing.T) {
	w := newWorld(t, nil)
	required := func() []forge.RequiredCheck {
		t.Helper()
		got, err := w.inspector().Required(t.Context(), w.repo)
		require.NoError(t, err)
		return got
	}
	assert.Empty(t, required())
	w.on.Require(fakehub.Requirement{Branch: "main", Check: "build", App: 7})
	w.on.Require(fakehub.Requirement{Branch: "topic", Check: "pullwarden", App: 7})
	assert.Empty(t, required(), "another check, another branch")

	w.on.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", App: 7})
	w.on.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", Organization: true})
	w.on.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", App: 15368, Classic: true})
	w.on.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", Classic: true})
	got := required()
	require.Len(t, got, 4)
	assert.Equal(t, []int64{7, 0, 15368, 0}, []int64{got[0].App, got[1].App, got[2].App, got[3].App})
	assert.Regexp(t, `/octo-org/shop/settings/rules/\d+$`, got[0].Page)
	assert.Regexp(t, `/organizations/octo-org/settings/rules/\d+$`, got[1].Page)
	assert.Equal(t, w.url+"/octo-org/shop/settings/branches", got[2].Page)
	for _, g := range w.hub.Grants() {
		for name, level := range g.Permissions {
			assert.True(t, level == "read" && name != "administration", "%s: %s", name, level)
		}
	}
}

func TestRequiredOnAllPages(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 60 { // two rules each
		w.on.Require(fakehub.Requirement{Branch: "main", Check: fmt.Sprintf("build-%d", n)})
	}
	w.on.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", App: 7})
	got, err := w.inspector().Required(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Len(t, got, 1)
}

func TestRequiredInAnEmptyRepository(t *testing.T) {
	w := newWorld(t, nil)
	empty, err := w.hub.AddRepo("octo-org", "empty")
	require.NoError(t, err)
	got, err := w.inspector().Required(t.Context(), forge.Repo{ID: empty.ID(), Installation: w.repo.Installation, Owner: "octo-org", Name: "empty", Default: "main"})
	require.NoError(t, err)
	assert.Empty(t, got)
}

// A private repository on a plan without rules has none; anything else that is
// refused is not taken for "nothing is required".
func TestRequiredWithoutRules(t *testing.T) {
	w := newWorld(t, nil)
	const rules = "GET /repos/octo-org/shop/rules/branches/main"
	w.hub.Fail(fakehub.Fault{Match: rules, Status: 403, Body: `{"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."}`})
	got, err := w.inspector().Required(t.Context(), w.repo)
	require.NoError(t, err)
	assert.Empty(t, got)
	w.hub.Fail(fakehub.Fault{Match: rules, Status: 403, Body: `{"message": "Resource not accessible by integration"}`})
	_, err = w.inspector().Required(t.Context(), w.repo)
	assert.ErrorIs(t, err, forge.ErrDenied)
	w.hub.Fail(fakehub.Fault{Match: "GET /repos/octo-org/shop/branches/main", Status: 500})
	_, err = w.inspector().Required(t.Context(), w.repo)
	assert.Error(t, err)
}
