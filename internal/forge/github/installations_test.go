package github

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestInstallations(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.hub.AddRepo("acme", "site")
	require.NoError(t, err)
	require.NoError(t, w.hub.Suspend("acme"))
	list, err := w.Installations(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, []any{w.hub.Installation("acme"), "acme", true, true}, []any{list[0].ID, list[0].Account, !list[0].Suspended.IsZero(), list[0].All})
	assert.Equal(t, []any{w.repo.Installation, "octo-org", false}, []any{list[1].ID, list[1].Account, !list[1].Suspended.IsZero()})
	assert.NotZero(t, list[0].AccountID)
	assert.WithinDuration(t, time.Now(), list[0].Created, time.Minute)

	there, err := w.Installed(t.Context(), list[0].ID)
	require.NoError(t, err)
	assert.True(t, there, "suspended is not gone")
	w.hub.Uninstall("acme")
	there, err = w.Installed(t.Context(), list[0].ID)
	require.NoError(t, err)
	assert.False(t, there)
	w.hub.Fail(fakehub.Fault{Match: "GET /app/installations/*", Status: http.StatusBadGateway})
	_, err = w.Installed(t.Context(), list[0].ID)
	assert.Error(t, err, "nobody knows is not gone")
}

// The token that lists repositories is for all of them and reads metadata: the
// one exception from a token for one repository.
func TestRepositories(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 100 { // two pages
		_, err := w.hub.AddRepo("octo-org", fmt.Sprintf("more-%d", i))
		require.NoError(t, err)
	}
	_, err := w.hub.AddRepo("acme", "site")
	require.NoError(t, err)
	w.on.Archive(true)
	before := len(w.hub.Grants())
	list, err := w.Repositories(t.Context(), w.repo.Installation)
	require.NoError(t, err)
	require.Len(t, list, 101)
	shop := list[len(list)-1]
	assert.Equal(t, w.repo, shop.Repo)
	assert.True(t, shop.ReadOnly)
	assert.Equal(t, 1, shop.Open)
	assert.False(t, list[0].ReadOnly)
	assert.WithinDuration(t, time.Now(), shop.Pushed, time.Minute)
	assert.WithinDuration(t, time.Now(), shop.Created, time.Minute)

	require.Len(t, w.hub.Grants(), before+1)
	all := 0
	for _, g := range w.hub.Grants() {
		if g.Repositories == nil {
			all++
			assert.Equal(t, map[string]string{"metadata": "read"}, g.Permissions)
		}
	}
	assert.Equal(t, 1, all)

	_, err = w.Repositories(t.Context(), 0)
	require.ErrorIs(t, err, forge.ErrNotFound)
	require.NoError(t, w.hub.Suspend("octo-org"))
	_, err = w.another().Repositories(t.Context(), w.repo.Installation)
	assert.ErrorIs(t, err, forge.ErrDenied)
}

func TestNoTokenForAllRepositoriesButToListThem(t *testing.T) {
	w := newWorld(t, nil)
	before := len(w.hub.Grants())
	_, err := w.tokens.get(t.Context(), tokenKey{installation: w.repo.Installation, grant: grant{pulls: read}}, "")
	require.ErrorIs(t, err, forge.ErrDenied)
	assert.Len(t, w.hub.Grants(), before)
}

func TestOpenPulls(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 101 { // two pages
		branch := fmt.Sprintf("more-%d", i)
		require.NoError(t, w.on.Reset(branch, w.pull.HeadSHA))
		_, err := w.on.OpenPull("More", "", "main", branch, "dev")
		require.NoError(t, err)
	}
	require.NoError(t, w.on.ClosePull(2))
	list, err := w.OpenPulls(t.Context(), w.repo)
	require.NoError(t, err)
	require.Len(t, list, 101)
	assert.Equal(t, w.pull, list[0])
	assert.Equal(t, 102, list[100].Number)

	w.on.Rename("store") // and another one takes the name
	_, err = w.hub.AddRepo("octo-org", "shop")
	require.NoError(t, err)
	_, err = w.OpenPulls(t.Context(), w.repo)
	assert.Error(t, err)
}

func TestChecked(t *testing.T) {
	w := newWorld(t, nil)
	is := func(want bool, why string) {
		t.Helper()
		got, err := w.Checked(t.Context(), w.repo, w.pull.HeadSHA)
		require.NoError(t, err)
		assert.Equal(t, want, got, why)
	}
	is(false, "there is none")
	w.on.AddForeignCheck(w.pull.HeadSHA, 8, fakehub.CheckRun{Name: forge.CheckName, Status: "completed", Conclusion: "success"})
	is(false, "it is another App's")
	w.opts.HTTP = &http.Client{Transport: unfiltered{}}
	w.Forge = w.another()
	is(false, "also if GitHub does not choose for us")
	w.check(underWay())
	is(false, "it is under way")
	w.check(outcome("d1", forge.Failure))
	is(true, "")
	again := underWay()
	again.Again = true
	w.check(again)
	is(false, "the newest one counts")
}

// unfiltered asks GitHub for the check runs of all Apps.
type unfiltered struct{}

