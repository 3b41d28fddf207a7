package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
)

const benchRounds = 7 // each a run of every side, one after the other

// A run is what one way to read the pull request cost.
type run struct {
	took     time.Duration
	bytes    int64 // that the server sent
	requests int
	peak     int64         // bytes of memory over what was held before; of ours only
	trees    time.Duration // part of took that requests for trees alone took; of ours only
}

// median takes each figure's own.
func median(runs []run) (m run) {
	pick := func(of func(run) int64) int64 {
		var all []int64
		for _, r := range runs {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m.took = time.Duration(pick(func(r run) int64 { return int64(r.took) }))
	m.trees = time.Duration(pick(func(r run) int64 { return int64(r.trees) }))
	m.bytes = pick(func(r run) int64 { return r.bytes })
	m.requests = int(pick(func(r run) int64 { return int64(r.requests) }))
	m.peak = pick(func(r run) int64 { return r.peak })
	return m
}

// least is the median, with the shortest time, and the shortest apart from trees.
func least(runs []run) (m run, apart time.Duration) {
	m, apart = median(runs), time.Hour
	for _, r := range runs {
		m.took, apart = min(m.took, r.took), min(apart, r.took-r.trees)
	}
	return m, apart
}

// A stopwatch adds up the time that requests for trees alone take.
type stopwatch struct{ trees time.Duration }

func (w *stopwatch) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	text, _ := io.ReadAll(body)
	start := time.Now()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && bytes.Contains(text, []byte("filter tree:0")) && !bytes.Contains(text, []byte("deepen")) {
		res.Body = &timed{res.Body, w, start}
	}
	return res, err
}

type timed struct {
	io.ReadCloser
	of    *stopwatch
	start time.Time
}

func (t *timed) Close() error {
	t.of.trees += time.Since(t.start)
	return t.ReadCloser.Close()
}

func (r run) String() string {
	text := fmt.Sprintf("%4d ms, %8d bytes, %d requests", r.took.Milliseconds(), r.bytes, r.requests)
	if r.peak > 0 {
		text += fmt.Sprintf(", %.1f MiB", float64(r.peak)/mib)
	}
	return text
}

// measure runs read against s.
func (s *server) measure(read func()) run {
	s.mu.Lock()
	sent, n := s.sent, len(s.requests)
	s.mu.Unlock()
	start := time.Now()
	read()
	r := run{took: time.Since(start)}
	time.Sleep(10 * time.Millisecond) // what was cut short may still be on its way
	s.mu.Lock()
	defer s.mu.Unlock()
	r.bytes, r.requests = s.sent-sent, len(s.requests)-n
	return r
}

// ours reads the pull request with f.
func (l *large) ours(s *server, f *Fetcher) run {
	w := new(stopwatch)
	f.Client = &http.Client{Transport: w}
	ahead := l.ahead(l.base, l.head)
	held := watchMemory()
	var c *change.Change
	r := s.measure(func() {
		var err error
		c, err = f.Change(context.Background(), s.remote(l.repo), l.base, l.head, ahead)
		require.NoError(l.t, err)
	})
	r.peak, r.trees = held(), w.trees
	require.Len(l.t, c.Commits, ahead)
	require.Empty(l.t, c.Skipped)
	return r
}

// watchMemory samples the memory of this process, the server's side of HTTP
// included, until the function it returns is called, which tells the most that
// was held beyond the beginning.
func watchMemory() (peak func() int64) {
	debug.FreeOSMemory()
	held := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
	}
	idle := held()
	var most atomic.Int64
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			most.Store(max(most.Load(), held()-idle))
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		return most.Load()
	}
}

// clone is an empty repository for the git binary to fetch into.
func (l *large) clone(s *server) func(in string, args ...string) string {
	dir := l.t.TempDir()
	run := func(in string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(in)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}
		out, err := cmd.Output()
		require.NoError(l.t, err, "git %v", args)
		return string(out)
	}
	run("", "init", "-q", "--bare", ".")
	run("", "remote", "add", "origin", s.remote(l.repo).URL)
	run("", "config", "gc.auto", "0")
	return run
}

