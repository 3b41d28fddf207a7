package demo_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/report"
)

// Even something that never ends does not keep the server from ending, and
// what it was about is done by the next one.
func TestStopIsBoundedWhateverHangs(t *testing.T) {
	w := newWorld(t, demo.StageOptions{Settings: func(c *config.Config) { c.StopWithin = time.Second }})
	require.NoError(t, w.Stop())
	hangs, never := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(never) })
	s, err := app.New(t.Context(), w.Config, app.Options{
		Log: zerolog.New(w.log), Reviewed: func(forge.Pull, report.Report) { close(hangs); <-never },
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	number, sha := w.open(map[string]string{"a.txt": "a\n"})
	e, err := w.repo.PullEvent(number, "opened")
	require.NoError(t, err)
	d, err := w.Hub.Deliver(t.Context(), s.WebhookURL(), e)
	require.NoError(t, err)
	require.Equal(t, 202, d.Status)
	<-hangs
	stop()
	select {
	case err := <-ended:
		assert.ErrorContains(t, err, "did not end in time: what it was about will be taken up again")
	case <-time.After(time.Minute):
		t.Fatal("it does not stop")
	}
	require.NoError(t, w.Start(t.Context()))
	w.settle()
	assert.Len(t, w.repo.CheckRuns(sha), 1)
	assert.Equal(t, "success", w.check(sha).Conclusion)
}
