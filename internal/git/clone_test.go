package git

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func assertProblem(t *testing.T, want Problem, err error) {
	t.Helper()
	var base *BaseError
	if assert.ErrorAs(t, err, &base) {
		assert.Equal(t, want, base.Problem, base.Error())
	}
}

// topic is a repository whose branch topic adds b and c to main, in two commits.
func topic(t *testing.T) *repo {
	r := newRepo(t)
	r.commit("base", "a", "a\n")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("one", "b", "b\n")
	r.commit("two", "c", "c\n")
	return r
}

// clone clones r with args; its branch main is that of r.
func (r *repo) clone(args ...string) *repo {
	r.t.Helper()
	c := &repo{t: r.t, dir: filepath.Join(r.t.TempDir(), "clone"), now: r.now}
	r.git(slices.Concat([]string{"clone", "-q"}, args, []string{c.dir})...)
	return c
}

func env(vars ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(vars); i += 2 {
			if vars[i] == name {
				return vars[i+1]
			}
		}
		return ""
	}
}

// compare compares what Open finds from dir with env.
func compare(dir string, env func(string) string, o LocalOptions) (Comparison, error) {
	c, err := Open(dir, env)
	if err != nil {
		return Comparison{}, err
	}
	return c.Compare(context.Background(), o)
}

// What a clone borrows from others is found, packed or not.
func TestAlternates(t *testing.T) {
	want := []string{"added b", "added c"}
	for name, packed := range map[string]bool{"loose": false, "packed": true} {
		t.Run(name, func(t *testing.T) {
			r := topic(t)
			if packed {
				r.git("repack", "-q", "-a", "-d")
				r.git("prune-packed")
			}
			shared := r.clone("--shared", "file://"+r.dir)
			shared = r.clone("--shared", r.dir)
			assert.Equal(t, want, brief(shared.local(LocalOptions{Base: "origin/main"}).Files))
			short := r.git("rev-parse", "--short", "main")
			assert.Equal(t, want, brief(shared.local(LocalOptions{Base: short}).Files), "an abbreviated hash")
			assert.Equal(t, want, brief(r.clone("--reference", r.dir, "file://"+r.dir).local(LocalOptions{Base: "origin/main"}).Files))
			chain := shared.clone("--shared", shared.dir)
			assert.Equal(t, want, brief(chain.local(LocalOptions{Base: "origin/topic~2", Head: "origin/topic"}).Files), "alternates of alternates")
			assert.Equal(t, want, brief(r.clone("--local", "--bare", "--shared", r.dir).local(LocalOptions{}).Files))

			// A relative path, and a directory of another name.
			cache := filepath.Join(filepath.Dir(shared.dir), "cache")
			require.NoError(t, os.Rename(filepath.Join(r.dir, ".git", "objects"), cache))
			alternates := filepath.Join(shared.dir, ".git", "objects", "info", "alternates")
			require.NoError(t, os.WriteFile(alternates, []byte("# where to look\n/nowhere\n../../../cache\n"), 0o644))
			assert.Equal(t, want, brief(shared.local(LocalOptions{Base: "origin/main"}).Files))
			require.NoError(t, os.WriteFile(alternates, []byte(`"`+strings.ReplaceAll(cache, "c", `\143`)+"\"\n"), 0o644))
			assert.Equal(t, want, brief(shared.local(LocalOptions{Base: "origin/main"}).Files), "quoted")
			require.NoError(t, os.Remove(alternates))
			_, err := Local(context.Background(), shared.dir, LocalOptions{Base: "origin/main"})
			require.Error(t, err)
			found, err := compare(shared.dir, env("GIT_ALTERNATE_OBJECT_DIRECTORIES", cache), LocalOptions{Base: "origin/main"})
			require.NoError(t, err)
			assert.Equal(t, want, brief(found.Change.Files))
		})
	}
}

