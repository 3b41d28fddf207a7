package git

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

// both reads a change from the server and from the disk, and holds that they
// are the same.
func (r *repo) both(base, head string) *change.Change {
	r.t.Helper()
	c, _ := r.fetch(&Fetcher{}, base, head)
	l := r.local(LocalOptions{Base: base, Head: head})
	require.Equal(r.t, l.Files, c.Files)
	require.Equal(r.t, l.Commits, c.Commits)
	require.Equal(r.t, l.Skipped, c.Skipped)
	require.Equal(r.t, l.Elsewhere, c.Elsewhere)
	return c
}

// Of several merge bases the forge names one. Whatever head has and that one
// lacks is looked at; a commit that only the base branch lacks, too.
func TestCrissCrossCommits(t *testing.T) {
	r := newRepo(t)
	r.commit("root", "f", "f\n")
	r.git("branch", "topic")
	m1 := r.commit("m1", "m", "1\n")
	r.git("checkout", "-q", "topic")
	t1 := r.commit("t1", "t", "1\n")
	r.now++
	r.git("merge", "-q", "-m", "cross", m1)
	head := r.commit("t2", "t", "2\n")
	r.git("checkout", "-q", "main")
	r.now++
	r.git("merge", "-q", "-m", "criss", t1)
	tip := r.commit("m2", "m", "2\n")
	bases := strings.Fields(r.git("merge-base", "--all", tip, head))
	require.ElementsMatch(t, []string{m1, t1}, bases)

	brought := strings.Fields(r.git("rev-list", tip+".."+head))
	require.Len(t, brought, 2)
	s := r.serve()
	for _, base := range bases {
		for _, ahead := range []int{len(brought), 0} {
			c, err := new(Fetcher).Change(context.Background(), s.remote(r), base, head, ahead)
			require.NoError(t, err)
			assert.Subset(t, shas(c), brought)
			assert.Subset(t, strings.Fields(r.git("rev-list", base+".."+head)), shas(c))
			assert.Equal(t, base, c.Base)
		}
	}
	l := r.local(LocalOptions{Base: tip, Head: head})
	assert.ElementsMatch(t, brought, shas(l))
	assert.Contains(t, bases, l.Base)
}

func shas(c *change.Change) []string {
	var out []string
	for _, s := range c.Commits {
		out = append(out, s.SHA)
	}
	return out
}

// A merge of three branches adds only what none of them had.
func TestOctopus(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "f", lines(1, 60))
	text := map[string]string{
		"one": "one\n" + lines(1, 60), "two": lines(1, 30) + "two\n" + lines(31, 60), "three": lines(1, 60) + "three\n",
	}
	var heads []string
	for _, name := range []string{"one", "two", "three"} {
		r.git("checkout", "-q", "-b", name, base)
		heads = append(heads, r.commit(name, "f", text[name], name, name+"\n"))
	}
	r.write("f", "one\n"+lines(1, 10)+"evil\n"+lines(11, 30)+"two\n"+lines(31, 60)+"three\n")
	for _, name := range []string{"one", "two", "three"} {
		r.write(name, name+"\n")
	}
	r.git("add", "-A")
	r.now++
	head := r.git("commit-tree", r.git("write-tree"), "-m", "octopus", "-p", heads[0], "-p", heads[1], "-p", heads[2])
	c := r.both(base, head)
	require.Len(t, c.Commits, 4)
	merge := c.Commits[3]
	assert.Equal(t, heads, merge.Parents)
	assert.Equal(t, []string{"modified f"}, brief(merge.Files))
	assert.Equal(t, []string{"evil"}, added(&merge.Files[0]))
	assert.Equal(t, []string{"one", "evil", "two", "three"}, added(c.File("f")))
}

// A root commit that a branch merged in: everything it has is brought in.
func TestMergedRoot(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	r.git("checkout", "-q", "--orphan", "other")
	r.git("rm", "-q", "-rf", ".")
	r.commit("root", "lib/x", "x\n", "lib/gone", "secret\n")
	r.commit("empty")
	r.commit("clean", "lib/gone", "-")
	r.git("checkout", "-q", "-b", "topic", base)
	r.now++
	r.git("merge", "-q", "--allow-unrelated-histories", "-m", "join", "other")
	head := r.commit("empty too")
	c := r.both(base, head)
	var subjects []string
	for _, s := range c.Commits {
		subjects = append(subjects, s.Subject)
	}
	assert.Equal(t, []string{"root", "empty", "clean", "join", "empty too"}, subjects)
	assert.Equal(t, []string{"added lib/gone", "added lib/x"}, brief(c.Commits[0].Files))
	assert.Empty(t, c.Commits[0].Parents)
	assert.Empty(t, c.Commits[1].Files)
	assert.Empty(t, c.Commits[3].Files, "nothing that a parent did not have")
	assert.Empty(t, c.Commits[4].Files)
	assert.Equal(t, []string{"added lib/x"}, brief(c.Files))
	assert.Equal(t, 2, c.Blobs, "the one that is gone again as well")
}

