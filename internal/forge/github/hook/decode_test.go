package hook

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/forge"
)

var received = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// payloadFile returns a real payload after edits: pairs of path and value.
func payloadFile(t *testing.T, name string, edits ...any) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	for i := 0; i < len(edits); i += 2 {
		if b, err = sjson.SetBytes(b, edits[i].(string), edits[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestDecode(t *testing.T) {
	repo := forge.Repo{ID: 186853002, Installation: 1, Owner: "Codertocat", Name: "Hello-World", Default: "master"}
	sender := forge.User{ID: 21031067, Login: "Codertocat"}
	changed := forge.Event{Kind: forge.PullChanged, Repo: repo, Number: 2,
		SHA: "ec26c3e57ca3a959ca5aad62de7213c562f8c821", Sender: sender, Installation: 1}
	closed := changed
	closed.Kind = forge.PullClosed
	run := forge.Event{Kind: forge.CheckAsked, SHA: "d6fde92930d4715a2b49857d24b940956b26d2d3", Sender: forge.User{ID: 5346, Login: "octocat"},
		Repo: forge.Repo{ID: 526, Installation: 1, Owner: "github", Name: "hello-world", Default: "master"}, Installation: 1}
	runOf := run
	runOf.Number = 7
	pressed := runOf
	pressed.Kind, pressed.Button = forge.ButtonPressed, "rerun"
	account := forge.User{ID: 21031067, Login: "Codertocat"}
	listed := []forge.Repo{{ID: 186853002, Installation: 957387, Owner: "Codertocat", Name: "Hello-World"}}
	moved := func(how string) forge.Event {
		return forge.Event{Kind: forge.RepositoryMoved, Repo: repo, Sender: sender, Moved: how, Installation: 1}
	}
	suite := forge.Event{Kind: forge.CheckAsked, SHA: "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", Sender: sender, Installation: 957387,
		Repo: forge.Repo{ID: 186853002, Installation: 957387, Owner: "Codertocat", Name: "Hello-World", Default: "master"}}
	pulls := func(ids ...int) []map[string]any {
		var out []map[string]any
		for i, id := range ids {
			out = append(out, map[string]any{"number": 7 + i, "base": map[string]any{"repo": map[string]any{"id": id}}})
		}
		return out
	}
	remark := func(body string, edits ...any) []byte {
		return payloadFile(t, "issue_comment.created", append([]any{"comment.body", body, "installation.id", 1, "issue.number", 2, "issue.pull_request.url", "u"}, edits...)...)
	}
	said := func(thread int64, words string) *forge.Event {
		return &forge.Event{Kind: forge.Commanded, Repo: repo, Number: 2, Sender: sender, Installation: 1, Command: forge.Command{
			Comment: 492700400, Thread: thread, Words: words, At: time.Date(2019, 5, 15, 15, 20, 21, 0, time.UTC)}}
	}
	for _, c := range []struct {
		name, event string
		body        []byte
		want        *forge.Event // nil: none of our business
	}{
		{"opened", "pull_request", payloadFile(t, "pull_request.opened"), &changed},
		{"pushed to", "pull_request", payloadFile(t, "pull_request.synchronize"), &changed},
		{"reopened", "pull_request", payloadFile(t, "pull_request.opened", "action", "reopened"), &changed},
		{"ready", "pull_request", payloadFile(t, "pull_request.opened", "action", "ready_for_review"), &changed},
		{"new base", "pull_request", payloadFile(t, "pull_request.opened", "action", "edited", "changes.base.ref.from", "old"), &changed},
		{"new title", "pull_request", payloadFile(t, "pull_request.opened", "action", "edited", "changes.title.from", "old"), nil},
		{"closed", "pull_request", payloadFile(t, "pull_request.closed"), &closed},
		{"labeled", "pull_request", payloadFile(t, "pull_request.opened", "action", "labeled"), nil},
		{"fork gone", "pull_request", payloadFile(t, "pull_request.opened", "pull_request.head.repo", nil), &changed},
		{"group", "merge_group", payloadFile(t, "merge_group.checks_requested"), &forge.Event{Kind: forge.GroupAsked,
			SHA: "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d", Base: "380387fbc80638b734a49e1be1c4dfec1c01b33c",
			Repo:   forge.Repo{ID: 17273051, Installation: 1, Owner: "octo-org", Name: "octo-repo", Default: "main"},
			Sender: forge.User{ID: 21031067, Login: "Codertocat"}, Installation: 1}},
		{"group gone", "merge_group", payloadFile(t, "merge_group.checks_requested", "action", "destroyed"), nil},
		{"another check", "check_run", payloadFile(t, "check_run.rerequested"), nil},
		{"our check, of a fork", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden"), &run},
		{"our check", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "check_run.pull_requests", pulls(526)), &runOf},
		{"a part of our check", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden / secret", "check_run.pull_requests", pulls(526)), &runOf},
		{"a check with our name in it", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden-secret", "check_run.pull_requests", pulls(526)), nil},
		{"our check, two pulls", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "check_run.pull_requests", pulls(526, 526)), &run},
		{"our check, pull elsewhere", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "check_run.pull_requests", pulls(1)), &run},
		{"our check made", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "action", "created"), nil},
		{"button", "check_run", payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "action", "requested_action",
			"requested_action.identifier", "rerun", "check_run.pull_requests", pulls(526)), &pressed},
		{"button of another check", "check_run", payloadFile(t, "check_run.rerequested", "action", "requested_action",
			"requested_action.identifier", "rerun"), nil},
		{"suite asked", "check_suite", payloadFile(t, "check_suite.requested", "action", "rerequested"), &suite},
		{"suite made", "check_suite", payloadFile(t, "check_suite.requested"), nil},
		{"push", "push", payloadFile(t, "push.branch"), &forge.Event{Kind: forge.DefaultPushed, Repo: repo,
			SHA: "6113728f27ae82c7b1a177c8d03f9e96e0adf246", Sender: sender, Installation: 1}},
		{"push elsewhere", "push", payloadFile(t, "push.branch", "ref", "refs/heads/topic"), nil},
		{"push of a tag", "push", payloadFile(t, "push.branch", "ref", "refs/tags/master"), nil},
		{"branch deleted", "push", payloadFile(t, "push.branch", "deleted", true), nil},
		{"installed", "installation", payloadFile(t, "installation.created"), &forge.Event{Kind: forge.Installed, Installation: 957387,
			Account: account, Contents: "write", Added: listed, Sender: sender}},
		{"unsuspended", "installation", payloadFile(t, "installation.created", "action", "unsuspend"), &forge.Event{Kind: forge.Installed,
			Installation: 957387, Account: account, Contents: "write", Added: listed, Sender: sender}},
		{"permissions", "installation", payloadFile(t, "installation.created", "action", "new_permissions_accepted"), &forge.Event{
			Kind: forge.Installed, Installation: 957387, Account: account, Contents: "write", Added: listed, Sender: sender}},
		{"uninstalled", "installation", payloadFile(t, "installation.created", "action", "deleted"), &forge.Event{Kind: forge.Uninstalled,
			Installation: 957387, Account: account, Contents: "write", Removed: listed, Sender: sender}},
		{"suspended", "installation", payloadFile(t, "installation.created", "action", "suspend"), &forge.Event{Kind: forge.Uninstalled,
			Installation: 957387, Account: account, Contents: "write", Removed: listed, Sender: sender}},
		{"repository added", "installation_repositories", payloadFile(t, "installation.created", "action", "added",
			"repositories", nil, "repositories_added.0", map[string]any{"id": 5, "name": "b", "full_name": "octo-org/b"}),
			&forge.Event{Kind: forge.Installed, Installation: 957387, Account: account, Contents: "write", Sender: sender,
				Added: []forge.Repo{{ID: 5, Installation: 957387, Owner: "octo-org", Name: "b"}}}},
		{"repository removed", "installation_repositories", payloadFile(t, "installation.created", "action", "removed",
			"repositories", nil, "repositories_removed.0", map[string]any{"id": 5, "name": "b", "full_name": "octo-org/b"}),
			&forge.Event{Kind: forge.Installed, Installation: 957387, Account: account, Contents: "write", Sender: sender,
				Removed: []forge.Repo{{ID: 5, Installation: 957387, Owner: "octo-org", Name: "b"}}}},
		{"renamed", "repository", payloadFile(t, "pull_request.opened", "action", "renamed"), p(moved("renamed"))},
		{"transferred", "repository", payloadFile(t, "pull_request.opened", "action", "transferred"), p(moved("transferred"))},
		{"archived", "repository", payloadFile(t, "pull_request.opened", "action", "archived"), nil},
		{"command", "issue_comment", remark("/pullwarden  ignore not ours \r\nmore"), said(0, "ignore not ours")},
		{"our name alone", "issue_comment", remark("\n/pullwarden"), said(0, "")},
		{"command of an issue", "issue_comment", remark("/pullwarden help", "issue.pull_request", nil), nil},
		{"command in a thread", "pull_request_review_comment", remark("/pullwarden why", "comment.in_reply_to_id", 41,
			"pull_request.number", 2, "pull_request.head.sha", changed.SHA), func() *forge.Event { e := said(41, "why"); e.SHA = changed.SHA; return e }()},
		{"long command", "issue_comment", remark("/pullwarden ignore " + strings.Repeat("é", 400)), said(0, "ignore "+strings.Repeat("é", 246))},
		{"edited command", "issue_comment", remark("/pullwarden help", "action", "edited"), nil},
		{"quoted command", "issue_comment", remark("> /pullwarden help"), nil},
		{"command in a code block", "issue_comment", remark("    /pullwarden help"), nil},
		{"command in a fence", "issue_comment", remark("```\n/pullwarden help\n```"), nil},
		{"command further down", "issue_comment", remark("Please do:\n/pullwarden help"), nil},
		{"hidden command", "issue_comment", remark("<!--\n/pullwarden help\n-->"), nil},
		{"longer word", "issue_comment", remark("/pullwardens help"), nil},
		{"command of a bot", "issue_comment", remark("/pullwarden help", "sender.type", "Bot"), nil},
		{"command that another wrote", "issue_comment", remark("/pullwarden help", "comment.user.id", 5), nil},
		{"ping", "ping", payloadFile(t, "ping"), &forge.Event{Kind: forge.Pinged, Sender: sender,
			Repo: forge.Repo{ID: 186853261, Owner: "Octocoders", Name: "Hello-World", Default: "master"}}},
		{"unknown", "star", []byte(`{"action":"created"}`), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok, err := Decode(c.event, "d-1", c.body, received)
			require.NoError(t, err)
			if c.want == nil {
				assert.False(t, ok)
				assert.Zero(t, got)
				return
			}
			require.True(t, ok)
			assert.True(t, got.Kind == forge.Pinged || Wants(c.event, gjson.GetBytes(c.body, "action").String()), "it is not asked for again")
			want := *c.want
			want.Delivery, want.Received = "d-1", received
			assert.Equal(t, want, got)
		})
	}
}

