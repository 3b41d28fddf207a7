package queue_test

import (
	"bufio"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
			child := exec.Command(os.Args[0], "-test.run=^TestChild$")
			child.Env = append(os.Environ(), "QUEUE_TEST_FILE="+file, "QUEUE_TEST_WHEN="+when)
			child.Stderr = os.Stderr
			out, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != when {
			}
			require.Equal(t, when, lines.Text())
			require.NoError(t, child.Process.Kill())
			require.ErrorContains(t, child.Wait(), "killed")

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
			want := killed()
			if when == "working" {
				want.Crashes = 1 // a change that ends the process is not tried for ever
			}
			assert.Equal(t, want, <-got)
		})
	}
}

func killed() forge.Event {
	return forge.Event{Kind: forge.PullChanged, Delivery: "d", Number: 1, SHA: strings.Repeat("a", 40),
		Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Repo: forge.Repo{ID: 7, Owner: "acme", Name: "site"}}
}

// TestChild is the process that TestKill kills.
func TestChild(t *testing.T) {
	file := os.Getenv("QUEUE_TEST_FILE")
	if file == "" {
		t.Skip("only in the child of TestKill")
	}
	ctx := context.Background()
	q, err := queue.Open(ctx, openFile(t, file), queue.Options{})
	require.NoError(t, err)
	require.NoError(t, q.Accept(ctx, killed(), killed().Key()))
	if os.Getenv("QUEUE_TEST_WHEN") == "accepted" {
		_, _ = os.Stdout.WriteString("accepted\n")
		time.Sleep(time.Minute)
	}
	_ = q.Run(ctx, func(context.Context, forge.Event) error {
		_, _ = os.Stdout.WriteString("working\n")
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
