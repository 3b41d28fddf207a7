package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func (w *world) inspector() *Inspector {
	w.t.Helper()
	i, err := NewInspector(w.opts)
	require.NoError(w.t, err)
	return i
}

func TestInspectApp(t *testing.T) {
	w := newWorld(t, nil)
	app, err := w.inspector().App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{int64(7), "pullwarden", "pullwarden"}, []any{app.ID, app.Slug, app.Owner})
	assert.Equal(t, w.url+"/settings/apps/pullwarden", app.SettingsPage)
	w.hub.Organize("pullwarden")
	app, err = w.inspector().App(t.Context())
	require.NoError(t, err)
	assert.Equal(t, w.url+"/organizations/pullwarden/settings/apps/pullwarden/permissions", app.PermissionsPage)
	assert.Equal(t, w.url+"/organizations/pullwarden/settings/apps/pullwarden/advanced", app.DeliveriesPage)
}

func TestInspectRefused(t *testing.T) {
	w := newWorld(t, nil)
	direct := httptest.NewServer(w.hub) // the proxy of the contract would object
	t.Cleanup(direct.Close)
	other := w.opts
	other.AppID, other.APIURL = 8, direct.URL
	i, err := NewInspector(other)
	require.NoError(t, err)
	_, err = i.App(t.Context())
	assert.ErrorIs(t, err, forge.ErrNotFound, "another App's id")
	w.hub.Fail(fakehub.Fault{Match: "GET /app", Status: 401, Body: `{"message": "A JSON web token could not be decoded"}`})
	_, err = w.inspector().App(t.Context())
	require.ErrorIs(t, err, forge.ErrDenied)
	assert.ErrorContains(t, err, "could not be decoded")
}

func TestInspectInstallations(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 120 {
		_, err := w.hub.AddRepo(fmt.Sprintf("acme-%03d", n), "x")
		require.NoError(t, err)
	}
	w.hub.Ask(map[string]string{"contents": "write", "checks": "write", "pull_requests": "write", "merge_queues": "read", "packages": "read"}, nil)
	require.NoError(t, w.hub.Suspend("octo-org"))
	i := w.inspector()
	all, more, err := i.Installations(t.Context(), 200)
	require.NoError(t, err)
	assert.Len(t, all, 121, "both pages")
	assert.False(t, more)
	last := all[len(all)-1]
	assert.Equal(t, "octo-org", last.Account)
	assert.WithinDuration(t, time.Now(), last.Suspended, time.Minute)
	assert.True(t, all[0].Suspended.IsZero())
	assert.NotContains(t, all[0].Permissions, "packages", "what was not accepted")
	assert.Equal(t, "write", all[0].Permissions["contents"])
	assert.True(t, strings.HasSuffix(all[0].Page, fmt.Sprintf("/settings/installations/%d", all[0].ID)), all[0].Page)

	some, more, err := i.Installations(t.Context(), 120)
	require.NoError(t, err)
	assert.Len(t, some, 120)
	assert.True(t, more)
}

func TestInspectHook(t *testing.T) {
	w := newWorld(t, nil)
	i := w.inspector()
	_, err := i.Hook(t.Context())
	assert.ErrorIs(t, err, forge.ErrNotFound)
	w.hub.SetHook(fakehub.Hook{URL: "https://bot.example/api/github/hook", ContentType: "json", Insecure: true})
	hook, err := i.Hook(t.Context())
	require.NoError(t, err)
	assert.Equal(t, forge.Hook{URL: "https://bot.example/api/github/hook", ContentType: "json", Insecure: true}, hook, "the hub has no secret")
}

func TestInspectAttempts(t *testing.T) {
	w := newWorld(t, nil)
	answer := http.StatusInternalServerError
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(answer) }))
	t.Cleanup(receiver.Close)
	i := w.inspector()
	none, err := i.Attempts(t.Context())
	require.NoError(t, err)
	assert.Empty(t, none)

	first, err := w.hub.Deliver(t.Context(), receiver.URL, w.hub.PingEvent())
	require.NoError(t, err)
	answer = http.StatusAccepted
	require.NoError(t, i.Redeliver(t.Context(), first.ID))
	require.NoError(t, w.hub.Close()) // waits for it
	got, err := i.Attempts(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []any{202, true, first.GUID, "ping", "Accepted"}, []any{got[0].Status, got[0].Again, got[0].Delivery, got[0].Event, got[0].Words})
	assert.Equal(t, []any{500, false, first.GUID, first.ID}, []any{got[1].Status, got[1].Again, got[1].Delivery, got[1].ID})
	assert.WithinDuration(t, time.Now(), got[0].At, time.Minute)
	assert.ErrorIs(t, i.Redeliver(t.Context(), 1), forge.ErrNotFound)
}

func TestInspectAllowance(t *testing.T) {
	w := newWorld(t, nil)
	i := w.inspector()
	got, err := i.Allowance(t.Context(), w.repo.Installation)
	require.NoError(t, err)
	assert.Equal(t, 5000, got.Limit)
	assert.Positive(t, got.Left)
	assert.WithinDuration(t, time.Now().Add(time.Hour), got.Reset, 2*time.Minute)
	require.NoError(t, i.GraphQL(t.Context(), w.repo.Installation))
	assert.Contains(t, w.hub.Grants(), fakehub.Grant{Permissions: map[string]string{"metadata": "read"}})
	assert.Len(t, w.hub.Grants(), 2, "one of the test's own set-up, and one for both questions")

	require.NoError(t, w.hub.Suspend("octo-org"))
	_, err = w.inspector().Allowance(t.Context(), w.repo.Installation)
	require.ErrorIs(t, err, forge.ErrDenied)
	assert.ErrorContains(t, err, "suspended")
}

func TestInspectRepositories(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 104 {
		_, err := w.hub.AddRepo("octo-org", fmt.Sprintf("r-%03d", n))
		require.NoError(t, err)
	}
	i := w.inspector()
	few, total, err := i.Repositories(t.Context(), w.repo.Installation, 3)
	require.NoError(t, err)
	assert.Len(t, few, 3)
	assert.Equal(t, 105, total)
	all, _, err := i.Repositories(t.Context(), w.repo.Installation, 1000)
	require.NoError(t, err)
	require.Len(t, all, 105, "both pages")
	assert.Contains(t, all, w.repo)
	assert.True(t, slices.IsSortedFunc(all, func(a, b forge.Repo) int { return strings.Compare(a.Name, b.Name) }))
}

func TestInspectGit(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.inspector().Git(t.Context(), w.repo))
	w.hub.Fail(fakehub.Fault{Match: "GET /octo-org/shop.git/info/refs", Status: 502})
	assert.ErrorContains(t, w.inspector().Git(t.Context(), w.repo), "502")
	w.hub.Fail(fakehub.Fault{Match: "GET /octo-org/shop.git/info/refs", Status: 200, Body: "<html>sign in"})
	assert.ErrorContains(t, w.inspector().Git(t.Context(), w.repo), "not git")
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(elsewhere.Close)
	w.hub.Fail(fakehub.Fault{Match: "GET /octo-org/shop.git/info/refs", Status: 302, Header: map[string]string{"Location": elsewhere.URL}})
	assert.Error(t, w.inspector().Git(t.Context(), w.repo))
	assert.False(t, asked, "the token stays here")
	odd := w.repo
	odd.Name = "../x"
	assert.ErrorIs(t, w.inspector().Git(t.Context(), odd), forge.ErrNotFound)
}