func TestSubmodule(t *testing.T) {
	r := newRepo(t)
	one, two := strings.Repeat("1", 40), strings.Repeat("2", 40)
	link := func(id, path string) { r.git("update-index", "--add", "--cacheinfo", "160000,"+id+","+path) }
	link(one, "moved")
	link(one, "gone")
	link(one, "inlined")
	base := r.record("base")
	r.git("update-index", "--force-remove", "gone", "inlined")
	link(two, "moved")
	link(two, "new")
	r.git("update-index", "--add", "--cacheinfo", "100644,"+r.blob(strings.NewReader("x\n"))+",inlined")
	head := r.record("bump")
	c := r.both(base, head)
	assert.Equal(t, []string{"deleted gone", "modified inlined", "modified moved", "added new"}, brief(c.Files))
	at := map[string]string{}
	for _, f := range c.Files {
		at[f.Path] = f.Submodule
	}
	assert.Equal(t, map[string]string{"gone": one + "..", "inlined": one + "..", "moved": one + ".." + two, "new": ".." + two}, at)
	assert.Equal(t, []string{"x"}, added(c.File("inlined")))
	assert.Equal(t, []change.Skip{{Path: "moved", Why: change.WhySubmodule}, {Path: "new", Why: change.WhySubmodule}}, c.Elsewhere)
	assert.Empty(t, c.Skipped)
	assert.Equal(t, 1, c.Blobs)
}

func TestLFS(t *testing.T) {
	r := newRepo(t)
	pointer := func(n int) string {
		return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%064x\nsize %d\n", n, n)
	}
	base := r.commit("base", "kept.bin", pointer(1), "moved.bin", pointer(2), "bumped.bin", pointer(3))
	r.commit("first", "bumped.bin", pointer(4), "passing.bin", pointer(5))
	r.git("mv", "moved.bin", "elsewhere.bin")
	head := r.commit("second", "bumped.bin", pointer(6), "passing.bin", "-")
	c := r.both(base, head)
	why := change.WhyPointer
	assert.Equal(t, []change.Skip{{Path: "bumped.bin", Why: why}, {Path: "passing.bin", Why: why}}, c.Skipped)
	f := c.File("bumped.bin")
	assert.Equal(t, fmt.Sprintf("sha256:%064x", 6), f.LFS)
	assert.Empty(t, f.Skip, "the pointer is looked at")
	assert.Equal(t, []string{fmt.Sprintf("oid sha256:%064x", 6), "size 6"}, added(f))
	assert.NotEmpty(t, c.File("elsewhere.bin").LFS)
}

func TestCopies(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "lib/far.go", lines(1, 30), "near.go", lines(100, 140), "other", "other\n")
	head := r.commit("copy", "copy.go", lines(1, 30), "near.go", lines(100, 140)+"more\n", "like.go", lines(100, 138)+"own\n", "own.go", lines(500, 520))
	c := r.both(base, head)
	assert.Equal(t, []string{"added copy.go", "added like.go", "modified near.go", "added own.go"}, brief(c.Files))
	assert.Equal(t, "lib/far.go", c.File("copy.go").CopyOf)
	assert.Equal(t, "near.go", c.File("like.go").CopyOf)
	assert.Empty(t, c.File("own.go").CopyOf)
	assert.Empty(t, c.File("near.go").CopyOf)
	assert.Len(t, added(c.File("copy.go")), 30, "a copy brings all its lines in")
	assert.Len(t, added(c.File("like.go")), 40)
}

// Names that a work tree on some systems would take for one are two files.
func TestCaseCollision(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	var tree []byte
	for _, name := range []string{"Main.tf", "a", "main.tf"} {
		tree = append(tree, rawEntry(t, "100644", name, r.blob(strings.NewReader("content of "+name+"\n")))...)
	}
	c := r.both(base, r.tree(tree, base))
	assert.Equal(t, []string{"content of Main.tf"}, added(c.File("Main.tf")))
	assert.Equal(t, []string{"content of main.tf"}, added(c.File("main.tf")))
}

