package demo_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestConcurrentDeliveries: the same pull request told from many sides at once
// has one check run per head and every comment once.
func TestConcurrentDeliveries(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	number, first := w.open(map[string]string{"requirements.txt": "example-ledger==4.1.2\n"})
	w.deliver(number, "opened")
	kept := w.Hub.Deliveries()
	again := kept[len(kept)-1].ID

	storm := func() {
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if i%2 == 0 {
					_, err := w.Hub.Redeliver(t.Context(), again)
					assert.NoError(t, err)
					return
				}
				e, err := w.repo.PullEvent(number, []string{"opened", "synchronize", "reopened"}[i%3])
				if assert.NoError(t, err) {
					assert.NoError(t, w.Deliver(t.Context(), e))
				}
			})
		}
		wg.Wait()
	}
	storm()
	second, err := w.repo.Commit("topic-1", "Another file", map[string]string{
		"Dockerfile": "FROM registry.example/base:1.4.2\nHEALTHCHECK CMD [\"/shop\"]\nUSER root\n",
	})
	require.NoError(t, err)
	storm()
	w.settle()

	for _, d := range w.Hub.Deliveries() {
		assert.Equal(t, 202, d.Status)
	}
	assert.LessOrEqual(t, len(w.repo.CheckRuns(first)), 1)
	require.Len(t, w.repo.CheckRuns(second), 1)
	assert.Equal(t, "failure", w.check(second).Conclusion)
	p, err := w.repo.Pull(number)
	require.NoError(t, err)
	var places []string
	for _, th := range p.Threads {
		places = append(places, th.Path)
		assert.Len(t, th.Comments, 1)
	}
	assert.ElementsMatch(t, []string{"requirements.txt", "Dockerfile"}, places)
}
