package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

// Whatever the history: git agrees on commits and paths, hunks turn the old
// content into the new one, each net addition is some commit's addition, and
// the remote and the local reading of a change are the same.
func TestRandomHistories(t *testing.T) {
	for seed := range int64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRepo(t)
			g := &generator{rand: rand.New(rand.NewSource(seed)), r: r}
			g.commits(3)
			r.git("branch", "topic")
			g.commits(2 + g.rand.Intn(3))
			r.git("checkout", "-q", "topic")
			for range 2 + g.rand.Intn(3) {
				g.commits(1 + g.rand.Intn(2))
				if g.rand.Intn(2) == 0 {
					g.merge("main")
				}
			}
			head := r.git("rev-parse", "HEAD")
			base := r.mergeBase("main", head)

			l, err := Local(context.Background(), r.dir, LocalOptions{Base: "main", Head: head})
			require.NoError(t, err)
			r.agrees(l, base, head)
			levels := &Fetcher{Limits: Limits{Trees: 1}}
			for i, f := range []*Fetcher{{}, levels, levels} {
				c, s := r.fetch(f, "main", head)
				assert.LessOrEqual(t, s.count(), []int{4, 8, 7}[i])
				require.Empty(t, c.Skipped)
				assert.Equal(t, l.Files, c.Files)
				assert.Equal(t, l.Commits, c.Commits)
				assert.Equal(t, l.Blobs, c.Blobs)
				if c.Base == l.Base {
					reads(t, c)
				}
			}
		})
	}
}

// reads checks that what was touched, and what lies beside it, is listed on
// both sides.
func reads(t *testing.T, c *change.Change) {
	for _, f := range c.Files {
		for _, tree := range []fs.FS{c.Before, c.After} {
			_, err := fs.ReadDir(tree, path.Dir(f.Path))
			if !errors.Is(err, fs.ErrNotExist) {
				require.NoError(t, err)
			}
		}
		if f.Kind != change.Deleted {
			b, err := fs.ReadFile(c.After, f.Path)
			require.NoError(t, err)
			require.Equal(t, f.NewBlob, change.HashBlob(b))
		}
	}
	assert.False(t, change.Unreached(c.Contents))
}

type generator struct {
	rand *rand.Rand
	r    *repo
	n    int
}

func (g *generator) commits(n int) {
	for range n {
		for range 1 + g.rand.Intn(3) {
			var b strings.Builder
			for range g.rand.Intn(6) {
				fmt.Fprintf(&b, "line %d\n", g.rand.Intn(12))
			}
			g.n++
			fmt.Fprintf(&b, "unique %d", g.n)
			if g.rand.Intn(2) == 0 {
				b.WriteString("\n")
			}
			g.r.write([]string{"a", "b", "dir/c", "dir/sub/d", "e", "f"}[g.rand.Intn(6)], b.String())
		}
		g.r.commit(fmt.Sprint("commit ", g.n))
	}
}

func (g *generator) merge(branch string) {
	g.r.now++
	g.r.git("merge", "-q", "-X", []string{"ours", "theirs"}[g.rand.Intn(2)], "-m", "merge", branch)
}

func (r *repo) agrees(c *change.Change, base, head string) {
	t := r.t
	var shas []string
	for _, step := range c.Commits {
		shas = append(shas, step.SHA)
		for _, p := range step.Parents {
			assert.NotContains(t, shas[len(shas):], p)
		}
	}
	assert.ElementsMatch(t, strings.Fields(r.git("rev-list", base+".."+head)), shas)
	at := map[string]int{}
	for i, sha := range shas {
		at[sha] = i
	}
	for i, step := range c.Commits {
		for _, p := range step.Parents {
			if j, ok := at[p]; ok {
				assert.Less(t, j, i, "parents come first")
			}
		}
	}
	var paths []string
	for _, f := range c.Files {
		paths = append(paths, f.Path)
	}
	names := r.git("diff-tree", "-r", "-z", "-M", "--name-only", base, head)
	assert.ElementsMatch(t, strings.FieldsFunc(names, func(c rune) bool { return c == 0 }), paths)

	byCommit := map[string]bool{}
	for _, step := range c.Commits {
		for _, f := range step.Files {
			if len(step.Parents) == 1 {
				r.applies(c, f)
			}
			for _, l := range added(&f) {
				byCommit[l] = true
			}
		}
	}
	for _, f := range c.Files {
		r.applies(c, f)
		for _, l := range added(&f) {
			assert.True(t, byCommit[l], "%s adds %q, and no commit does", f.Path, l)
		}
	}
}

// applies checks that the hunks of f lead from its old content to the new one.
func (r *repo) applies(c *change.Change, f change.File) {
	var old, new []byte
	var err error
	if f.OldBlob != "" {
		old, err = c.Contents.Blob(f.OldBlob)
		require.NoError(r.t, err)
	}
	if f.NewBlob != "" {
		new, err = c.Contents.Blob(f.NewBlob)
		require.NoError(r.t, err)
	}
	split := func(b []byte) []string {
		if len(b) == 0 {
			return nil
		}
		return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	}
	x, at := split(old), 0
	var got []string
	for _, h := range f.Hunks {
		for _, l := range h.Lines {
			if l.Old > 0 {
				got = append(got, x[at:l.Old-1]...)
				require.Equal(r.t, x[l.Old-1], l.Text)
				at = l.Old
			}
			if l.Op != change.Delete {
				if l.Op == change.Insert && l.New > len(got)+1 {
					n := l.New - len(got) - 1
					got, at = append(got, x[at:at+n]...), at+n
				}
				got = append(got, l.Text)
				require.Equal(r.t, l.New, len(got))
			}
		}
	}
	require.Equal(r.t, split(new), append(got, x[at:]...), f.Path)
}

// A change and its rebase onto a base that moved on bring in the same.
func TestRebaseChangesNothing(t *testing.T) {
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRepo(t)
			g := &generator{rand: rand.New(rand.NewSource(100 + seed)), r: r}
			g.commits(3)
			r.commit("long", "long", lines(1, 100))
			r.git("checkout", "-q", "-b", "topic")
			g.commits(3)
			r.commit("top", "long", lines(1, 50)+"topic\n"+lines(51, 100))
			r.git("mv", "long", "renamed")
			before := r.record("rename")
			r.git("checkout", "-q", "main")
			for i := range 3 {
				r.commit(fmt.Sprint("main ", i), fmt.Sprint("main/", i), "m\n", "long", lines(-i, 100))
			}
			r.git("checkout", "-q", "topic")
			r.now++
			r.git("rebase", "-q", "main")
			after := r.git("rev-parse", "HEAD")
			require.NotEqual(t, before, after)

			old, _ := r.fetch(&Fetcher{}, "main", before)
			new, _ := r.fetch(&Fetcher{}, "main", after)
			assert.NotEqual(t, old.Base, new.Base)
			require.Equal(t, len(old.Commits), len(new.Commits))
			same := func(a, b []change.File) {
				require.Equal(t, brief(a), brief(b))
				for i := range a {
					if strings.HasPrefix(a[i].Path, "long") || a[i].Path == "renamed" {
						assert.Equal(t, added(&a[i]), added(&b[i])) // the lines lie elsewhere
						continue
					}
					assert.Equal(t, a[i], b[i])
				}
			}
			same(old.Files, new.Files)
			for i := range old.Commits {
				same(old.Commits[i].Files, new.Commits[i].Files)
			}
			assert.Equal(t, []string{"topic"}, added(new.File("renamed")))
		})
	}
}
