package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An upstream is a repository with a pull request, as a host has it: topic adds
// a key to main in two commits, main went on, and merge is the host's merge of both.
type upstream struct {
	repository
	old, main, first, topic, merge string
}

func newUpstream(t *testing.T) upstream {
	u := upstream{repository: newRepository(t, map[string]string{"README": "The shop.\n"})}
	u.old = u.git("rev-parse", "HEAD")
	u.git("checkout", "-q", "-b", "topic")
	u.commit("Pay", map[string]string{"pay.go": withSecret()})
	u.first = u.git("rev-parse", "HEAD")
	u.commit("Say so", map[string]string{"README.topic": "It takes cards.\n"})
	u.topic = u.git("rev-parse", "HEAD")
	u.git("checkout", "-q", "main")
	u.commit("License", map[string]string{"LICENSE": "Free.\n"})
	u.main = u.git("rev-parse", "HEAD")
	u.git("checkout", "-q", "--detach", "main")
	u.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
	u.merge = u.git("rev-parse", "HEAD")
	u.git("update-ref", "refs/pull/1/merge", u.merge)
	u.git("checkout", "-q", "main")
	u.git("config", "uploadpack.allowAnySHA1InWant", "true")
	u.git("config", "uploadpack.allowFilter", "true")
	return u
}

// clone clones u with args.
func (u upstream) clone(args ...string) repository {
	r := repository{u.t, filepath.Join(u.t.TempDir(), "clone")}
	u.git(slices.Concat([]string{"clone", "-q"}, args, []string{"file://" + u.dir, r.dir})...)
	return r
}

// checkout is what CI systems do: a commit fetched to some depth, and its files.
func (u upstream) checkout(commit string, depth int) repository {
	r := repository{u.t, u.t.TempDir()}
	r.git("init", "-q", "-b", "x")
	r.git("remote", "add", "origin", "file://"+u.dir)
	r.git("fetch", "-q", "--no-tags", fmt.Sprint("--depth=", depth), "origin", "+"+commit+":refs/remotes/pull/1/merge")
	r.git("checkout", "-q", "--detach", commit)
	return r
}

// full is that with all of the history and all branches.
func (u upstream) full(commit string) repository {
	r := repository{u.t, u.t.TempDir()}
	r.git("init", "-q", "-b", "x")
	r.git("remote", "add", "origin", "file://"+u.dir)
	r.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", "+"+commit+":refs/remotes/pull/1/merge")
	r.git("checkout", "-q", "--detach", commit)
	return r
}

// event writes the file that GITHUB_EVENT_PATH names.
func event(t *testing.T, payload map[string]any) string {
	t.Helper()
	b, err := json.Marshal(payload)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "event.json")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func (u upstream) pullRequest(base string) map[string]any {
	return map[string]any{
		"pull_request": map[string]any{"base": map[string]any{"ref": base, "sha": u.git("rev-parse", base)}, "head": map[string]any{"ref": "topic", "sha": u.topic}},
		"repository":   map[string]any{"default_branch": "main"},
	}
}

var onlySecrets = []string{"scan", "--only", "secrets"}

// TestScanWithoutABase: each of these adds a key, or nothing is known of it. None may pass.
func TestScanWithoutABase(t *testing.T) {
	u := newUpstream(t)
	for name, c := range map[string]struct {
		repo repository
		args []string
		want []string
	}{
		"a clone of depth 1": {u.clone("--depth=1", "--branch=topic"), nil,
			[]string{"neither main nor master", "git fetch --unshallow", "--base REV"}},
		"the checkout of a merge, depth 1": {u.checkout(u.merge, 1), nil,
			[]string{"neither main nor master", "git fetch --unshallow", "--base REV"}},
		"a shallow clone whose ends do not meet": {func() repository {
			r := u.clone("--depth=1", "--branch=topic")
			r.git("fetch", "-q", "--depth=1", "origin", "main:main")
			return r
		}(), nil, []string{"the clone is shallow", "git fetch --unshallow"}},
		"a base that the shallow clone lacks": {u.clone("--depth=1", "--branch=topic"), []string{"--base", "main"},
			[]string{`no revision "main" in this clone`, "git fetch --unshallow"}},
		"a default branch of another name": {func() repository {
			r := u.clone("--branch=topic")
			r.git("branch", "-q", "trunk", "origin/main")
			r.git("remote", "set-head", "origin", "--delete")
			r.git("update-ref", "-d", "refs/remotes/origin/main")
			return r
		}(), nil, []string{"neither main nor master", "git remote set-head origin --auto", "--base REV"}},
		"the tip of the default branch": {u.clone(), nil, []string{"adds nothing to main, and nothing is staged", "--all", "--base REV"}},
		"a work tree where nothing is staged": {func() repository {
			r := u.clone()
			r.write(map[string]string{"pay.go": withSecret()})
			return r
		}(), nil, []string{"nothing is staged", "run `git add` to have files scanned that are not staged (1)"}},
		"a repository without commits": {func() repository {
			r := repository{t, t.TempDir()}
			r.git("init", "-q")
			return r
		}(), nil, []string{"the repository has no commit, and nothing is staged"}},
		"a partial clone": {u.clone("--filter=blob:none", "--no-checkout", "--branch=topic"), []string{"--head", "HEAD"},
			[]string{"the clone is partial (--filter)", "git fetch --refetch --no-filter"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := call(t, c.repo.dir, nil, append(onlySecrets, c.args...)...)
			assert.Equal(t, 2, code, out)
			assert.Empty(t, out)
			for _, want := range c.want {
				assert.Contains(t, errs, want)
			}
		})
	}
}