func TestWhatIsNotAskedForAgain(t *testing.T) {
	for event, actions := range map[string][]string{
		"check_run": {"created", "completed"}, "check_suite": {"requested", "completed"}, "pull_request": {"labeled", ""},
		"repository": {"archived", "unarchived"}, "merge_group": {"destroyed"}, "ping": {""}, "star": {"created"},
	} {
		for _, action := range actions {
			assert.False(t, Wants(event, action), "%s.%s", event, action)
		}
	}
}

func p[T any](v T) *T { return &v }

func TestDecodeRefusesEventsWithoutSubject(t *testing.T) {
	for name, body := range map[string][]byte{
		"repository":   payloadFile(t, "pull_request.opened", "repository", nil),
		"number":       payloadFile(t, "pull_request.opened", "pull_request.number", 0),
		"head":         payloadFile(t, "pull_request.opened", "pull_request.head.sha", ""),
		"installation": payloadFile(t, "pull_request.opened", "installation", nil),
		"number type":  payloadFile(t, "pull_request.opened", "pull_request.number", "two"),
		"no object":    []byte(`[]`),
	} {
		_, _, err := Decode("pull_request", "d-1", body, received)
		assert.Error(t, err, name)
	}
	pressed := payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden", "action", "requested_action", "sender", nil)
	_, _, err := Decode("check_run", "d-1", pressed, received)
	assert.ErrorContains(t, err, "sender")
}

