package secret

import (
	"context"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// BenchmarkPullRequest is a pull request that adds 20 KB to twenty files of Go.
func BenchmarkPullRequest(b *testing.B) {
	docs, _ := corpus(b, source(), 100)
	snap := scan.Snapshot{Side: scan.After, Contents: contents{}}
	size := 0
	for _, d := range docs {
		if !strings.HasSuffix(d.path, ".go") || len(d.text) < 1000 || len(snap.Files) == 20 {
			continue
		}
		text := d.text[:1000]
		size += len(text)
		id := change.HashBlob([]byte(text))
		snap.Contents.(contents)[id] = text
		snap.Files = append(snap.Files, change.File{Path: d.path, Kind: change.Added, NewBlob: id, Hunks: change.Diff(nil, []byte(text))})
	}
	require.Len(b, snap.Files, 20)
	s := New()
	_, err := s.Inspect(context.Background(), snap)
	require.NoError(b, err)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		_, err := s.Inspect(context.Background(), snap)
		require.NoError(b, err)
	}
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
}

// BenchmarkStart is the way from nothing to the first file that is searched.
func BenchmarkStart(b *testing.B) {
	start := cpu()
	for b.Loop() {
		e, err := newEngine()
		require.NoError(b, err)
		_, err = e.search(context.Background(), "a", "token = \""+githubToken+"\"\n", 0, 50, 0)
		require.NoError(b, err)
	}
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
}

// oneLine is a line of size bytes as minified code has it.
func oneLine(size int) string {
	r := rand.New(rand.NewSource(1))
	var b strings.Builder
	b.Grow(size + 100)
	for b.Len() < size {
		fmt.Fprintf(&b, `e.key%d=function(t,n){return n.token?t.api("%x",n):{auth:!0,secret:null}},`, r.Intn(1000), r.Int63())
	}
	return b.String()[:size]
}

// peak is the most memory that the runtime holds while f runs, over what it held before.
func peak(f func()) uint64 {
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	done, most := make(chan bool), uint64(0)
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
			return most - min(most, before.HeapInuse)
		case <-time.After(5 * time.Millisecond):
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
		}
	}
}

// TestOneLongLine: 100 MB on one line are looked at in seconds, in little memory
// beyond the text itself.
func TestOneLongLine(t *testing.T) {
	size := 100_000_000
	if testing.Short() {
		size /= 10
	}
	text := oneLine(size-len(githubToken)-1) + ";" + githubToken
	e, err := newEngine()
	require.NoError(t, err)
	start := cpu()
	var found []match
	more := peak(func() { found, err = e.find(context.Background(), "min.js", wholePiece(text)) })
	took := cpu() - start
	require.NoError(t, err)
	require.NotEmpty(t, found)
	assert.Equal(t, "secret/github-pat", found[len(found)-1].pattern.rule.ID)
	t.Logf("%d bytes in %v of processor time, %d MiB more", size, took, more>>20)
	assert.Less(t, took, 15*time.Second)
	assert.Less(t, more, uint64(64<<20))
}
