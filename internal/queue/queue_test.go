package queue_test

import (
	"bufio"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/queue"
	"github.com/pullwarden/pullwarden/internal/queue/queuetest"
	"github.com/pullwarden/pullwarden/internal/store"
)

func TestSQLite(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) *sql.DB {
		return openFile(t, filepath.Join(t.TempDir(), "pullwarden.db"))
	})
}

func openFile(t *testing.T, file string) *sql.DB {
	db, err := store.Open(context.Background(), "sqlite:"+file, nil)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db.SQL()
}

// TestKill kills a process right after Accept returned, and another one in the
// middle of its work.
func TestKill(t *testing.T) {
	for _, when := range []string{"accepted", "working"} {
		t.Run(when, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pullwarden.db")
			startChild(t, "sqlite:"+file, when)()

			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			q, err := queue.Open(ctx, openFile(t, file), queue.Options{})
			require.NoError(t, err)
			got := make(chan forge.Event, 10)
			ended := make(chan error, 1)
			go func() {
				ended <- q.Run(ctx, func(_ context.Context, e forge.Event) error {
					got <- e
					return nil
				})
			}()
			began := time.Now()
			require.NoError(t, q.Idle(ctx))
			assert.Less(t, time.Since(began), 5*time.Second)
			cancel()
			require.NoError(t, <-ended)
			require.Len(t, got, 1)
			want := push(1)
			if when == "working" {
				want.Crashes = 1 // a change that ends the process is not tried for ever
			}
			assert.Equal(t, want, <-got)
		})
	}
}

func push(number int) forge.Event {
	return forge.Event{Kind: forge.PullChanged, Delivery: "d", Number: number, SHA: strings.Repeat("a", 40),
		Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Repo: forge.Repo{ID: 7, Owner: "acme", Name: "site"}}
}

const (
	childLease   = 2 * time.Second
	childWorkers = 4
)

// startChild starts a process that works on the database at url, and returns
// once it has come so far. kill kills it.
func startChild(t *testing.T, url, when string) (kill func()) {
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), "QUEUE_TEST_URL="+url, "QUEUE_TEST_WHEN="+when)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	kill = sync.OnceFunc(func() {
		require.NoError(t, child.Process.Kill())
		require.ErrorContains(t, child.Wait(), "killed")
	})
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != when {
	}
	require.Equal(t, when, lines.Text())
	return kill
}

// TestChild is the process that startChild starts. It accepts, and gets stuck
// in as many handlers as it has workers, or as there is work.
func TestChild(t *testing.T) {
	url, when := os.Getenv("QUEUE_TEST_URL"), os.Getenv("QUEUE_TEST_WHEN")
	if url == "" {
		t.Skip("only in the child of another test")
	}
	ctx := context.Background()
	db, err := store.Open(ctx, url, nil)
	require.NoError(t, err)
	q, err := queue.Open(ctx, db.SQL(), queue.Options{Lease: childLease, Workers: childWorkers})
	require.NoError(t, err)
	pulls, begin := 1, 1
	if when == "sharing" {
		pulls, begin = childWorkers+2, childWorkers
	}
	for n := range pulls {
		require.NoError(t, q.Accept(ctx, push(n+1), push(n+1).Key()))
	}
	if when == "accepted" {
		_, _ = os.Stdout.WriteString("accepted\n")
		time.Sleep(time.Minute)
	}
	var begun atomic.Int64
	_ = q.Run(ctx, func(context.Context, forge.Event) error {
		if begun.Add(1) == int64(begin) {
			_, _ = os.Stdout.WriteString(when + "\n")
		}
		time.Sleep(time.Minute)
		return nil
	})
}

func TestBackoff(t *testing.T) {
	for attempt, least := range map[int]time.Duration{1: 2 * time.Second, 2: 6 * time.Second, 3: 18 * time.Second, 9: 5 * time.Minute} {
		wait := queue.Backoff(attempt)
		assert.GreaterOrEqual(t, wait, least)
		assert.LessOrEqual(t, wait, least+least/4)
	}
}
