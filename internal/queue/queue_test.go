package queue_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	"github.com/pullwarden/pullwarden/internal/store/storetest"
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

// TestAtOnce: one transaction accepts several events of one key, of which the
// later stands, and one delivery several times.
func TestAtOnce(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *sql.DB{
		"sqlite":   func(t *testing.T) *sql.DB { return openFile(t, filepath.Join(t.TempDir(), "pullwarden.db")) },
		"postgres": func(t *testing.T) *sql.DB { return openURL(t, storetest.Postgres(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			db := open(t)
			q, err := queue.Open(ctx, db, queue.Options{})
			require.NoError(t, err)
			at := func(number int, sha string) forge.Event {
				e := push(number)
				e.SHA = sha
				return e
			}
			came := func(added ...forge.Repo) forge.Event {
				return forge.Event{Kind: forge.Installed, Installation: 3, Delivery: "i", Added: added, Received: push(1).Received}
			}
			a, b := forge.Repo{ID: 1, Name: "a"}, forge.Repo{ID: 2, Name: "b"}
			for range 2 { // new keys, and known ones
				require.NoError(t, q.AcceptAtOnce(ctx, at(1, "first"), at(2, "x"), came(a), at(1, "second"), came(b), at(1, "last")))
			}
			var l log
			serve(t, db, queue.Options{}, func(_ context.Context, e forge.Event) error {
				l.add(e)
				return nil
			})
			require.NoError(t, q.Idle(ctx))
			assert.ElementsMatch(t, []forge.Event{at(1, "last"), at(2, "x"), came(a, b)}, l.all())
			times := map[string]int{}
			rows, err := db.Query(`SELECT key, times FROM deliveries`)
			require.NoError(t, err)
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var key string
				var n int
				require.NoError(t, rows.Scan(&key, &n))
				times[key] = n
			}
			assert.Equal(t, map[string]int{"pull/7/1": 6, "pull/7/2": 2, "installation/3": 4}, times)
		})
	}
}

// TestKillAccepting kills a process while many senders deliver to it: all that
// was acknowledged to them is there.
func TestKillAccepting(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		killAccepting(t, "sqlite:"+filepath.Join(t.TempDir(), "pullwarden.db"))
	})
	t.Run("postgres", func(t *testing.T) { killAccepting(t, storetest.Postgres(t)) })
}

func killAccepting(t *testing.T, url string) {
	acknowledged := map[int]bool{}
	for round := range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), "QUEUE_TEST_URL="+url, "QUEUE_TEST_WHEN=accepting", fmt.Sprintf("QUEUE_TEST_ROUND=%d", round))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		enough := len(acknowledged) + 50 + rand.N(100)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			require.NoError(t, err)
			acknowledged[n] = true
			if len(acknowledged) == enough {
				break
			}
		}
		require.NoError(t, child.Process.Kill())
		for lines.Scan() { // what it had still said
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged[n] = true
			}
		}
		require.ErrorContains(t, child.Wait(), "killed")
	}
	require.Greater(t, len(acknowledged), 150)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var mu sync.Mutex
	worked := map[int]bool{}
	q := serve(t, openURL(t, url), queue.Options{Lease: childLease}, func(_ context.Context, e forge.Event) error {
		mu.Lock()
		defer mu.Unlock()
		worked[e.Number] = true
		return nil
	})
	require.NoError(t, q.Idle(ctx))
	for n := range acknowledged {
		assert.True(t, worked[n], "%d was acknowledged and is lost", n)
	}
	t.Logf("acknowledged %d, worked off %d", len(acknowledged), len(worked))
}

// acceptUntilKilled accepts with many senders and says each time what was accepted.
func acceptUntilKilled(t *testing.T, q *queue.Queue) {
	round, err := strconv.Atoi(os.Getenv("QUEUE_TEST_ROUND"))
	require.NoError(t, err)
	const most = 300 // what was accepted has to be worked off, too
	var next atomic.Int64
	var senders sync.WaitGroup
	for range 32 {
		senders.Go(func() {
			for n := int(next.Add(1)); n <= most; n = int(next.Add(1)) {
				e := push(round*most + n)
				if err := q.Accept(context.Background(), e, e.Key()); err != nil {
					t.Error(err)
					return
				}
				_, _ = fmt.Fprintf(os.Stdout, "%d\n", e.Number)
			}
		})
	}
	senders.Wait()
	time.Sleep(time.Minute)
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
	if when == "accepting" {
		acceptUntilKilled(t, q)
		return
	}
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