// What a person asked for may be nothing.
func TestScanOfNoChanges(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	for _, args := range [][]string{{"--base", "main"}, {"--base", "HEAD"}, {"--staged"}} {
		code, out, errs := call(t, r.dir, nil, append(onlySecrets, args...)...)
		assert.Zero(t, code, errs)
		assert.Contains(t, out, "pass: No changes. Scanned 0 of 0 blobs", args)
	}
}

// TestScanInCI: in a clone that has the base, what the CI system tells is used.
func TestScanInCI(t *testing.T) {
	u := newUpstream(t)
	u.git("branch", "trunk", "main")
	push := func(branch, before string) string {
		return event(t, map[string]any{"ref": "refs/heads/" + branch, "before": before, "after": u.topic, "repository": map[string]any{"default_branch": "main"}})
	}
	zero := strings.Repeat("0", 40)
	for name, c := range map[string]struct {
		repo    repository
		env     map[string]string
		base    string // "" if nothing is told and the default branch counts
		commits int
	}{
		"GitHub: the merge of a pull request": {u.full(u.merge), map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": event(t, u.pullRequest("main"))}, u.main, 3},
		"GitHub: its base alone":              {u.full(u.merge), map[string]string{"GITHUB_BASE_REF": "main"}, u.main, 3},
		"GitHub: without the file":            {u.full(u.merge), map[string]string{"GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": "/nowhere"}, u.main, 3},
		"GitHub: the head of a pull request":  {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": event(t, u.pullRequest("main"))}, u.old, 2},
		"GitHub: another base than main":      {u.full(u.merge), map[string]string{"GITHUB_BASE_REF": "trunk", "GITHUB_EVENT_PATH": event(t, u.pullRequest("trunk"))}, u.main, 3},
		"GitHub: a merge queue": {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": event(t, map[string]any{
			"merge_group": map[string]any{"base_sha": u.old, "base_ref": "refs/heads/main"}})}, u.old, 2},
		"GitHub: a push to a branch":             {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": push("topic", u.first)}, u.old, 2},
		"GitHub: a push to a new branch":         {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": push("topic", zero)}, u.old, 2},
		"GitHub: a push after a rebase":          {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": push("topic", strings.Repeat("5", 40))}, u.old, 2},
		"GitHub: a push to the default branch":   {u.full(u.topic), map[string]string{"GITHUB_EVENT_PATH": push("main", u.old)}, u.old, 2},
		"GitLab: a merge request":                {u.full(u.topic), map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": u.old, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_BEFORE_SHA": zero, "CI_DEFAULT_BRANCH": "main"}, u.old, 2},
		"GitLab: of which the branch is missing": {u.checkout(u.topic, 3), map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": u.old, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, u.old, 2},
		"GitLab: merged results":                 {u.full(u.merge), map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": u.old, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": u.main, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, u.main, 3},
		"GitLab: a branch":                       {u.full(u.topic), map[string]string{"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": u.first, "CI_COMMIT_BRANCH": "topic", "CI_DEFAULT_BRANCH": "main"}, u.old, 2},
		"GitLab: the default branch":             {u.full(u.topic), map[string]string{"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": u.old, "CI_COMMIT_BRANCH": "topic", "CI_DEFAULT_BRANCH": "topic"}, u.old, 2},
		"Bitbucket":                              {u.full(u.topic), map[string]string{"BITBUCKET_PR_DESTINATION_COMMIT": u.main[:12], "BITBUCKET_PR_DESTINATION_BRANCH": "main"}, u.old, 2},
		"Azure":                                  {u.checkout(u.merge, 4), map[string]string{"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main", "SYSTEM_PULLREQUEST_SOURCECOMMITID": u.topic}, u.main, 3},
		"Buildkite":                              {u.full(u.topic), map[string]string{"BUILDKITE": "true", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "trunk"}, u.old, 2},
		"Jenkins":                                {u.full(u.topic), map[string]string{"CHANGE_TARGET": "trunk"}, u.old, 2},
		"Travis":                                 {u.full(u.merge), map[string]string{"TRAVIS": "true", "TRAVIS_PULL_REQUEST": "1", "TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST_SHA": u.topic}, u.main, 3},
		"Travis: a push":                         {u.full(u.topic), map[string]string{"TRAVIS": "true", "TRAVIS_PULL_REQUEST": "false", "TRAVIS_BRANCH": "topic", "TRAVIS_COMMIT_RANGE": u.old + "..." + u.topic}, u.old, 2},
		"Drone":                                  {u.full(u.topic), map[string]string{"DRONE": "true", "DRONE_PULL_REQUEST": "1", "DRONE_TARGET_BRANCH": "main"}, u.old, 2},
		"Woodpecker":                             {u.full(u.topic), map[string]string{"CI": "woodpecker", "CI_COMMIT_PULL_REQUEST": "1", "CI_COMMIT_TARGET_BRANCH": "main", "CI_COMMIT_BRANCH": "main", "CI_REPO_DEFAULT_BRANCH": "main"}, u.old, 2},
		"Prow":                                   {u.full(u.topic), map[string]string{"PULL_NUMBER": "1", "PULL_BASE_REF": "main", "PULL_BASE_SHA": u.main}, u.old, 2},
		"a CI system that tells nothing":         {u.full(u.topic), map[string]string{"CIRCLECI": "true"}, "", 2},
		"GitLab: a first push":                   {u.full(u.topic), map[string]string{"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": zero, "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := call(t, c.repo.dir, c.env, append(onlySecrets, "--format", "json")...)
			require.Equal(t, 1, code, out+errs)
			var doc struct {
				Scanned struct{ Commits int }
				Notices []string
			}
			require.NoError(t, json.Unmarshal([]byte(out), &doc))
			assert.Equal(t, c.commits, doc.Scanned.Commits)
			told := slices.ContainsFunc(doc.Notices, func(n string) bool { return strings.HasPrefix(n, "Compared with ") })
			assert.Equal(t, c.base != "", told, doc.Notices)
			if c.base == "" {
				return
			}
			code, out, _ = call(t, c.repo.dir, nil, append(onlySecrets, "--format", "json", "--base", c.base)...)
			require.Equal(t, 1, code)
			commits := doc.Scanned.Commits
			require.NoError(t, json.Unmarshal([]byte(out), &doc))
			assert.Equal(t, commits, doc.Scanned.Commits, "as if the base had been named")
		})
	}
}

// TestScanOfCICommitsThatAreNotThere: a clear message, never a pass.
func TestScanOfCICommitsThatAreNotThere(t *testing.T) {
	u := newUpstream(t)
	gone := strings.Repeat("12", 20)
	pull := u.pullRequest("main")
	pull["pull_request"].(map[string]any)["base"] = map[string]any{"ref": "main", "sha": gone}
	for name, c := range map[string]struct {
		env  map[string]string
		want []string
	}{
		"GitHub: a pull request": {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": event(t, pull)},
			[]string{"GitHub Actions says that the change is based on main, which is not in this clone", "`fetch-depth: 0`", "git fetch --unshallow", "--base REV"}},
		"GitHub: the base alone":  {map[string]string{"GITHUB_BASE_REF": "main"}, []string{"based on main", "`fetch-depth: 0`"}},
		"GitHub: a push":          {map[string]string{"GITHUB_EVENT_PATH": event(t, map[string]any{"ref": "refs/heads/main", "before": gone, "repository": map[string]any{"default_branch": "main"}})}, []string{"based on 1212121", "`fetch-depth: 0`"}},
		"GitHub: no event":        {map[string]string{"GITHUB_EVENT_PATH": "/nowhere/event.json"}, []string{"/nowhere/event.json", "--base REV"}},
		"GitHub: no JSON":         {map[string]string{"GITHUB_EVENT_PATH": filepath.Join(u.dir, "README")}, []string{"README", "--base REV"}},
		"GitLab: a merge request": {map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": gone, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, []string{"GitLab CI/CD says", "1212121", "`GIT_DEPTH: 0`"}},
		"GitLab: a branch":        {map[string]string{"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": gone, "CI_COMMIT_BRANCH": "topic", "CI_DEFAULT_BRANCH": "main"}, []string{"based on main", "`GIT_DEPTH: 0`"}},
		"GitLab: no commit":       {map[string]string{"CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD"}, []string{"based on HEAD"}},
		"Bitbucket":               {map[string]string{"BITBUCKET_PR_DESTINATION_COMMIT": gone[:12]}, []string{"1212121", "clone: {depth: full}"}},
		"Azure":                   {map[string]string{"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"}, []string{"based on main", "`fetchDepth: 0`"}},
		"Jenkins":                 {map[string]string{"CHANGE_TARGET": "main"}, []string{"based on main", "git fetch --unshallow"}},
		"Buildkite":               {map[string]string{"BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"}, []string{"based on main", "git fetch --unshallow"}},
		"CircleCI":                {map[string]string{"CIRCLECI": "true"}, []string{"neither main nor master", "git fetch --unshallow"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := u.checkout(u.merge, 1)
			code, out, errs := call(t, r.dir, c.env, onlySecrets...)
			assert.Equal(t, 2, code, out)
			assert.Empty(t, out)
			for _, want := range c.want {
				assert.Contains(t, errs, want)
			}
			code, _, _ = call(t, r.dir, c.env, append(onlySecrets, "--all")...)
			assert.Equal(t, 1, code, "the whole tree needs no base")
		})
	}
	// Where nothing was cut, there is nothing to unshallow.
	_, _, errs := call(t, u.full(u.topic).dir, map[string]string{"CHANGE_TARGET": "nothing"}, onlySecrets...)
	assert.Contains(t, errs, "based on nothing, which is not in this clone; run `git fetch origin ")
}

// TestScanOfAMergeOfDepth2: the first parent is the base. Of the commits of
// the pull request only the last is here, so a pass is out of the question.
func TestScanOfAMergeOfDepth2(t *testing.T) {
	u := newUpstream(t)
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": event(t, u.pullRequest("main"))}
	r := u.checkout(u.merge, 2)
	code, out, errs := call(t, r.dir, env, onlySecrets...)
	assert.Equal(t, 1, code, errs)
	assert.Contains(t, out, "pay.go:3")
	assert.Contains(t, out, "note: Compared with the first parent of the merge commit ("+u.main[:7]+"), as GitHub Actions says.")

	u.git("checkout", "-q", "topic")
	u.commit("Take it out", map[string]string{"pay.go": "package pay\n"})
	u.topic = u.git("rev-parse", "HEAD")
	u.git("checkout", "-q", "--detach", "main")
	u.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
	u.merge = u.git("rev-parse", "HEAD")
	u.git("update-ref", "refs/pull/1/merge", u.merge)
	env["GITHUB_EVENT_PATH"] = event(t, u.pullRequest("main"))
	r = u.checkout(u.merge, 2)
	code, out, _ = call(t, r.dir, env, onlySecrets...)
	assert.Equal(t, 2, code, out)
	assert.Contains(t, out, "the clone is shallow and lacks its parent")
	assert.Contains(t, out, "incomplete: ")
	code, out, _ = call(t, u.full(u.merge).dir, env, onlySecrets...)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "only in history")
}

// TestScanPolicyOfAShallowClone: what a change brings is never its own judge.
func TestScanPolicyOfAShallowClone(t *testing.T) {
	u := newUpstream(t)
	lenient := map[string]string{".github/pullwarden.yml": "version: 1\nblock: never\n"}
	for name, c := range map[string]struct {
		on     string // branch that has the lenient policy
		base   string // of the pull request
		args   []string
		code   int
		notice string
	}{
		"of the change":                {"topic", "main", nil, 1, "policy and markers are those of "},
		"of the default branch":        {"main", "main", nil, 0, "policy and markers are those of "},
		"of another base":              {"trunk", "trunk", nil, 1, "the built-in policy holds"},
		"of the change, all":           {"topic", "main", []string{"--all"}, 1, "the built-in policy holds"},
		"of another base that I named": {"trunk", "trunk", []string{"--base", "HEAD^1"}, 0, "policy and markers are those of "},
	} {
		t.Run(name, func(t *testing.T) {
			u := u
			u.repository = u.repository.copy()
			u.git("branch", "-f", "trunk", "main")
			u.git("checkout", "-q", c.on)
			u.commit("Be lenient", lenient)
			u.topic = u.git("rev-parse", "topic")
			u.git("checkout", "-q", "--detach", c.base)
			u.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
			merge := u.git("rev-parse", "HEAD")
			env := map[string]string{"GITHUB_BASE_REF": c.base, "GITHUB_EVENT_PATH": event(t, u.pullRequest(c.base))}
			code, out, errs := call(t, u.checkout(merge, 4).dir, env, append(onlySecrets, c.args...)...)
			assert.Equal(t, c.code, code, out+errs)
			assert.Contains(t, out, c.notice)
		})
	}
}

// copy is a copy of r.
func (r repository) copy() repository {
	to := repository{r.t, r.t.TempDir()}
	require.NoError(r.t, os.CopyFS(to.dir, os.DirFS(r.dir)))
	return to
}

// TestScanWhereGitSays: hooks and GIT_DIR name another repository or index
// than the directory does; --repo names another repository than a hook's.
func TestScanWhereGitSays(t *testing.T) {
	u := newUpstream(t)
	u.git("checkout", "-q", "topic")
	elsewhere := t.TempDir()
	code, out, errs := call(t, elsewhere, map[string]string{"GIT_DIR": filepath.Join(u.dir, ".git"), "GIT_WORK_TREE": u.dir}, onlySecrets...)
	assert.Equal(t, 1, code, errs)
	assert.NotContains(t, out, "neither staged nor committed")

	other := newRepository(t, map[string]string{"README": "Another.\n"})
	hook := map[string]string{"GIT_DIR": filepath.Join(other.dir, ".git"), "GIT_INDEX_FILE": filepath.Join(other.dir, ".git", "index")}
	code, _, errs = call(t, other.dir, hook, append(onlySecrets, "--repo", u.dir)...)
	assert.Equal(t, 1, code, errs)

	index := filepath.Join(t.TempDir(), "index")
	other.write(map[string]string{"pay.go": withSecret()})
	other.git("-c", "alias.x=!GIT_INDEX_FILE="+index+" git add pay.go", "x")
	for _, repo := range []string{".", other.dir, "../" + filepath.Base(other.dir)} {
		code, _, errs = call(t, other.dir, map[string]string{"GIT_INDEX_FILE": index}, append(onlySecrets, "--staged", "--repo", repo)...)
		assert.Equal(t, 1, code, errs)
	}
}

// TestScanNamesSubmodules: one that moved is named; from inside it is a repository like others.
func TestScanNamesSubmodules(t *testing.T) {
	lib := newUpstream(t)
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "-b", "topic", lib.dir, "libs/pay")
	r.git("commit", "-q", "-m", "A library")
	code, out, errs := call(t, r.dir, nil, onlySecrets...)
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "not scanned: libs/pay (submodule: the content is in another repository)\n")
	assert.NotContains(t, out, "neither staged nor committed")
	_, out, _ = call(t, r.dir, nil, append(onlySecrets, "--format", "json")...)
	var doc struct {
		Verdict string
		Scanned struct {
			Elsewhere []struct{ Path, Why string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, "pass", doc.Verdict)
	require.Len(t, doc.Scanned.Elsewhere, 1)
	assert.Equal(t, "libs/pay", doc.Scanned.Elsewhere[0].Path)

	code, out, errs = call(t, filepath.Join(r.dir, "libs", "pay"), nil, onlySecrets...)
	assert.Equal(t, 1, code, errs)
	assert.Contains(t, out, "pay.go:3")
	repository{t, filepath.Join(r.dir, "libs", "pay")}.git("checkout", "-q", "--detach", "HEAD~1")
	_, out, _ = call(t, r.dir, nil, onlySecrets...)
	assert.Contains(t, out, "note: 1 changed file is neither staged nor committed and was not scanned: libs/pay.")
}

// TestScanNamesWhatIsNotStaged: the first ten, and how many more there are.
func TestScanNamesWhatIsNotStaged(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n", ".gitignore": "ignored\n"})
	files := map[string]string{"ignored": "x\n", "README": "Changed.\n"}
	for i := range 12 {
		files[fmt.Sprintf("new/%02d", i)] = "x\n"
	}
	r.write(files)
	code, out, errs := call(t, r.dir, nil, append(onlySecrets, "--all")...)
	assert.Zero(t, code, errs)
	names := append([]string{"README"}, slices.Sorted(maps.Keys(files))[2:11]...)
	assert.Contains(t, out, "note: 13 changed files are neither staged nor committed and were not scanned: "+strings.Join(names, ", ")+" and 3 more.\n")
	_, out, _ = call(t, r.dir, nil, append(onlySecrets, "--base", "HEAD", "--head", "HEAD")...)
	assert.NotContains(t, out, "neither staged", "the work tree plays no part")
}