// What a repository says of its files in .gitattributes changes nothing.
func TestAttributesAreIgnored(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a.txt", "1\n")
	head := r.commit("hide", ".gitattributes", "* -diff\n*.txt binary\n*.pem export-ignore\n*.env filter=secret working-tree-encoding=UTF-16\n",
		"a.txt", "1\n2\n", "key.pem", "k\n", "sub/.gitattributes", "* -text\n", "sub/b.txt", "b\n")
	c := r.both(base, head)
	assert.Equal(t, []string{"2"}, added(c.File("a.txt")))
	for _, path := range []string{"key.pem", "sub/b.txt"} {
		assert.Len(t, added(c.File(path)), 1, path)
	}
	for _, f := range c.Files {
		assert.False(t, f.Binary, f.Path)
	}
}

func utf16le(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestLines(t *testing.T) {
	r := newRepo(t)
	long := strings.Repeat("x", 300_000)
	base := r.commit("base", "crlf", "a\r\nb\r\n", "cr", "a\rb\r", "wide", utf16le("a\nb\n"), "narrow", "a\n", "long", long+"\n", "eof", "a")
	head := r.commit("head", "crlf", "a\nb\n", "cr", "a\rb\rc\r", "wide", utf16le("a\nb\nc\n"), "narrow", utf16le("a\n"), "long", long+"y\n", "eof", "a\n")
	c := r.both(base, head)
	assert.Equal(t, []string{"a", "b"}, added(c.File("crlf")))
	assert.Equal(t, []string{"a\rb\rc\r"}, added(c.File("cr")), "as for git, a CR ends no line")
	assert.Equal(t, []string{"c"}, added(c.File("wide")))
	assert.Equal(t, change.UTF16LE, c.File("wide").Encoding)
	assert.False(t, c.File("wide").Binary)
	assert.Empty(t, added(c.File("narrow")), "the same text, written in another way")
	assert.Equal(t, []string{long + "y"}, added(c.File("long")))
	assert.Equal(t, []string{"a"}, added(c.File("eof")))
}

// Beyond what a forge's API lists: 300 commits, 3,100 files.
func TestManyCommitsAndFiles(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n")
	var b bytes.Buffer
	for i := range 300 {
		at := 1_700_001_000 + i
		fmt.Fprintf(&b, "commit refs/heads/topic\ncommitter dev <dev@example.com> %d +0000\ndata <<E\nstep %d\nE\n", at, i)
		if i == 0 {
			fmt.Fprintf(&b, "from %s\n", base)
			for j := range 3100 {
				fmt.Fprintf(&b, "M 100644 inline d%d/f%d\ndata <<E\nfile %d\nE\n", j%100, j, j)
			}
		}
		fmt.Fprintf(&b, "M 100644 inline again\ndata <<E\nversion %d\nE\n\n", i)
	}
	r.feed(&b, "fast-import", "--quiet")
	head := r.git("rev-parse", "topic")
	f := &Fetcher{}
	c, s := r.fetch(f, base, head)
	assert.Equal(t, 2, s.count())
	assert.Len(t, c.Commits, 300)
	assert.Len(t, c.Files, 3101)
	assert.Equal(t, 3100+300, c.Blobs)
	assert.Empty(t, c.Skipped)
	for i, step := range c.Commits {
		last := step.Files[0]
		assert.Equal(t, []string{fmt.Sprint("version ", i)}, added(&last))
	}
	again, s := r.fetch(f, base, head)
	assert.Equal(t, 2, s.count())
	assert.Equal(t, c.Files, again.Files)
}

// The base branch moved on, and its history was rewritten to leave the merge
// base out: the merge base is still what the change is compared with.
func TestBaseMovedAhead(t *testing.T) {
	r := newRepo(t)
	base := r.commit("base", "a", "a\n", "b", "b\n")
	r.git("checkout", "-q", "-b", "topic")
	head := r.commit("topic", "t", "t\n")
	r.git("checkout", "-q", "main")
	for i := range 5 {
		r.commit("main", "a", fmt.Sprint(i, "\n"))
	}
	r.commit("main", "b", "-")
	c := r.both("main", head)
	assert.Equal(t, base, c.Base)
	assert.Equal(t, []string{"added t"}, brief(c.Files), "what main did is not undone by the change")
}