func (unfiltered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	q := r.URL.Query()
	q.Del("app_id")
	r.URL.RawQuery = q.Encode()
	return http.DefaultTransport.RoundTrip(r)
}

func TestMayWrite(t *testing.T) {
	w := newWorld(t, nil)
	may := func(u forge.User) bool {
		t.Helper()
		ok, err := w.MayWrite(t.Context(), w.repo, u)
		require.NoError(t, err)
		return ok
	}
	dev := w.pull.Author
	for role, want := range map[string]bool{"admin": true, "maintain": true, "write": true, "triage": false, "read": false, "none": false} {
		w.on.SetRole("dev", role)
		assert.Equal(t, want, may(dev), role)
	}
	w.on.SetRole("dev", "write")
	assert.False(t, may(forge.User{ID: dev.ID + 1, Login: "dev"}), "the name was somebody else's when the button was pressed")
	assert.False(t, may(forge.User{ID: 5, Login: "nobody"}))
	assert.False(t, may(forge.User{ID: 5, Login: "../../../app"}))
	assert.False(t, may(forge.User{ID: 5, Login: ""}))
	w.hub.Fail(fakehub.Fault{Match: "GET *permission", Status: http.StatusBadGateway})
	_, err := w.MayWrite(t.Context(), w.repo, dev)
	assert.Error(t, err)
}

func TestDeliveries(t *testing.T) {
	w := newWorld(t, nil)
	began := time.Now().Add(-time.Second).Truncate(time.Second)
	receiver := newReceiver(t)
	e, err := w.on.PullEvent(1, "opened")
	require.NoError(t, err)
	var sent []string
	for range 103 { // two pages
		d, err := w.hub.Miss(receiver.url, e, 502)
		require.NoError(t, err)
		sent = append(sent, d.GUID)
	}
	lost, err := w.hub.Miss(receiver.url, e, 0)
	require.NoError(t, err)
	list, err := w.Deliveries(t.Context(), began)
	require.NoError(t, err)
	require.Len(t, list, 104)
	assert.Equal(t, forge.Attempt{ID: lost.ID, Delivery: lost.GUID, Event: "pull_request", Action: "opened", At: list[0].At, Words: list[0].Words}, list[0])
	assert.True(t, list[0].Failed(), "no answer is a failure too")
	assert.WithinDuration(t, time.Now(), list[0].At, time.Minute)
	assert.Equal(t, []any{sent[0], 502}, []any{list[103].Delivery, list[103].Status})
	none, err := w.Deliveries(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	assert.Empty(t, none)

	require.NoError(t, w.Redeliver(t.Context(), lost.ID))
	require.Eventually(t, func() bool { return len(receiver.got()) == 1 }, 10*time.Second, 5*time.Millisecond)
	assert.Equal(t, []string{lost.GUID}, receiver.got())
	require.ErrorIs(t, w.Redeliver(t.Context(), 1), forge.ErrNotFound)
	w.hub.Fail(fakehub.Fault{Match: "GET /app/hook/deliveries", Status: http.StatusBadGateway, Skip: 1})
	_, err = w.Deliveries(t.Context(), began)
	require.Error(t, err, "half a list is none")
	for _, c := range w.hub.Calls() {
		if strings.HasPrefix(c.Path, "/app/hook/") {
			assert.NotContains(t, c.Query, "status=")
		}
	}
}

func TestCheckButtons(t *testing.T) {
	w := newWorld(t, nil)
	c := outcome("d1", forge.Neutral)
	c.Actions = []forge.Action{
		{Label: "Re-run", Description: "Look at this change again", Identifier: "rerun"},
		{Label: strings.Repeat("ä", 30), Description: strings.Repeat("ö", 50), Identifier: "b"},
		{Label: "c", Description: "c", Identifier: "c"}, {Label: "d", Description: "d", Identifier: "d"},
	}
	w.check(underWay())
	w.check(c)
	run := w.runs()[0]
	require.Len(t, run.Actions, 3, "GitHub takes no more")
	assert.Equal(t, fakehub.Action{Label: "Re-run", Description: "Look at this change again", Identifier: "rerun"}, run.Actions[0])
	assert.Equal(t, strings.Repeat("ä", 19)+"…", run.Actions[1].Label)

	c.Digest, c.Actions = "d2", c.Actions[:1] // a run that is made completed has them as well
	w.check(c)
	assert.Len(t, w.runs()[1].Actions, 1)
}

// What is left under way is completed; what stands is left alone.
func TestCheckLeftover(t *testing.T) {
	w := newWorld(t, nil)
	left := outcome("left", forge.Neutral)
	left.Leftover = true
	w.quiet(func() { assert.Zero(t, w.check(left), "there is none") })
	id := w.check(underWay())
	assert.Equal(t, id, w.check(left))
	assert.Equal(t, "neutral", w.runs()[0].Conclusion)
	w.check(outcome("d1", forge.Failure))
	w.quiet(func() { w.check(left) })
	assert.Len(t, w.runs(), 2)
	assert.Equal(t, "failure", w.runs()[1].Conclusion)
}
