package load_test

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A cost is what deliveries cost a receiver.
type cost struct {
	each time.Duration // wall time, for one of them
	p99  time.Duration
	cpu  float64 // milliseconds, for one
	peak float64 // MiB
}

// BenchmarkAgainstGoGithubapp delivers the same to our server, on SQLite, and
// to a bare receiver made with go-githubapp and its scheduler in memory, in
// turns, with 16 senders. Ours has each delivery on disk before it answers; the
// peer forgets what it has not worked off when its process ends. Neither has
// work beyond decoding: our workers wait for GitHub.
//
// x-go-githubapp is how many times less wall time a delivery takes with us,
// -cpu and -memory the same of processor time and of the peak of resident
// memory: below 1 it is more.
//
//	go test ./internal/load -run '^$' -bench AgainstGoGithubapp -benchtime 1x
func BenchmarkAgainstGoGithubapp(b *testing.B) {
	const senders, deliveries, rounds = 16, 3000, 5
	program := filepath.Join(b.TempDir(), "gogithubapp")
	out, err := exec.Command("go", "build", "-o", program, "./gogithubapp").CombinedOutput()
	require.NoError(b, err, "%s", out)
	f := pullForm(b)
	run := func(p *process, first int) cost {
		used := p.cpu()
		got := send(b, p.hook, senders, deliveries, 0, func(i int) delivery { return f.nth(first + i) })
		got.accepted(b, deliveries)
		return cost{got.all / deliveries, got.each(0.99), perOne(p.cpu()-used, deliveries), p.peak()}
	}
	for b.Loop() {
		_, text := key(b)
		ours := serve(b, sqlite(b), silent(b), text)
		address := freeAddress(b)
		cmd := exec.CommandContext(b.Context(), program, address)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GITHUB_APP_WEBHOOK_SECRET=" + secret}
		peer := start(b, "gogithubapp", cmd, "http://"+address+"/api/github/hook", "http://"+address+"/healthz")
		var we, they []cost
		for n := range rounds {
			we = append(we, run(ours.process, n*deliveries))
			they = append(they, run(peer, n*deliveries))
		}
		ours.kill()
		ours.again()
		kept, _ := ours.queue()
		require.Equal(b, rounds*deliveries, kept, "keys that wait after a crash")
		x := func(of func(cost) float64) float64 { return median(they, of) / median(we, of) }
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(x(func(c cost) float64 { return float64(c.each) }), "x-go-githubapp")
		b.ReportMetric(x(func(c cost) float64 { return c.cpu }), "x-go-githubapp-cpu")
		b.ReportMetric(x(func(c cost) float64 { return c.peak }), "x-go-githubapp-memory")
		b.Logf("%d rounds of %d deliveries of %d bytes, %d senders; medians", rounds, deliveries, len(f.body), senders)
		b.Logf("ours: %v; after kill -9 and a start, %d of %d are there", told(we), kept, rounds*deliveries)
		b.Logf("go-githubapp %s, QueueAsyncScheduler(100000, 4), go-github %s: %v; after kill -9, none are",
			version(b, program, "github.com/palantir/go-githubapp"), version(b, program, "github.com/google/go-github/v60"), told(they))
	}
}

func told(costs []cost) string {
	each := time.Duration(median(costs, func(c cost) float64 { return float64(c.each) }))
	return fmt.Sprintf("%.0f deliveries/s, p99 %.1f ms, %.3f ms of CPU each, %.0f MiB at the peak", float64(time.Second)/float64(each),
		median(costs, func(c cost) float64 { return c.p99.Seconds() * 1000 }), median(costs, func(c cost) float64 { return c.cpu }),
		median(costs, func(c cost) float64 { return c.peak }))
}

func median(costs []cost, of func(cost) float64) float64 {
	var all []float64
	for _, c := range costs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// version is that of a module in a program.
func version(b *testing.B, program, module string) string {
	info, err := buildinfo.ReadFile(program)
	require.NoError(b, err)
	i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
	require.GreaterOrEqual(b, i, 0, "%s is not in the peer", module)
	return info.Deps[i].Version
}
