package git

import (
	"context"
	"fmt"
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

const benchRounds = 5 // each a run of every side, one after the other

// A run is what one way to read the pull request cost.
type run struct {
	took     time.Duration
	bytes    int64 // that the server sent
	requests int
	peak     int64 // bytes of memory over what was held before; of ours only
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
	m.bytes = pick(func(r run) int64 { return r.bytes })
	m.requests = int(pick(func(r run) int64 { return int64(r.requests) }))
	m.peak = pick(func(r run) int64 { return r.peak })
	return m
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
	ahead := l.ahead(l.base, l.head)
	held := watchMemory()
	var c *change.Change
	r := s.measure(func() {
		var err error
		c, err = f.Change(context.Background(), s.remote(l.repo), l.base, l.head, ahead)
		require.NoError(l.t, err)
	})
	r.peak = held()
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
	l := newLarge(b, 50_000, 20_000)
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

func ratio[T time.Duration | int64](a, b T) float64 { return float64(a) / float64(b) }
