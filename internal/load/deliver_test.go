package load_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A sent tells how deliveries were answered.
type sent struct {
	took     []time.Duration // until the answer, the shortest first; of those answered 2xx
	statuses map[int]int
	all      time.Duration
}

// each is the time by which that part of the deliveries was answered.
func (s sent) each(part float64) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	return s.took[min(int(float64(len(s.took))*part), len(s.took)-1)]
}

func (s sent) rate() float64 { return float64(len(s.took)) / s.all.Seconds() }

// accepted requires that every one of n was.
func (s sent) accepted(tb testing.TB, n int) {
	tb.Helper()
	require.Len(tb, s.took, n, "answers: %v", s.statuses)
}

// ids are unique in this process.
var ids atomic.Int64

// send posts n deliveries to hook with that many senders. With every, the i-th
// is due that often after the one before, and its time counts from when it was
// due: a server that answers late delays nobody's clock. Without, each sender
// posts the next as soon as it has an answer.
func send(tb testing.TB, hook string, senders, n int, every time.Duration, nth func(i int) delivery) sent {
	tb.Helper()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders, MaxConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	s := sent{statuses: map[int]int{}}
	var mu sync.Mutex
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range senders {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				d := nth(i)
				due := began.Add(time.Duration(i) * every)
				time.Sleep(time.Until(due))
				if every == 0 {
					due = time.Now()
				}
				status, err := post(tb.Context(), client, hook, d)
				took := time.Since(due)
				mu.Lock()
				if err != nil && s.statuses[0] == 0 {
					tb.Logf("a delivery had no answer: %v", err)
				}
				s.statuses[status]++
				if status/100 == 2 {
					s.took = append(s.took, took)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s.all = time.Since(began)
	slices.Sort(s.took)
	return s
}

// post delivers d; the status is 0 if there was no answer.
func post(ctx context.Context, client *http.Client, hook string, d delivery) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook, bytes.NewReader(d.body))
	if err != nil {
		return 0, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(d.body)
	for k, v := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/0000001", "X-GitHub-Event": d.event,
		"X-GitHub-Delivery":                    fmt.Sprintf("%08x-0000-4000-8000-000000000000", ids.Add(1)),
		"X-GitHub-Hook-Installation-Target-ID": "1", "X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		req.Header.Set(k, v)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode, err
}