// The variables that git sets for hooks, and that it obeys itself.
func TestEnvironment(t *testing.T) {
	r := topic(t)
	elsewhere := t.TempDir()
	dotGit := filepath.Join(r.dir, ".git")
	found, err := compare(elsewhere, env("GIT_DIR", dotGit, "GIT_WORK_TREE", r.dir), LocalOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"added b", "added c"}, brief(found.Change.Files))
	found, err = compare(r.dir, env("GIT_DIR", ".git"), LocalOptions{})
	require.NoError(t, err)
	assert.Len(t, found.Change.Commits, 2)
	_, err = Open(elsewhere, env("GIT_DIR", ".git"))
	require.Error(t, err, "git takes no other one either")

	// git commit -a and git commit FILE stage in an index of their own.
	r.write("d", "d\n")
	other := filepath.Join(elsewhere, "index")
	r.git("-c", "alias.x=!GIT_INDEX_FILE="+other+" git add d", "x")
	found, err = compare(r.dir, env("GIT_INDEX_FILE", other), LocalOptions{Staged: true})
	require.NoError(t, err)
	assert.Contains(t, brief(found.Change.Files), "added d")

	// Before a push is received, what it brings is in a directory of its own.
	bare := r.clone("--bare", r.dir)
	r.git("add", "-A")
	pushed := r.record("three")
	incoming := filepath.Join(dotGit, "objects")
	found, err = compare(bare.dir, env("GIT_DIR", ".", "GIT_OBJECT_DIRECTORY", incoming, "GIT_ALTERNATE_OBJECT_DIRECTORIES", filepath.Join(bare.dir, "objects")), LocalOptions{Head: pushed})
	require.NoError(t, err)
	assert.Equal(t, []string{"added b", "added c", "added d"}, brief(found.Change.Files))
}

// Submodules and linked work trees have a file where others have a directory.
func TestGitFile(t *testing.T) {
	lib := topic(t)
	r := newRepo(t)
	r.commit("base", "a", "a\n")
	r.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "-b", "topic", lib.dir, "libs/x")
	r.record("a submodule")
	sub := &repo{t: t, dir: filepath.Join(r.dir, "libs", "x")}
	found, err := compare(filepath.Join(sub.dir), nil, LocalOptions{Base: "HEAD~2"})
	require.NoError(t, err)
	assert.Equal(t, []string{"added b", "added c"}, brief(found.Change.Files))
	sub.write("d", "d\n")
	sub.git("add", "d")
	assert.Equal(t, []string{"added d"}, brief(sub.local(LocalOptions{Staged: true}).Files))
	clone, err := Open(sub.dir, nil)
	require.NoError(t, err)
	assertUnstaged(t, sub, clone)

	c := r.local(LocalOptions{Base: "HEAD~1"})
	require.Len(t, c.Elsewhere, 1)
	assert.Equal(t, "libs/x", c.Elsewhere[0].Path)

	work := &repo{t: t, dir: filepath.Join(t.TempDir(), "work")}
	r.git("worktree", "add", "-q", "-b", "other", work.dir)
	work.write("e", "e\n")
	work.git("add", "e")
	assert.Equal(t, []string{"added e"}, brief(work.local(LocalOptions{}).Files))
	assert.Empty(t, r.local(LocalOptions{Staged: true}).Files, "each has its own index")
	there, err := Open(work.dir, nil)
	require.NoError(t, err)
	here, err := Open(r.dir, nil)
	require.NoError(t, err)
	assert.False(t, there.Is(here))
	assert.True(t, here.Is(here))
	assertUnstaged(t, work, there)
}

// A partial clone lacks contents, which is never taken for a pass.
func TestPartialClone(t *testing.T) {
	r := topic(t)
	r.commit("three", "a", "another\n")
	for _, filter := range []string{"blob:none", "tree:0"} {
		for name, o := range map[string]LocalOptions{"change": {Base: "origin/main"}, "whole tree": {All: true}} {
			partial := r.clone("--filter="+filter, "--no-checkout", "file://"+r.dir)
			_, err := Local(context.Background(), partial.dir, o)
			var missing *MissingError
			require.ErrorAs(t, err, &missing, "%s of %s", name, filter)
			assert.ErrorContains(t, err, "partial (--filter)")
			partial.git("fetch", "-q", "--refetch", "--no-filter")
			assert.Contains(t, brief(partial.local(o).Files), "added b")
		}
	}
	// What was checked out is there, but not what it was compared with.
	partial := r.clone("--filter=blob:none", "file://"+r.dir)
	_, err := Local(context.Background(), partial.dir, LocalOptions{Base: "origin/main"})
	var missing *MissingError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, 1, missing.Files)
	_, err = ReadLocal(partial.dir, "HEAD~1", "a")
	require.ErrorContains(t, err, "partial clone")
}

