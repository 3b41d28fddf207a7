package load_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullSize is how many bytes a pull_request payload of GitHub's has. Most of
// them are addresses, which stand three times for the repository alone.
const fullSize = 24_000

// A delivery is what GitHub posts. Each time it is sent it has another id.
type delivery struct {
	event string
	body  []byte
}

// example is a payload of GitHub's, cut down to what we read.
func example(tb testing.TB) map[string]any {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "forge", "github", "hook", "testdata", "pull_request.synchronize.json"))
	require.NoError(tb, err)
	return unmarshal(tb, b)
}

func unmarshal(tb testing.TB, b []byte) map[string]any {
	tb.Helper()
	var v map[string]any
	require.NoError(tb, json.Unmarshal(b, &v))
	return v
}

// full is a payload with what GitHub sends beside what we read, of full size.
func full(tb testing.TB, payload map[string]any) []byte {
	tb.Helper()
	addresses(payload)
	b, err := json.Marshal(payload)
	require.NoError(tb, err)
	if pull, ok := payload["pull_request"].(map[string]any); ok && len(b) < fullSize {
		pull["body"] = strings.Repeat("What it does, and why. ", (fullSize-len(b))/23+1)
		b, err = json.Marshal(payload)
		require.NoError(tb, err)
	}
	require.InDelta(tb, fullSize, len(b), fullSize/4)
	return b
}

// addresses puts them into all repositories and accounts in v.
func addresses(v any) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, below := range object {
		addresses(below)
	}
	var parts, of string
	if name, ok := object["full_name"]; ok {
		of = fmt.Sprintf("https://api.github.example/repos/%v", name)
		parts = "archive assignees blobs branches collaborators comments commits compare contents contributors deployments " +
			"downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages " +
			"merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees"
	} else if login, ok := object["login"]; ok {
		of = fmt.Sprintf("https://api.github.example/users/%v", login)
		parts = "avatar events followers following gists organizations received_events repos starred subscriptions"
	}
	for _, part := range strings.Fields(parts) {
		if object[part+"_url"] == nil {
			object[part+"_url"] = of + "/" + part + "{/sha}"
		}
	}
}

// over returns base with what is in more, field by field.
func over(base, more map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		below, ok := out[k].(map[string]any)
		if m, is := v.(map[string]any); is && ok {
			v = over(below, m)
		}
		out[k] = v
	}
	return out
}

// These stand in a form for the numbers that tell subjects apart.
const number, repository = 7_700_077, 8_800_088

// A form makes the payloads of many distinct subjects.
type form delivery

// pullForm tells of pushes to pull requests.
func pullForm(tb testing.TB) form {
	return form{"pull_request", full(tb, over(example(tb), map[string]any{
		"number": number, "pull_request": map[string]any{"number": number},
		"repository": map[string]any{"id": repository}, "installation": map[string]any{"id": 3},
	}))}
}

// renameForm tells of repositories that got another name, which is work that
// needs no call to GitHub. It is as large as the other.
func renameForm(tb testing.TB) form {
	return form{"repository", full(tb, over(example(tb), map[string]any{
		"action": "renamed", "repository": map[string]any{"id": repository, "name": "repository-" + strconv.Itoa(repository)},
		"changes":      map[string]any{"repository": map[string]any{"name": map[string]any{"from": "old"}}},
		"installation": map[string]any{"id": 3},
	}))}
}

// nth is the delivery about the n-th subject. Two have the same repository.
func (f form) nth(n int) delivery {
	body := bytes.ReplaceAll(f.body, []byte(strconv.Itoa(number)), []byte(strconv.Itoa(n+1)))
	return delivery{f.event, bytes.ReplaceAll(body, []byte(strconv.Itoa(repository)), []byte(strconv.Itoa(1_000_000+n/2)))}
}