// byDepth is git fetch --depth and git diff. The depth is the least that holds
// the merge base.
func (l *large) byDepth(s *server) run {
	depth := fmt.Sprint("--depth=", l.ahead(l.base, l.head)+1)
	git := l.clone(s)
	return s.measure(func() {
		git("", "fetch", "-q", "--no-tags", depth, "origin", l.head)
		require.NotEmpty(l.t, git("", "diff", l.base, l.head))
	})
}

// byPartial is the best that we know how to do with the git binary: the same
// depth without blobs, then in one batch the blobs that differ, then git diff.
func (l *large) byPartial(s *server) run {
	depth := fmt.Sprint("--depth=", l.ahead(l.base, l.head)+1)
	git := l.clone(s)
	return s.measure(func() {
		git("", "fetch", "-q", "--no-tags", depth, "--filter=blob:none", "origin", l.head)
		raw := git("", "log", "--raw", "--no-abbrev", "--no-renames", "--format=", l.base+".."+l.head) +
			git("", "diff-tree", "-r", "--raw", "--no-abbrev", "--no-renames", l.base, l.head)
		git(strings.Join(idsOf(raw), "\n")+"\n", "-c", "fetch.negotiationAlgorithm=noop", "fetch", "-q", "origin", "--no-tags",
			"--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin")
		require.NotEmpty(l.t, git("", "diff", l.base, l.head))
	})
}

