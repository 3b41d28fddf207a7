package git

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A large repository, generated: a history on main, and a pull request of five
// commits that left main behindBase commits before its tip.
type large struct {
	*repo
	base, head, tip string
}

// sized is how large.
type sized struct{ files, commits, pullFiles int }

const (
	behindBase  = 60
	pullCommits = 5
	filesInDir  = 20
)

// newLarge generates a repository, or finds it where an earlier run left it:
// in the directory that PULLWARDEN_BENCH_DIR names.
func newLarge(t testing.TB, z sized) *large {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git: install it with the system's package manager")
	}
	in := os.Getenv("PULLWARDEN_BENCH_DIR")
	if in == "" {
		in = t.TempDir()
	}
	l := &large{repo: &repo{t: t, dir: filepath.Join(in, fmt.Sprintf("files-%d-commits-%d-pull-%d", z.files, z.commits, z.pullFiles))}}
	if _, err := os.Stat(filepath.Join(l.dir, ".git", "complete")); err != nil {
		l.generate(z)
	}
	l.tip, l.head = l.git("rev-parse", "main"), l.git("rev-parse", "pull")
	l.base = l.mergeBase(l.tip, l.head)
	return l
}

func (l *large) generate(z sized) {
	require.NoError(l.t, os.RemoveAll(l.dir))
	require.NoError(l.t, os.MkdirAll(l.dir, 0o755))
	l.git("init", "-q", "-b", "main", ".")
	for _, kv := range []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"} {
		l.git("config", kv, "true")
	}
	l.git("config", "gc.auto", "0")
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(w, mib)
		importStream(b, z)
		_ = b.Flush()
		_ = w.Close()
	}()
	l.feed(r, "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--depth=10")
	// As a forge keeps it: one pack with bitmaps and a reverse index, which is
	// git's default since 2.41, and the graph of commits.
	l.git("-c", "pack.writeReverseIndex=true", "repack", "-a", "-d", "-q", "--write-bitmap-index")
	l.git("commit-graph", "write", "--reachable")
	require.NoError(l.t, os.WriteFile(filepath.Join(l.dir, ".git", "complete"), nil, 0o644))
}

// largePath spreads files over directories, three levels deep.
func largePath(i int) string {
	dir := i / filesInDir
	return fmt.Sprintf("area%02d/component%03d/source_%05d.go", dir%50, dir/50, i)
}

// importStream writes the history for git fast-import. What the pull request
// changes is the same whatever the number of files and commits.
func importStream(w io.Writer, z sized) {
	r := rand.New(rand.NewSource(1))
	words := make([]string, 2000)
	for i := range words {
		b := make([]byte, 3+r.Intn(8))
		for j := range b {
			b[j] = byte('a' + r.Intn(26))
		}
		words[i] = string(b)
	}
	mark := 0
	commit := func(ref string, parent int, round string, paths ...int) {
		mark++
		who := fmt.Sprintf("dev <dev@example.com> %d +0000", 1_500_000_000+mark*60)
		fmt.Fprintf(w, "commit %s\nmark :%d\nauthor %s\ncommitter %s\ndata <<END\nchange %s\nEND\n", ref, mark, who, who, round)
		if parent > 0 {
			fmt.Fprintf(w, "from :%d\n", parent)
		}
		for _, i := range paths {
			text := sourceText(words, largePath(i), round)
			fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", largePath(i), len(text), text)
		}
		fmt.Fprintln(w)
	}
	all := make([]int, z.files)
	for i := range all {
		all[i] = i
	}
	reserved := 7 * z.pullFiles // files that only the pull request changes
	if reserved >= z.files {
		reserved = 0
	}
	commit("refs/heads/main", 0, "first", all...)
	other := func() int { return reserved + r.Intn(z.files-reserved) }
	for i := range z.commits - 1 {
		commit("refs/heads/main", mark, fmt.Sprint(i), other(), other())
	}
	parent := mark - behindBase
	for i := range pullCommits {
		var paths []int
		for j := range z.pullFiles / pullCommits {
			paths = append(paths, 7*(i*z.pullFiles/pullCommits+j)%z.files)
		}
		commit("refs/heads/pull", parent, fmt.Sprint("pull ", i), paths...)
		parent = mark
	}
}

// sourceText is the file at path as one round left it: most lines stay.
func sourceText(words []string, path, round string) string {
	at := func(s string) *rand.Rand {
		h := crc32.ChecksumIEEE([]byte(s))
		return rand.New(rand.NewSource(int64(h)))
	}
	stable, fresh := at(path), at(path+round)
	var b strings.Builder
	fmt.Fprintf(&b, "// %s\n", path)
	for range 20 + stable.Intn(80) {
		r := stable
		if fresh.Intn(20) == 0 {
			r = fresh
		}
		b.WriteByte('\t')
		for range 2 + r.Intn(5) {
			b.WriteString(words[r.Intn(len(words))])
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
	}
	return b.String()
}
