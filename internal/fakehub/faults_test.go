package fakehub

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFaults(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	check := m{"name": "x", "head_sha": head}
	auth := "token " + w.token
	post := func() (result, error) { return w.try("POST", "/api/v3"+shop+"/check-runs", auth, check) }

	w.hub.Fail(Fault{Match: "POST /repos/*/check-runs", Skip: 1, Times: 2, Status: 503, Header: map[string]string{"Retry-After": "2"}})
	for _, want := range []int{201, 503, 503, 201} {
		res, err := post()
		require.NoError(t, err)
		assert.Equal(t, want, res.status)
		if want == 503 {
			assert.Equal(t, "2", res.header.Get("Retry-After"))
		}
	}
	assert.Len(t, w.repo.CheckRuns(head), 2)

	w.hub.Fail(Fault{Match: "*", Status: 503})
	w.hub.Mend()
	w.hub.Fail(Fault{Match: "*", Status: 403})
	res, err := post()
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(res.get("documentation_url").(string), "secondary-rate-limits"))

	w.hub.Fail(Fault{Match: "POST *", Drop: true})
	_, err = post()
	assert.Error(t, err)
	assert.Len(t, w.repo.CheckRuns(head), 2, "dropped before it was done")

	w.hub.Fail(Fault{Match: "POST *", Lose: true})
	_, err = post()
	assert.Error(t, err)
	assert.Len(t, w.repo.CheckRuns(head), 3, "done, but the answer was lost")

	w.hub.Fail(Fault{Match: "POST *", Lose: true, Status: 502})
	res, err = post()
	require.NoError(t, err)
	assert.Equal(t, 502, res.status)
	assert.Len(t, w.repo.CheckRuns(head), 4, "done, but somebody else answers")

	w.hub.Fail(Fault{Match: "GET *", Cut: 10})
	_, err = w.try("GET", shop, auth, nil)
	assert.Error(t, err)

	moved := false
	w.hub.Fail(Fault{Match: "GET *", Trim: 10, Before: func() { moved = true }})
	req, err := http.NewRequest("GET", w.url+shop, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", auth)
	trimmed, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(trimmed.Body)
	require.NoError(t, err, "the answer is whole, as far as HTTP knows")
	require.NoError(t, trimmed.Body.Close())
	assert.Len(t, text, 10)
	assert.True(t, moved)

	w.hub.Fail(Fault{Match: "GET *", Delay: time.Minute})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	req, err = http.NewRequestWithContext(ctx, "GET", w.url+shop, nil)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(req)
	assert.ErrorIs(t, err, context.DeadlineExceeded)

	calls := w.hub.Calls()
	assert.Contains(t, calls, Call{Method: "POST", Path: shop + "/check-runs", Status: 503})
	assert.Equal(t, 200, w.do("GET", shop, nil).status)
}

func TestConcurrency(t *testing.T) {
	w := newWorld(t)
	head := w.pull()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			res, err := w.try("POST", shop+"/check-runs", "token "+w.token, m{"name": "x", "head_sha": head})
			assert.NoError(t, err)
			assert.Equal(t, 201, res.status)
		})
		all.Go(func() {
			_, err := w.repo.Pull(1)
			assert.NoError(t, err)
			w.hub.Log()
		})
	}
	all.Wait()
	assert.Len(t, w.repo.CheckRuns(head), 8)
}
