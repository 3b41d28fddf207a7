package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertUnstaged compares what we find with what git status says, and returns it.
func assertUnstaged(t *testing.T, r *repo, c *Clone) []string {
	t.Helper()
	got, err := c.Unstaged(context.Background(), env("HOME", r.dir))
	require.NoError(t, err)
	want := []string{}
	for line := range strings.SplitSeq(r.status(), "\x00") {
		if len(line) > 3 && line[1] != ' ' && line[:2] != "!!" {
			want = append(want, line[3:])
		}
	}
	assert.ElementsMatch(t, want, got)
	return got
}

// status is what git says, byte for byte.
func (r *repo) status() string {
	cmd := exec.Command("git", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
	cmd.Dir, cmd.Env = r.dir, r.env()
	out, err := cmd.Output()
	require.NoError(r.t, err)
	return string(out)
}

// TestUnstaged has git as its oracle.
func TestUnstaged(t *testing.T) {
	r := newRepo(t)
	r.write(".gitconfig", "[core]\n\texcludesfile = ~/.mine\n")
	r.write(".mine", ".gitconfig\n.mine\n*.swp\n")
	r.write(".git/info/exclude", "/excluded\n")
	r.write(".gitignore", "# comment\nbuild/\n*.log\n!keep.log\n/top\ndeep/**/x\n\\#odd\r\n")
	r.write("lf", "one\ntwo\n")
	r.write("sub/.gitignore", "*.tmp\n!*.log\n")
	r.write("build/tracked", "tracked although ignored\n")
	r.git("add", "-f", "build/tracked")
	require.NoError(t, os.Symlink("lf", filepath.Join(r.dir, "link")))
	require.NoError(t, os.Symlink("sub", filepath.Join(r.dir, "dirlink")))
	r.commit("base", "changed", "1\n", "deleted", "d\n", "same", "s\n", "touched", "t\n", "sized", "aa\n", "sub/changed", "1\n", "ä ö", "u\n", "staged", "1\n")
	c, err := Open(r.dir, nil)
	require.NoError(t, err)
	assert.Empty(t, assertUnstaged(t, r, c))

	r.write("changed", "2\n")
	r.write("sized", "longer\n")
	r.write("sub/changed", "2\n")
	r.write("ä ö", "U\n")
	r.write("staged", "2\n")
	r.git("add", "staged")
	require.NoError(t, os.Remove(filepath.Join(r.dir, "deleted")))
	require.NoError(t, os.Remove(filepath.Join(r.dir, "link")))
	require.NoError(t, os.Symlink("same", filepath.Join(r.dir, "link")))
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(r.dir, "touched"), later, later))
	for _, name := range []string{
		"new", "new dir/a", "new dir/b/c", "a.log", "keep.log", "sub/b.log", "sub/c.tmp", "d.tmp", "top", "sub/top", "build/other", "sub/build/x",
		"deep/x", "deep/a/b/x", "deep/a/b/y", "#odd", "excluded", "sub/excluded", "e.swp", ".github/w.yml",
	} {
		r.write(name, "x\n")
	}
	found := assertUnstaged(t, r, c)
	assert.Contains(t, found, "changed")
	assert.Contains(t, found, "new dir/b/c")
	assert.NotContains(t, found, "touched")
	assert.NotContains(t, found, "e.swp")

	// The same size and time as when it was staged, in the moment of staging.
	r.write("racy", "1\n")
	require.NoError(t, os.Chtimes(filepath.Join(r.dir, "racy"), later, later))
	r.git("add", "racy")
	r.write("racy", "2\n")
	require.NoError(t, os.Chtimes(filepath.Join(r.dir, "racy"), later, later))
	assert.Contains(t, assertUnstaged(t, r, c), "racy")

	// Another repository in it is one path; a submodule that moved is one.
	nested := &repo{t: t, dir: filepath.Join(r.dir, "nested")}
	r.git("init", "-q", "-b", "main", "nested")
	nested.commit("x", "inside", "x\n")
	assert.Contains(t, assertUnstaged(t, r, c), "nested/")
	r.git("-c", "advice.addEmbeddedRepo=false", "add", "nested")
	assert.NotContains(t, assertUnstaged(t, r, c), "nested")
	nested.commit("y", "inside", "y\n")
	assert.Contains(t, assertUnstaged(t, r, c), "nested")

	r.git("add", "-N", "new")
	assert.Contains(t, assertUnstaged(t, r, c), "new")
	r.git("add", "-A")
	assert.Empty(t, assertUnstaged(t, r, c))

	bare := r.clone("--bare", r.dir)
	c, err = Open(bare.dir, nil)
	require.NoError(t, err)
	none, err := c.Unstaged(context.Background(), env())
	require.NoError(t, err)
	assert.Empty(t, none)
}

// The work tree may hold a file otherwise than the repository does.
func TestUnstagedConversions(t *testing.T) {
	r := newRepo(t)
	r.write(".gitattributes", "crlf text eol=crlf\n")
	r.commit("base", "crlf", "one\ntwo\n", "large", "version https://git-lfs.github.com/spec/v1\noid sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\nsize 3\n")
	work := r.clone(r.dir)
	c, err := Open(work.dir, nil)
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(work.dir, "crlf"))
	require.NoError(t, err)
	require.Equal(t, "one\r\ntwo\r\n", string(b))
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(work.dir, "crlf"), later, later))
	assert.Empty(t, assertUnstaged(t, work, c))

	// As after git lfs checkout, which has the index know nothing of the file.
	work.write("large", "foo")
	work.git("update-index", "--add", "--cacheinfo", "100644,"+work.git("rev-parse", "HEAD:large")+",large")
	found, err := c.Unstaged(context.Background(), env())
	require.NoError(t, err)
	assert.Empty(t, found)
	work.write("large", "bar")
	found, err = c.Unstaged(context.Background(), env())
	require.NoError(t, err)
	assert.Equal(t, []string{"large"}, found)
}

// What git may do with an index to be faster.
func TestIndexVariants(t *testing.T) {
	for name, do := range map[string][]string{
		"version 4":       {"update-index", "--index-version", "4"},
		"untracked cache": {"update-index", "--untracked-cache"},
		"split":           {"update-index", "--split-index"},
	} {
		r := topic(t)
		r.git(do...)
		r.write("d", "d\n")
		r.git("add", "d")
		c, err := Open(r.dir, nil)
		require.NoError(t, err)
		found, err := c.Compare(context.Background(), LocalOptions{Staged: true})
		if name == "split" {
			require.ErrorContains(t, err, "git update-index --no-split-index", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, []string{"added d"}, brief(found.Change.Files), name)
	}
	// index.skipHash, which not every git here knows.
	r := topic(t)
	r.write("d", "d\n")
	r.git("add", "d")
	index := filepath.Join(r.dir, ".git", "index")
	b, err := os.ReadFile(index)
	require.NoError(t, err)
	clear(b[len(b)-20:])
	require.NoError(t, os.WriteFile(index, b, 0o644))
	assert.Equal(t, []string{"added d"}, brief(r.local(LocalOptions{Staged: true}).Files))
	b[len(b)-1] = 1
	require.NoError(t, os.WriteFile(index, b, 0o644))
	_, err = Local(context.Background(), r.dir, LocalOptions{Staged: true})
	require.ErrorContains(t, err, "read the index")
}