func TestDecodeOfAnotherApp(t *testing.T) {
	body := payloadFile(t, "check_run.rerequested", "check_run.name", "pullwarden")
	_, ok, err := decode("check_run", "d-1", body, received, 2)
	require.NoError(t, err)
	assert.True(t, ok)
	_, ok, err = decode("check_run", "d-1", body, received, 3)
	require.NoError(t, err)
	assert.False(t, ok)
}

// The manifests and Decode say the same of which events there are, and the
// permissions are those that GITHUB.md's table allows.
func TestManifests(t *testing.T) {
	type manifest struct {
		Events      []string          `yaml:"default_events"`
		Permissions map[string]string `yaml:"default_permissions"`
	}
	load := func(name string) (m manifest) {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", name))
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(b, &m))
		return m
	}
	full, reduced := load("app.yml"), load("app.no-upgrades.yml")

	unasked := []string{"installation", "installation_repositories", "ping"}
	all := append(slices.Clone(full.Events), unasked...)
	slices.Sort(all)
	assert.Equal(t, Events(), all)
	assert.Equal(t, Events(), slices.Sorted(slices.Values(Events())), "sorted")
	assert.Equal(t, slices.DeleteFunc(slices.Clone(full.Events), func(e string) bool { return e == "push" }), reduced.Events)

	assert.Equal(t, map[string]string{"metadata": "read", "contents": "write", "checks": "write", "pull_requests": "write", "merge_queues": "read", "issues": "write", "members": "read"}, full.Permissions)
	want := map[string]string{"metadata": "read", "contents": "read", "checks": "write", "pull_requests": "write", "merge_queues": "read", "issues": "write", "members": "read"}
	assert.Equal(t, want, reduced.Permissions)

	writer := load("app.writer.yml")
	assert.Empty(t, writer.Events, "deliveries are the first App's")
	assert.Equal(t, map[string]string{"metadata": "read", "contents": "write", "pull_requests": "write"}, writer.Permissions)

	// Every event of the manifest has an action that Decode understands.
	samples := map[string][]byte{
		"check_run":                   payloadFile(t, "check_run.rerequested", "check_run.name", forge.CheckName),
		"check_suite":                 payloadFile(t, "check_suite.requested", "action", "rerequested"),
		"merge_group":                 payloadFile(t, "merge_group.checks_requested"),
		"pull_request":                payloadFile(t, "pull_request.opened"),
		"issue_comment":               payloadFile(t, "issue_comment.created", "comment.body", "/pullwarden help", "installation.id", 1, "issue.pull_request.url", "u"),
		"pull_request_review_comment": payloadFile(t, "issue_comment.created", "comment.body", "/pullwarden help", "installation.id", 1, "pull_request.number", 2),
		"push":                        payloadFile(t, "push.branch"),
		"repository":                  payloadFile(t, "pull_request.opened", "action", "renamed"),
	}
	for _, event := range full.Events {
		_, ok, err := Decode(event, "d", samples[event], received)
		assert.True(t, ok && err == nil, event)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		event, _, _ := strings.Cut(filepath.Base(name), ".")
		f.Add(event, b)
	}
	f.Add("push", []byte(`{"ref":"refs/heads/","repository":{"id":-1}}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		e, ok, err := Decode(event, "d", body, received)
		if ok && err == nil && e.Kind != forge.Pinged && e.Installation <= 0 {
			t.Fatalf("%s without an installation: %+v", event, e)
		}
	})
}