// idsOf returns the objects in git's raw format, each once.
func idsOf(raw string) []string {
	var ids []string
	for _, line := range strings.Split(raw, "\n") {
		if f := strings.Fields(line); len(f) > 4 && f[0][0] == ':' {
			for _, id := range f[2:4] {
				if strings.Trim(id, "0") != "" {
					ids = append(ids, id)
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// least is the size of one pack of what is needed at the very least: the
// changed blobs, the trees on their paths and the commits.
func (l *large) least() int64 {
	commits := append(strings.Fields(l.git("rev-list", l.base+".."+l.head)), l.base)
	raw := l.git("log", "--raw", "-t", "--no-abbrev", "--no-renames", "--format=", l.base+".."+l.head) + "\n" +
		l.git("diff-tree", "-r", "-t", "--raw", "--no-abbrev", l.base, l.head)
	ids := append(idsOf(raw), commits...)
	for _, c := range commits {
		ids = append(ids, l.git("rev-parse", c+"^{tree}"))
	}
	pack := l.feed(strings.NewReader(strings.Join(ids, "\n")+"\n"), "-c", "core.pager=", "pack-objects", "-q", "--stdout", "--delta-base-offset")
	return int64(len(pack))
}

// BenchmarkAgainstGit reads one pull request of a large repository with our
// client and with the git binary, from the same server over loopback. Figures
// are medians of wall time. "first" is a Fetcher that never saw the
// repository, "again" one that did.
func BenchmarkAgainstGit(b *testing.B) {
	if testing.Short() {
		b.Skip("generates a repository of 50,000 files")
	}
	l := newLarge(b, sized{50_000, 20_000, 20})
	s := l.serve()
	for b.Loop() {
		var first, again, depth, partial []run
		for range benchRounds {
			f := &Fetcher{}
			first = append(first, l.ours(s, f))
			partial = append(partial, l.byPartial(s))
			again = append(again, l.ours(s, f))
			depth = append(depth, l.byDepth(s))
		}
		o, a, d, p, least := median(first), median(again), median(depth), median(partial), l.least()
		b.Logf("git %s, %s, %d cores\nours, first:  %v\nours, again:  %v\ngit, partial: %v\ngit, depth:   %v\nat the least: %d bytes",
			strings.TrimPrefix(l.git("version"), "git version "), runtime.Version(), runtime.NumCPU(), o, a, p, d, least)
		b.ReportMetric(ratio(d.took, o.took), "x-git-depth")
		b.ReportMetric(ratio(p.took, o.took), "x-git-partial")
		b.ReportMetric(ratio(d.took, a.took), "x-git-depth-again")
		b.ReportMetric(ratio(p.took, a.took), "x-git-partial-again")
		b.ReportMetric(ratio(o.bytes, p.bytes), "bytes/git-partial")
		b.ReportMetric(ratio(o.bytes, least), "bytes/least")
		b.ReportMetric(ratio(a.bytes, least), "bytes/least-again")
		b.ReportMetric(float64(max(o.peak, a.peak))/mib, "peak-MiB")
		b.ReportMetric(0, "ns/op")
	}
}

// ratio returns how many times b is in a.
func ratio[T time.Duration | int64](a, b T) float64 { return float64(a) / float64(b) }

// BenchmarkManyFiles reads a pull request of 3,000 files.
func BenchmarkManyFiles(b *testing.B) {
	if testing.Short() {
		b.Skip("generates a repository of 10,000 files")
	}
	l := newLarge(b, sized{10_000, 1000, 3000})
	s := l.serve()
	for b.Loop() {
		var runs []run
		for range benchRounds {
			runs = append(runs, l.ours(s, &Fetcher{}))
		}
		m := median(runs)
		b.Logf("3,000 files: %v", m)
		b.ReportMetric(m.took.Seconds(), "s/3000-files")
		b.ReportMetric(float64(m.peak)/mib, "peak-MiB")
		b.ReportMetric(0, "ns/op")
	}
}

// BenchmarkRepositorySize reads the same pull request out of repositories of
// several sizes: as it comes, with all trees up to Limits.Trees, and level by
// level, where the number of files plays no part. Times are the least of the
// rounds: what else the machine does only adds to them.
func BenchmarkRepositorySize(b *testing.B) {
	if testing.Short() {
		b.Skip("generates repositories of up to 50,000 files")
	}
	sizes := []int{1000, 10_000, 50_000}
	var repos []*large
	var servers []*server
	for _, n := range sizes {
		repos = append(repos, newLarge(b, sized{n, 20_000, 20}))
		servers = append(servers, repos[len(repos)-1].serve())
	}
	for b.Loop() {
		asItComes, byLevel := make([][]run, len(sizes)), make([][]run, len(sizes))
		for range 3 * benchRounds {
			for i, l := range repos {
				f, levels := &Fetcher{}, &Fetcher{}
				levels.remember(servers[i].remote(l.repo), true)
				asItComes[i] = append(asItComes[i], l.ours(servers[i], f))
				byLevel[i] = append(byLevel[i], l.ours(servers[i], levels))
			}
		}
		var took, sent []float64
		for i, n := range sizes {
			m, _ := least(asItComes[i])
			x, apart := least(byLevel[i])
			git := repos[i].byPartial(servers[i])
			b.Logf("%6d files, %8d bytes of trees\n  as it comes: %v; %.3f of the bytes of git's partial clone\n  by level:    %v; apart from the requests for trees: %d ms",
				n, repos[i].treeBytes(), m, ratio(m.bytes, git.bytes), x, apart.Milliseconds())
			took, sent = append(took, float64(apart)), append(sent, float64(x.bytes))
		}
		b.ReportMetric(slices.Max(took)/slices.Min(took), "time-apart-from-trees-max/min")
		b.ReportMetric(slices.Max(sent)/slices.Min(sent), "bytes-max/min")
		b.ReportMetric(0, "ns/op")
	}
}

// treeBytes is what the trees of head come to.
func (l *large) treeBytes() (n int) {
	ids := map[string]bool{}
	for _, line := range strings.Split(l.git("ls-tree", "-r", "-t", l.head), "\n") {
		if f := strings.Fields(line); f[1] == "tree" {
			ids[f[2]] = true
		}
	}
	var in strings.Builder
	for id := range ids {
		fmt.Fprintln(&in, id)
	}
	for _, size := range strings.Fields(l.feed(strings.NewReader(in.String()), "cat-file", "--batch-check=%(objectsize)")) {
		var k int
		_, err := fmt.Sscan(size, &k)
		require.NoError(l.t, err)
		n += k
	}
	return n
}