// Where a shallow clone ends is never taken for a beginning.
func TestShallowHistory(t *testing.T) {
	r := topic(t)
	r.git("checkout", "-q", "main")
	r.commit("another", "d", "d\n")
	tip := r.git("rev-parse", "main")
	one := r.clone("--depth=1", "--branch=topic", "file://"+r.dir)
	_, err := Local(context.Background(), one.dir, LocalOptions{})
	assertProblem(t, NoDefault, err)
	_, err = Local(context.Background(), one.dir, LocalOptions{Base: tip})
	assertProblem(t, NotInClone, err)
	one.git("fetch", "-q", "--depth=1", "origin", "main:main")
	_, err = Local(context.Background(), one.dir, LocalOptions{})
	assertProblem(t, Cut, err)
	one.git("fetch", "-q", "--depth=2", "origin", "topic")
	_, err = Local(context.Background(), one.dir, LocalOptions{Base: "main"})
	assertProblem(t, Cut, err)
	one.git("fetch", "-q", "--deepen=1", "origin", "main:main")
	c := one.local(LocalOptions{Base: "main"})
	assert.Equal(t, []string{"added b", "added c"}, brief(c.Files))
	assert.Len(t, c.Commits, 2)
	assert.Empty(t, c.Skipped, "that the base has no parent here does not matter")

	// A merge of the base, of whose other side only the last commit is here.
	r.git("checkout", "-q", "topic")
	r.git("merge", "-q", "--no-edit", "main")
	merge := r.git("rev-parse", "HEAD")
	two := r.clone("--depth=2", "--branch=topic", "file://"+r.dir)
	c = two.local(LocalOptions{Base: tip})
	assert.Equal(t, merge, c.Head)
	assert.Equal(t, tip, c.Base)
	assert.Equal(t, []string{"added b", "added c"}, brief(c.Files))
	assert.Len(t, c.Commits, 1)
	require.Len(t, c.Skipped, 1)
	assert.Contains(t, c.Skipped[0].Why, "the clone is shallow")
}

// A base that lies further back than the real one is not taken where the
// history that leads to the real one is missing.
func TestShallowHistoryWithAnOlderBase(t *testing.T) {
	r := newRepo(t)
	r.commit("first", "a", "a\n")
	r.git("checkout", "-q", "-b", "feature")
	r.commit("feature", "f", "f\n")
	r.git("checkout", "-q", "main")
	r.commit("second", "b", "b\n")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("topic", "c", "c\n")
	r.git("checkout", "-q", "main")
	r.commit("third", "d", "d\n")
	r.git("merge", "-q", "--no-ff", "--no-edit", "feature")
	c := &repo{t: t, dir: t.TempDir()}
	c.git("init", "-q", "-b", "x", ".")
	c.git("fetch", "-q", "file://"+r.dir, "topic:topic", "feature:feature")
	c.git("fetch", "-q", "--depth=1", "file://"+r.dir, "main:main")
	_, err := Local(context.Background(), c.dir, LocalOptions{Head: "topic"})
	assertProblem(t, Cut, err)
	c.git("fetch", "-q", "--depth=2", "file://"+r.dir, "main:main")
	assert.Equal(t, []string{"added c"}, brief(c.local(LocalOptions{Head: "topic"}).Files), "the real one is there now")
}

