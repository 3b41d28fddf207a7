package demo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// line reads a line of the log; a key that it has twice fails the test.
func line(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	_, err := d.Token()
	require.NoError(t, err, text)
	fields := map[string]any{}
	for d.More() {
		key, err := d.Token()
		require.NoError(t, err, text)
		var value any
		require.NoError(t, d.Decode(&value), text)
		assert.NotContains(t, fields, key, text)
		fields[key.(string)] = value
	}
	return fields
}

// TestEveryLineTellsWhatItIsAbout: whatever happens to a pull request between
// its delivery and the end, the log can be read for it alone.
func TestEveryLineTellsWhatItIsAbout(t *testing.T) {
	w := newWorld(t, demo.StageOptions{})
	secret := "package pay\n\nvar client = connect(\"" + madeUpSecrets()["STRIPE_KEY"] + "\")\n"
	heads := map[float64]string{}
	open := func(files map[string]string) (number int, sha string) {
		number, sha = w.open(files)
		heads[float64(number)] = sha
		return number, sha
	}

	// Findings, and two pull requests with one head.
	number, sha := open(map[string]string{"pay.go": secret})
	w.deliver(number, "opened")
	w.settle()
	_, err := w.repo.Commit("release", "Release", map[string]string{"README": "The shop.\n"})
	require.NoError(t, err)
	twin, err := w.repo.OpenPull("The same again", "", "release", "topic-1", "dev")
	require.NoError(t, err)
	heads[float64(twin)] = sha
	w.deliver(twin, "opened")
	w.settle()
	require.NoError(t, w.repo.ClosePull(number))
	w.deliver(number, "closed") // the other is judged again
	w.settle()
	// A delivery that comes late: its head is not what is reviewed, and fails at first.
	late, _ := open(map[string]string{"a.txt": "a\n"})
	e, err := w.repo.PullEvent(late, "opened")
	require.NoError(t, err)
	heads[float64(late)], err = w.repo.Commit(fmt.Sprintf("topic-%d", w.pulls.Load()), "More", map[string]string{"pay.go": secret})
	require.NoError(t, err)
	w.Hub.Fail(fakehub.Fault{Match: "POST /repos/*/check-runs", Status: http.StatusUnprocessableEntity, Body: `{"message":"no"}`})
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()

	// Faults: GitHub is busy, breaks off, says no, and knows nothing of it.
	for _, fault := range []fakehub.Fault{
		{Match: "POST /repos/*/check-runs", Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}},
		{Match: "POST /repos/*/check-runs", Drop: true},
		{Match: "POST /repos/*/check-runs", Status: http.StatusUnprocessableEntity, Body: `{"message":"no"}`},
		{Match: "POST /repos/*/pulls/*/reviews", Status: http.StatusForbidden, Body: `{"message":"locked"}`},
		{Match: "POST /repos/*/pulls/*/comments", Status: http.StatusForbidden, Body: `{"message":"locked"}`},
	} {
		number, _ = open(map[string]string{"pay.go": secret})
		w.Hub.Fail(fault)
		w.deliver(number, "opened")
		w.settle()
	}
	gone, _ := open(map[string]string{"a.txt": "a\n"})
	e, err = w.repo.PullEvent(gone, "opened")
	require.NoError(t, err)
	w.Hub.Remove(w.repo)
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()

	seen := tellWhatTheyAreAbout(t, w.Hub, w.log.String(), heads)
	assert.Equal(t, 2, seen[fmt.Sprintf("reviewed %d", twin)], "once of them for the delivery of another")
	for _, message := range []string{
		"delivery accepted", "reviewed", "the host is busy: put off", "failed: will be tried again", "comments refused", "given up",
		fmt.Sprintf("reviewed %d", late),
	} {
		assert.Positive(t, seen[message], "the test has a line that says: %s", message)
	}
}

// The sample has an upgrade besides.
func TestEveryLineOfTheSampleTellsWhatItIsAbout(t *testing.T) {
	log := &logBuffer{}
	stage := watched(t, demo.StageOptions{}, log, zerolog.InfoLevel)
	repo, number, err := stage.OpenSample(t.Context())
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
	opened, err := repo.PullEvent(number, "opened")
	require.NoError(t, err)
	require.NoError(t, stage.Deliver(t.Context(), opened))
	require.NoError(t, stage.Settle(t.Context()))
	seen := tellWhatTheyAreAbout(t, stage.Hub, log.String(), map[float64]string{float64(number): repo.Tip("receipts")})
	assert.Positive(t, seen["reviewed"])
	assert.Positive(t, seen["upgrade proposed"])
}

// tellWhatTheyAreAbout goes through a log of work on acme/shop, whose pull
// requests have the heads given, and counts its messages.
func tellWhatTheyAreAbout(t *testing.T, hub *fakehub.Hub, log string, heads map[float64]string) map[string]int {
	t.Helper()
	deliveries := map[string]bool{}
	for _, d := range hub.Deliveries() {
		deliveries[d.GUID] = true
	}
	seen := map[string]int{}
	for text := range strings.Lines(log) {
		l := line(t, text)
		message := l["message"].(string)
		if _, about := l["delivery"]; !about {
			assert.Contains(t, []string{"serving", "no second App: upgrades, fixes and resolved threads need contents: write of the first"}, message, text)
			continue
		}
		seen[message]++
		seen[fmt.Sprintf("%s %v", message, l["pull_request"])]++
		assert.True(t, deliveries[l["delivery"].(string)], text)
		if l["kind"] == "installed" {
			continue
		}
		assert.Equal(t, "acme/shop", l["repository"], text)
		if l["kind"] == "default-pushed" || strings.HasPrefix(message, "upgrade ") {
			continue
		}
		number, ok := l["pull_request"].(float64)
		assert.True(t, ok, text)
		if message == "delivery accepted" { // the head is what the delivery said
			assert.Len(t, l["head"], 40, text)
		} else {
			assert.Equal(t, heads[number], l["head"], text)
		}
	}
	return seen
}
