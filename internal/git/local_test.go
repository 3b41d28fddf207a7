package git

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

func (r *repo) local(o LocalOptions) *change.Change {
	r.t.Helper()
	c, err := Local(context.Background(), r.dir, o)
	require.NoError(r.t, err)
	return c
}

func TestLocal(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n", "dir/b", "b\n", "dir.txt", "d\n")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("one", "a", "a\nsecret\n")
	head := r.commit("two", "a", "a\nplain\n")
	r.write("staged", "staged\n")
	r.write("dir/sub/c", "c\n")
	r.git("add", "-A")
	r.write("loose", "not staged\n")
	r.write("a", "changed, not staged\n")

	c := r.local(LocalOptions{})
	assert.Equal(t, base, c.Base)
	assert.Equal(t, head, c.Head)
	assert.Equal(t, []string{"modified a", "added dir/sub/c", "added staged"}, brief(c.Files))
	assert.Equal(t, []string{"plain"}, added(c.File("a")))
	require.Len(t, c.Commits, 2)
	assert.Equal(t, []string{"secret"}, added(&c.Commits[0].Files[0]))

	c = r.local(LocalOptions{Base: "HEAD~1", Head: "HEAD"})
	assert.Equal(t, []string{"modified a"}, brief(c.Files))
	assert.Len(t, c.Commits, 1)

	c = r.local(LocalOptions{Staged: true})
	assert.Equal(t, []string{"added dir/sub/c", "added staged"}, brief(c.Files))
	assert.Empty(t, c.Commits)
	assert.Equal(t, head, c.Base)

	c = r.local(LocalOptions{All: true})
	assert.Equal(t, []string{"added a", "added dir.txt", "added dir/b", "added dir/sub/c", "added staged"}, brief(c.Files))
	assert.Equal(t, 5, c.Blobs)
	assert.Empty(t, c.Base)
	b, err := fs.ReadFile(c.After, "dir/sub/c")
	require.NoError(t, err)
	assert.Equal(t, "c\n", string(b))
	c = r.local(LocalOptions{All: true, Head: base})
	assert.Equal(t, []string{"added a", "added dir.txt", "added dir/b"}, brief(c.Files))

	// What did not change is read when it is asked for.
	c = r.local(LocalOptions{})
	_, err = fs.ReadFile(c.After, "dir.txt")
	var missing *change.MissingError
	require.ErrorAs(t, err, &missing)
	require.NoError(t, c.Contents.Load(context.Background(), missing.Blob))
	b, err = fs.ReadFile(c.After, "dir.txt")
	require.NoError(t, err)
	assert.Equal(t, "d\n", string(b))

	_, err = Local(context.Background(), r.dir, LocalOptions{Staged: true, All: true})
	require.Error(t, err)
	for _, rev := range []string{"nothing", "^", "HEAD@{1}", "HEAD~99", "~"} {
		_, err = Local(context.Background(), r.dir, LocalOptions{Base: rev})
		require.Error(t, err, rev)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Local(ctx, r.dir, LocalOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// The tree of an index is the one that git itself would write.
func TestIndexTree(t *testing.T) {
	r := newRepo(t)
	r.commit("base", "a/x", "a\n", "a.b", "c\n")
	r.write("a-b", "x\n")
	r.write("z/y/x", "x\n")
	r.git("add", "-A")
	opened, err := open(r.dir, nil)
	require.NoError(t, err)
	w := &workspace{repository: opened, objects: opened.objects(Limits{}.forLocal())}
	var s span
	require.NoError(t, w.stage(&s))
	assert.Equal(t, r.git("write-tree"), s.after.String())
}

func TestMergeConflict(t *testing.T) {
	r := newRepo(t)
	r.commit("base", "a", "a\n")
	for i, branch := range []string{"ours", "theirs"} {
		r.git("checkout", "-q", "-b", branch, "main")
		r.commit(branch, "a", strings.Repeat(branch+"\n", i+2))
	}
	r.git("checkout", "-q", "ours")
	_ = r.feed(nil, "-c", "alias.m=!git merge -q theirs || true", "m")
	c := r.local(LocalOptions{})
	assert.Equal(t, []change.Skip{{Path: "a", Why: "its merge conflict is not resolved"}}, c.Skipped)
	assert.Equal(t, []string{"ours", "ours"}, added(c.File("a")))
}

func TestNoCommitYet(t *testing.T) {
	r := newRepo(t)
	_, err := ReadLocal(r.dir, "", "a")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, o := range []LocalOptions{{}, {All: true}} {
		_, err = Local(context.Background(), r.dir, o)
		assertProblem(t, Empty, err)
	}
	assert.Empty(t, r.local(LocalOptions{Staged: true}).Files)
	r.write("a", "a\n")
	r.git("add", "-A")
	for _, o := range []LocalOptions{{}, {All: true}, {Staged: true}} {
		c := r.local(o)
		assert.Equal(t, []string{"added a"}, brief(c.Files))
		assert.Empty(t, c.Head)
	}
}

func TestDefaultBranch(t *testing.T) {
	r := newRepo(t)
	r.git("checkout", "-q", "-b", "trunk")
	first := r.commit("one", "a", "a\n")
	name := func(dir string) string {
		c, err := Open(dir, nil)
		require.NoError(t, err)
		n, _ := c.DefaultBranch("")
		return n
	}
	assert.Equal(t, "trunk", name(r.dir), "the only branch")
	r.git("branch", "topic")
	assert.Empty(t, name(r.dir), "one of two")
	r.git("branch", "master")
	assert.Equal(t, "master", name(r.dir))
	r.git("branch", "main")
	assert.Equal(t, "main", name(filepath.Join(r.dir, ".git", "..")))

	clone := filepath.Join(t.TempDir(), "clone")
	r.git("clone", "-q", r.dir, clone)
	assert.Equal(t, "trunk", name(clone), "origin's HEAD goes first")
	r.git("-C", clone, "checkout", "-q", "-b", "main")
	assert.Equal(t, "trunk", name(clone))
	r.git("-C", clone, "config", "core.repositoryformatversion", "1")
	r.git("-C", clone, "config", "extensions.worktreeConfig", "true")
	r.git("-C", clone, "config", "extensions.partialClone", "origin")
	assert.Equal(t, "trunk", name(clone), "extensions that do not matter here")
	work := filepath.Join(t.TempDir(), "work")
	r.git("worktree", "add", "-q", "--detach", work, first)
	assert.Equal(t, "main", name(work))
	require.NoError(t, os.Mkdir(filepath.Join(work, "sub"), 0o755))
	c, err := Local(context.Background(), filepath.Join(work, "sub"), LocalOptions{All: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"added a"}, brief(c.Files))
	bare := filepath.Join(t.TempDir(), "bare.git")
	r.git("clone", "-q", "--bare", r.dir, bare)
	c, err = Local(context.Background(), bare, LocalOptions{All: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"added a"}, brief(c.Files))

	_, err = Open(t.TempDir(), nil)
	require.ErrorContains(t, err, "not in a git repository")
	_, err = Open(filepath.Join(r.dir, "missing"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestReadLocal(t *testing.T) {
	r := newRepo(t)
	r.write("dir/f", "x\n")
	require.NoError(t, os.Symlink("dir/f", filepath.Join(r.dir, "link")))
	first := r.commit("one", "p.yml", "one\n")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("two", "p.yml", "two\n")
	for rev, want := range map[string]string{"": "one\n", "topic": "two\n", first: "one\n", "HEAD~1": "one\n"} {
		b, err := ReadLocal(r.dir, rev, "p.yml")
		require.NoError(t, err)
		assert.Equal(t, want, string(b), rev)
	}
	for _, path := range []string{"none", "dir/none", "p.yml/x", "link/x"} {
		_, err := ReadLocal(r.dir, "", path)
		require.ErrorIs(t, err, fs.ErrNotExist, path)
	}
	for path, want := range map[string]string{"dir": "is a directory", "link": "is a symbolic link"} {
		_, err := ReadLocal(r.dir, "", path)
		require.ErrorContains(t, err, want)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestShallowClone(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	r.git("checkout", "-q", "-b", "topic")
	r.commit("one", "b", "b\n")
	r.commit("two", "c", "c\n")
	shallow := filepath.Join(t.TempDir(), "shallow")
	r.git("clone", "-q", "--depth=1", "-b", "topic", "--no-single-branch", "file://"+r.dir, shallow)
	_, err := Local(context.Background(), shallow, LocalOptions{Base: base})
	require.ErrorContains(t, err, "the clone is shallow")
	c, err := Local(context.Background(), shallow, LocalOptions{Base: "HEAD"})
	require.NoError(t, err)
	assert.Empty(t, c.Files)
}

func TestLocalHugeBlob(t *testing.T) {
	r := newRepo(t)
	r.commit("base", "a", "a\n")
	huge := r.blob(strings.NewReader(strings.Repeat("x", 5*mib)))
	r.git("update-index", "--add", "--cacheinfo", "100644,"+huge+",huge")
	for _, packed := range []bool{false, true} {
		if packed {
			r.git("repack", "-q", "-a", "-d")
			r.git("prune-packed")
		}
		c := r.local(LocalOptions{})
		assert.Equal(t, []change.Skip{{Path: "huge", Why: "larger than 4 MiB"}}, c.Skipped)
		assert.Equal(t, 1, c.Blobs)
	}
}

// Contents and trees are read by several scanners at a time.
func TestConcurrentUse(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n", "dir/b", "b\n", "dir/sub/c", "c\n")
	head := r.commit("head", "a", "b\n")
	remote, _ := r.fetch(&Fetcher{}, base, head)
	for _, c := range []*change.Change{remote, r.local(LocalOptions{Base: base})} {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := fs.WalkDir(c.After, ".", func(path string, d fs.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return err
					}
					info, err := d.Info()
					if err == nil {
						err = c.Contents.Load(context.Background(), string(info.Sys().(change.BlobID)))
					}
					if err == nil {
						_, err = fs.ReadFile(c.After, path)
					}
					return err
				})
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	}
}