// What CI systems tell: the first base that is there and certain counts.
func TestTold(t *testing.T) {
	r := topic(t)
	main, one, head := r.git("rev-parse", "main"), r.git("rev-parse", "topic~1"), r.git("rev-parse", "topic")
	r.git("checkout", "-q", "-b", "trunk", "main")
	r.commit("another", "d", "d\n")
	trunk := r.git("rev-parse", "trunk")
	gone := strings.Repeat("12", 20)
	r.git("checkout", "-q", "--detach", "trunk")
	r.git("merge", "-q", "--no-ff", "--no-edit", "topic")
	merge := r.git("rev-parse", "HEAD")
	for name, at := range map[string]struct {
		head  string
		bases []Base
		want  string // base; "" if it is not in the clone
	}{
		"a branch":              {head, []Base{{Branch: "trunk"}}, trunk},
		"its full name":         {head, []Base{{Branch: "refs/heads/trunk"}}, trunk},
		"a commit":              {head, []Base{{Commit: one}}, one},
		"an abbreviated commit": {head, []Base{{Commit: one[:12]}}, one},
		"the second":            {head, []Base{{Commit: gone}, {Branch: "nothing"}, {Commit: main}}, main},
		"a merge":               {merge, []Base{{MergeOf: head}, {Branch: "main"}}, trunk},
		"no merge":              {head, []Base{{MergeOf: head}, {Branch: "main"}}, main},
		"a merge of another":    {merge, []Base{{MergeOf: one}, {Branch: "main"}}, main},
		"commits of nobody":     {head, []Base{{Commit: gone}}, ""},
		"no commit":             {head, []Base{{Commit: "HEAD~1"}}, ""},
		"a revision as branch":  {head, []Base{{Branch: "topic~1"}}, ""},
		"an option as branch":   {head, []Base{{Branch: "--upload-pack=x"}}, ""},
	} {
		found, err := compare(r.dir, nil, LocalOptions{Head: at.head, Told: Told{By: "a CI system", Bases: at.bases}})
		if at.want == "" {
			assertProblem(t, NotInClone, err)
			assert.ErrorContains(t, err, "a CI system says that the change is based on ", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, at.want, found.Base, name)
		assert.True(t, found.Told)
	}
	found, err := compare(r.dir, nil, LocalOptions{Head: head, Base: one, Told: Told{By: "a CI system", Bases: []Base{{Commit: gone}}}})
	require.NoError(t, err, "what a person names goes first")
	assert.Equal(t, one, found.Base)
	assert.False(t, found.Told)
	_, err = compare(r.dir, nil, LocalOptions{Head: head, Told: Told{By: "a CI system", Bases: []Base{{Commit: head}}}})
	assertProblem(t, Same, err)
	found, err = compare(r.dir, nil, LocalOptions{Head: head, Told: Told{By: "a CI system", Default: "trunk"}})
	require.NoError(t, err)
	assert.Equal(t, trunk, found.Base)
	_, err = compare(r.dir, nil, LocalOptions{Head: head, Told: Told{By: "a CI system", Default: "nothing"}})
	assertProblem(t, NotInClone, err)
}

// Nothing to compare is an error, unless a person named the base.
func TestNothingToCompare(t *testing.T) {
	r := topic(t)
	r.git("checkout", "-q", "main")
	_, err := Local(context.Background(), r.dir, LocalOptions{})
	assertProblem(t, Same, err)
	r.write("loose", "not staged\n")
	_, err = Local(context.Background(), r.dir, LocalOptions{})
	assertProblem(t, Same, err)
	r.git("add", "-A")
	assert.Len(t, r.local(LocalOptions{}).Files, 1)
	r.git("reset", "-q", "--hard")
	r.git("checkout", "-q", "--detach", "topic~2")
	_, err = Local(context.Background(), r.dir, LocalOptions{})
	assertProblem(t, Same, err)
	for _, o := range []LocalOptions{{Base: "main"}, {Base: "topic"}, {Staged: true}} {
		assert.Empty(t, r.local(o).Files)
	}
	r.git("checkout", "-q", "topic")
	r.git("branch", "-q", "-m", "main", "trunk")
	_, err = Local(context.Background(), r.dir, LocalOptions{})
	assertProblem(t, NoDefault, err)
	other := r.clone("-o", "upstream", "--branch", "topic", r.dir)
	other.git("remote", "set-head", "upstream", "trunk")
	assert.Len(t, other.local(LocalOptions{}).Files, 2, "the only remote need not be called origin")
}

// Configurations that git accepts do not keep us from reading a repository.
func TestConfiguration(t *testing.T) {
	r := topic(t)
	for _, text := range []string{
		"[branch.old]\n\tmerge = refs/heads/x\n", "[branch \"a b\"]\n\tremote = .\n", "[remote \"x\"]\n\tprune = true\n", "[Remote \"y]\\\"\"]\n\tfetch = x\n",
		"[core]\n\tfsmonitor\n\tsshCommand = \"ssh -i \\\"k\\\"\"\n", "[alias] # a remark\n\tx = \"!f() { echo [core]; }; f\"\n", "[includeIf \"gitdir:~/x\"]\n\tpath = y\n",
		"[extensions]\n\tworktreeConfig = true\n", "[http \"https://example.com/\"]\n\textraheader = \"x: y\"\n",
	} {
		config := filepath.Join(r.dir, ".git", "config")
		before, err := os.ReadFile(config)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(config, append(before, text...), 0o644))
		r.git("config", "--list")
		assert.Len(t, r.local(LocalOptions{}).Files, 2, text)
	}
	r.git("config", "core.repositoryFormatVersion", "1")
	r.git("config", "extensions.objectFormat", "sha1")
	assert.Len(t, r.local(LocalOptions{}).Files, 2)
	for _, kv := range [][2]string{{"extensions.objectFormat", "sha256"}, {"extensions.refStorage", "reftable"}, {"extensions.unheardOf", "true"}} {
		other := r.clone(r.dir)
		other.git("config", "core.repositoryFormatVersion", "1")
		other.git("config", kv[0], kv[1])
		_, err := Open(other.dir, nil)
		require.Error(t, err, kv)
	}
}
