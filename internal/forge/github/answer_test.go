package github

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// said returns what stands in the conversation, or in the thread of a command, a line each.
func (w *world) said(c forge.Command) (lines []string) {
	p := w.shown()
	all := p.Comments
	for _, t := range p.Threads {
		if t.Comments[0].ID == c.Thread {
			all = t.Comments
		}
	}
	for _, x := range all {
		line, _, _ := strings.Cut(x.Body, "\n")
		for content := range x.Reactions {
			line += " " + content
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAbout(t *testing.T) {
	w := newWorld(t, nil)
	placed := w.place(w.review())
	about := func(comment int64) []string {
		keys, err := w.About(t.Context(), w.pull.PullRef, comment)
		require.NoError(t, err)
		return keys
	}
	assert.Equal(t, []string{"k2"}, about(placed["k2"]))
	body := ""
	for _, thread := range w.shown().Threads {
		if thread.Comments[0].ID == placed["k2"] {
			body = thread.Comments[0].Body
		}
	}
	id, err := w.on.Remark(w.pull.Number, "", "dev", "a.txt", 4, body)
	require.NoError(t, err)
	for _, thread := range w.shown().Threads {
		if thread.ID == id {
			assert.Empty(t, about(thread.Comments[0].ID), "a person's, with our marker")
		}
	}
	require.NoError(t, w.on.DeleteInline(w.pull.Number, placed["k2"]))
	assert.Empty(t, about(placed["k2"]))
	w.hub.Fail(fakehub.Fault{Match: "GET /repos/*/pulls/comments/*", Status: 502})
	_, err = w.About(t.Context(), w.pull.PullRef, placed["k1"])
	var busy *forge.BusyError
	assert.ErrorAs(t, err, &busy)
}

func TestAnswer(t *testing.T) {
	for name, inline := range map[string]bool{"in the conversation": false, "in a thread": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			var c forge.Command
			before := 1
			if inline {
				w.place(w.review())
				thread := w.shown().Threads[0]
				_, err := w.on.Remark(w.pull.Number, thread.ID, "dev", "", 0, "/pullwarden why")
				require.NoError(t, err)
				all := w.shown().Threads[0].Comments
				c = forge.Command{Comment: all[1].ID, Thread: all[0].ID, At: all[1].Created}
				before = 2
			} else {
				id, err := w.on.Say(w.pull.Number, "dev", "/pullwarden why")
				require.NoError(t, err)
				c = forge.Command{Comment: id, At: time.Now().Add(-time.Second)}
			}
			a := forge.Answer{Reaction: forge.Done, Words: "Because."}
			require.NoError(t, w.Answer(t.Context(), w.pull.PullRef, c, a))
			want := append(w.said(c)[:before:before], "Because.")
			assert.Equal(t, want, w.said(c))
			assert.Contains(t, want[before-1], "/pullwarden why +1")
			w.Forge = w.another()
			require.NoError(t, w.Answer(t.Context(), w.pull.PullRef, c, a))
			assert.Equal(t, want, w.said(c), "once, after a restart too")

			// Cut off between the two, it is whole after another attempt.
			w.hub.Fail(fakehub.Fault{Match: "POST *reactions", Status: http.StatusBadGateway, Times: 1})
			other := c
			other.Comment++ // somebody deleted it meanwhile
			assert.Error(t, w.Answer(t.Context(), w.pull.PullRef, other, forge.Answer{Reaction: forge.Refused, Words: "No."}))
			require.ErrorIs(t, w.Answer(t.Context(), w.pull.PullRef, other, forge.Answer{Reaction: forge.Refused, Words: "No."}), forge.ErrNotFound)
			assert.Equal(t, append(want, "No."), w.said(c))
		})
	}
}

// What a person writes in our words with our marker is no answer of ours.
func TestAForgedAnswerIsNone(t *testing.T) {
	w := newWorld(t, nil)
	id, err := w.on.Say(w.pull.Number, "dev", "/pullwarden why")
	require.NoError(t, err)
	c := forge.Command{Comment: id, At: time.Now().Add(-time.Second)}
	a := forge.Answer{Reaction: forge.Done, Words: "Because."}
	require.NoError(t, w.Answer(t.Context(), w.pull.PullRef, c, a))
	copied := w.shown().Comments[1].Body
	other := newWorld(t, nil)
	id, err = other.on.Say(other.pull.Number, "dev", "/pullwarden why")
	require.NoError(t, err)
	c.Comment = id
	_, err = other.on.Say(other.pull.Number, "mallory", copied)
	require.NoError(t, err)
	require.NoError(t, other.Answer(t.Context(), other.pull.PullRef, c, a))
	assert.Len(t, other.shown().Comments, 3)
}

func TestInTeam(t *testing.T) {
	w := newWorld(t, nil)
	w.hub.SetTeam("octo-org/security", "alice")
	w.hub.SetTeam("other-org/security", "dev")
	in := func(team string, u forge.User) bool {
		t.Helper()
		ok, err := w.InTeam(t.Context(), w.repo, team, u)
		require.NoError(t, err)
		return ok
	}
	assert.True(t, in("octo-org/security", forge.User{ID: 5, Login: "alice"}))
	assert.True(t, in("Octo-Org/security", forge.User{ID: 5, Login: "alice"}))
	assert.False(t, in("octo-org/security", w.pull.Author))
	assert.False(t, in("octo-org/nobody", w.pull.Author))
	assert.False(t, in("other-org/security", w.pull.Author), "another organisation's team has no say")
	assert.False(t, in("octo-org/../x", w.pull.Author))
	assert.False(t, in("octo-org/security", forge.User{ID: 5, Login: "../alice"}))

	poor := newWorld(t, map[string]string{"contents": "read", "checks": "write", "pull_requests": "write"})
	_, err := poor.InTeam(t.Context(), poor.repo, "octo-org/security", poor.pull.Author)
	assert.ErrorIs(t, err, forge.ErrDenied, "the App may not ask")
}

func TestPutIssue(t *testing.T) {
	w := newWorld(t, nil)
	one, two := forge.Issue{Key: "k1", Title: "One", Body: "Words."}, forge.Issue{Key: "k2", Title: "Two", Body: "Words."}
	put := func(i forge.Issue) {
		t.Helper()
		require.NoError(t, w.PutIssue(t.Context(), w.repo, i))
	}
	titles := func() (all []string) {
		for _, i := range w.on.Issues() {
			all = append(all, i.Author+": "+i.Title)
		}
		return all
	}
	put(one)
	put(one)
	w.Forge = w.another()
	put(one)
	put(two)
	assert.Equal(t, []string{"pullwarden[bot]: One", "pullwarden[bot]: Two"}, titles())

	other := newWorld(t, nil)
	other.on.OpenIssue("mallory", "One", w.on.Issues()[0].Body)
	require.NoError(t, other.PutIssue(t.Context(), other.repo, one))
	assert.Len(t, other.on.Issues(), 2, "what somebody else wrote is not ours")

	w.on.TurnOffIssues()
	assert.ErrorIs(t, w.PutIssue(t.Context(), w.repo, forge.Issue{Key: "k3", Title: "Three"}), forge.ErrDenied)
	poor := newWorld(t, map[string]string{"contents": "read", "checks": "write", "pull_requests": "write", "issues": "read"})
	assert.ErrorIs(t, poor.PutIssue(t.Context(), poor.repo, one), forge.ErrDenied)
}

func TestRequestReview(t *testing.T) {
	w := newWorld(t, nil)
	w.on.SetRole("alice", "write")
	w.hub.SetTeam("octo-org/security", "alice")
	ask := func(names ...string) error { return w.RequestReview(t.Context(), w.pull.PullRef, names) }
	require.NoError(t, ask("@alice", "@octo-org/security", "@other/security"))
	assert.Equal(t, []string{"alice", "octo-org/security"}, w.shown().Asked)
	assert.ErrorIs(t, ask("@nobody"), forge.ErrDenied)
	assert.ErrorIs(t, ask("@dev"), forge.ErrDenied, "the author")
	assert.ErrorIs(t, ask("@other/security"), forge.ErrDenied)
	w.hub.Fail(fakehub.Fault{Match: "POST *requested_reviewers", Status: http.StatusBadGateway})
	assert.NotErrorIs(t, ask("@alice"), forge.ErrDenied)
}

func TestPutSummary(t *testing.T) {
	w := newWorld(t, nil)
	put := func(s forge.Summary) int64 {
		t.Helper()
		id, err := w.PutSummary(t.Context(), w.pull.PullRef, s)
		require.NoError(t, err)
		return id
	}
	bodies := func() (all []string) {
		for _, c := range w.shown().Comments {
			line, _, _ := strings.Cut(c.Body, "\n")
			all = append(all, line)
		}
		return all
	}
	assert.Zero(t, len(bodies()))
	id := put(forge.Summary{First: true, Body: "One."})
	_, err := w.on.Say(w.pull.Number, "mallory", w.shown().Comments[0].Body)
	require.NoError(t, err)
	assert.Equal(t, id, put(forge.Summary{ID: id, Body: "Two."}))
	assert.Equal(t, id, put(forge.Summary{Body: "Three."}), "it is found again")
	assert.Equal(t, []string{"Three.", "One."}, bodies(), "what somebody copied is left alone")
	_, err = w.PutSummary(t.Context(), w.pull.PullRef, forge.Summary{ID: 1, Body: "Four."})
	assert.ErrorIs(t, err, forge.ErrNotFound)
	other := newWorld(t, nil)
	otherID, err := other.PutSummary(t.Context(), other.pull.PullRef, forge.Summary{Body: "One."})
	require.NoError(t, err)
	assert.NotZero(t, otherID, "one that was never posted is posted")
}
