package secret

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/detect"
)

// A document is a file of the corpus.
type document struct{ path, text string }

// corpus returns every nth file below dir, in the order of their names.
func corpus(t testing.TB, dir string, nth int) (all []document, size int) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if n++; n%nth != 0 {
			return nil
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all = append(all, document{filepath.ToSlash(name), string(content)})
		size += len(content)
		return err
	})
	require.NoError(t, err)
	return all, size
}

func source() string { return filepath.Join(runtime.GOROOT(), "src") }

// asGitleaks is an engine of gitleaks' rules that takes them as gitleaks does:
// none of the differences that TestReasonedDifferences and TestEvasion are about.
func asGitleaks(t testing.TB) *engine {
	t.Helper()
	f, err := theirRules()
	require.NoError(t, err)
	everywhere := excuses(f.Allowlists)
	all := theirPatterns(f)
	for i, p := range all {
		p.excuses = append(slices.Clone(everywhere), excuses(f.Rules[i].Allowlists)...)
		p.digest, p.whole, p.tail = nil, false, nil
		for j := range p.excuses {
			if p.excuses[j].target == "line" {
				p.excuses[j].regexes = []*expression{express(`[^\s\S]`)} // as the oracle has it
			}
		}
	}
	e, err := compile(all)
	require.NoError(t, err)
	return e
}

// detector is gitleaks' detector as it comes, but for what depends on a path
// or a mark in the text.
func detector(t testing.TB) *detect.Detector {
	t.Helper()
	d := oracle(t)
	for id, r := range d.Config.Rules {
		for _, a := range r.Allowlists {
			require.NoError(t, a.Validate())
		}
		d.Config.Rules[id] = r
	}
	for _, a := range d.Config.Allowlists {
		require.NoError(t, a.Validate())
	}
	return d
}

// A sighting is what both sides can tell of a finding.
type sighting struct {
	rule   string
	line   int
	secret string
}

func theirs(d *detect.Detector, doc document) []sighting {
	var all []sighting
	for _, f := range d.Detect(detect.Fragment{Raw: doc.text, FilePath: doc.path}) {
		all = append(all, sighting{f.RuleID, f.StartLine, f.Secret})
	}
	return all
}

func ours(t testing.TB, e *engine, doc document) []sighting {
	found, err := e.search(context.Background(), doc.path, doc.text, 0, len(doc.text), 0)
	require.NoError(t, err)
	var all []sighting
	for _, m := range found {
		all = append(all, sighting{strings.TrimPrefix(m.pattern.rule.ID, "secret/"), strings.Count(doc.text[:m.start], "\n"), doc.text[m.from:m.to]})
	}
	for _, p := range e.patterns {
		if p.expr == nil && p.path.matches(doc.path) {
			all = append(all, sighting{rule: strings.TrimPrefix(p.rule.ID, "secret/")})
		}
	}
	return withoutGeneric(all)
}

// withoutGeneric takes out what gitleaks takes out in the end: any value that
// is part of what another rule says more of on the same line.
func withoutGeneric(all []sighting) []sighting {
	return slices.DeleteFunc(slices.Clone(all), func(s sighting) bool {
		return s.rule == "generic-api-key" && slices.ContainsFunc(all, func(o sighting) bool {
			return o.rule != s.rule && o.line == s.line && strings.Contains(o.secret, s.secret)
		})
	})
}

// differences returns what only gitleaks finds in doc, and what only we do.
func differences(t testing.TB, e *engine, d *detect.Detector, doc document) (missed, more []sighting) {
	a, b := theirs(d, doc), ours(t, e, doc)
	count := map[sighting]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for s, n := range count {
		for ; n > 0; n-- {
			missed = append(missed, s)
		}
		for ; n < 0; n++ {
			more = append(more, s)
		}
	}
	return missed, more
}

// TestAgainstGitleaks compares the findings with those of gitleaks' own
// detector, in files of which many are made of secrets: its own, and the
// cryptography of Go. PULLWARDEN_CORPUS=DIR takes the files of DIR instead.
func TestAgainstGitleaks(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/zricethezav/gitleaks/v8").Output()
	require.NoError(t, err)
	dirs := []string{strings.TrimSpace(string(out)), filepath.Join(source(), "crypto")}
	if dir := os.Getenv("PULLWARDEN_CORPUS"); dir != "" {
		dirs = []string{dir}
	}
	nth := 1
	if testing.Short() {
		nth = 10
	}
	e, d := asGitleaks(t), detector(t)
	same, further, bytes := 0, 0, 0
	for _, dir := range dirs {
		docs, size := corpus(t, dir, nth)
		bytes += size
		for _, doc := range docs {
			missed, more := differences(t, e, d, doc)
			for _, s := range missed {
				assert.Fail(t, "only gitleaks finds it", "%s in %s:%d", s.rule, doc.path, s.line+1)
			}
			for _, s := range more {
				// A value that does not count does not hide one that begins in it: see retry.
				t.Logf("only we find %s in %s:%d", s.rule, doc.path, s.line+1)
				further++
			}
			same += len(ours(t, e, doc)) - len(more)
		}
	}
	t.Logf("%d bytes: %d findings are the same, %d are ours alone", bytes, same, further)
	if len(dirs) > 1 {
		assert.Greater(t, same, 50)
	}
	assert.LessOrEqual(t, further, same/20)
}

func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkAgainstGitleaks measures megabytes per second of processor time, of
// both in turns on the same files, one goroutine each: as they are, and with
// what is encoded in them decoded once and twice.
func BenchmarkAgainstGitleaks(b *testing.B) {
	docs, size := corpus(b, source(), 2)
	previous := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(previous)
	for depth := range deepest + 1 {
		b.Run(fmt.Sprintf("decoded=%d", depth), func(b *testing.B) {
			b.SetBytes(int64(size))
			e, d := asGitleaks(b), detector(b)
			d.MaxDecodeDepth = depth
			look := func(doc document) int { return len(ours(b, e, doc)) }
			if depth > 0 {
				look = func(doc document) int {
					found, err := e.search(context.Background(), doc.path, doc.text, 0, len(doc.text), depth)
					require.NoError(b, err)
					return len(distinct(found))
				}
			}
			var mine, other time.Duration
			var n, m int
			for b.Loop() {
				n, m = 0, 0
				start := cpu()
				for _, doc := range docs {
					n += look(doc)
				}
				mine += cpu() - start
				start = cpu()
				for _, doc := range docs {
					m += len(theirs(d, doc))
				}
				other += cpu() - start
			}
			if depth == 0 {
				require.Equal(b, m, n, "findings")
			}
			rate := func(took time.Duration) float64 { return float64(size) * float64(b.N) / 1e6 / took.Seconds() }
			b.ReportMetric(rate(mine), "MB/cpu-s")
			b.ReportMetric(rate(other), "gitleaks-MB/cpu-s")
			b.ReportMetric(rate(mine)/rate(other), "x-gitleaks")
			b.ReportMetric(float64(n), "findings")
			b.ReportMetric(float64(m), "gitleaks-findings")
		})
	}
}
