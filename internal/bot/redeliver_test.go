package bot

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asks looks for failed deliveries once and returns which were asked for.
func (w *town) asks() []int64 {
	w.t.Helper()
	w.asked = nil
	require.NoError(w.t, w.CatchUp.Redeliver(w.ctx))
	return w.asked
}

func TestFailedDeliveriesAreAskedForAgain(t *testing.T) {
	w := newTown(t)
	w.Wanted = func(event, action string) bool { return event == "pull_request" }
	w.delivered("fine", 202)
	w.delivered("cut", 0)
	w.pass(time.Second)
	w.delivered("down", 502)
	w.delivered("answer lost", 504)
	w.accepted["answer lost"] = true
	w.delivered("twice", 502)
	w.delivered("twice", 202)
	w.delivered("unwanted", 502)
	w.deliveries[0].Event = "star"
	assert.Equal(t, []int64{2, 3}, w.asks(), "what did not get through, the oldest first")

	w.pass(30 * time.Second)
	assert.Empty(t, w.asks(), "they may be under way")
	w.delivered("cut", 202)
	w.delivered("down", 502)
	w.pass(30 * time.Second)
	assert.Equal(t, []int64{9}, w.asks(), "that one failed once more: after a minute it is asked for again")
	w.delivered("down", 202)
	for range 10 {
		w.pass(time.Minute)
		assert.Empty(t, w.asks())
	}
}

func TestRedeliveryGoesOnAfterARestart(t *testing.T) {
	w := newTown(t)
	w.delivered("old", 502)
	w.pass(time.Hour)
	w.delivered("new", 202)
	assert.Equal(t, []int64{1}, w.asks())
	w.restart()
	assert.Empty(t, w.asks(), "it was asked for a moment ago")
	w.delivered("old", 202)
	assert.Empty(t, w.asks())
	w.pass(time.Minute)
	w.delivered("later", 502)
	w.restart()
	w.calls = nil
	assert.Equal(t, []int64{4}, w.asks())

	// Once all before has got through, it is not listed again.
	w.delivered("later", 202)
	assert.Empty(t, w.asks())
	at, err := w.Survey.Position(w.ctx, askedPosition)
	require.NoError(t, err)
	assert.Equal(t, w.at, at)
	w.pass(30 * 24 * time.Hour)
	w.delivered("after the holidays", 502)
	assert.Equal(t, []int64{6}, w.asks(), "GitHub keeps three days")
}

func TestRedeliveryIsBounded(t *testing.T) {
	w := newTown(t)
	for i := range 250 {
		w.delivered(fmt.Sprintf("e%d", i), 502)
		w.pass(time.Second)
	}
	total := 0
	for _, want := range []int{100, 100, 50, 0} {
		got := w.asks()
		require.Len(t, got, want)
		for _, id := range got {
			total++
			assert.EqualValues(t, total, id, "in their order")
		}
	}
}

func TestADeliveryThatNeverGetsThroughIsGivenUp(t *testing.T) {
	w := newTown(t)
	w.delivered("hopeless", 400)
	w.delivered("fine", 202)
	times := 0
	for range 300 { // five hours
		if got := w.asks(); len(got) > 0 {
			times++
			w.pass(time.Second)
			w.delivered("hopeless", 400)
		}
		w.pass(time.Minute)
	}
	assert.Equal(t, mostAsked, times)
	said := 0
	for _, l := range w.log.all {
		if strings.Contains(l, "given up") {
			said++
		}
	}
	assert.Equal(t, 1, said)
	at, err := w.Survey.Position(w.ctx, askedPosition)
	require.NoError(t, err)
	assert.Equal(t, w.deliveries[0].At, at, "it does not hold up the others")
}

func TestRedeliveryThatFailsLosesNothing(t *testing.T) {
	w := newTown(t)
	w.delivered("a", 502)
	w.pass(time.Hour)
	w.delivered("b", 502)
	for _, call := range []string{"deliveries", "redeliver"} {
		w.fail = map[string]error{call: errors.New("cut")}
		require.Error(t, w.CatchUp.Redeliver(w.ctx))
		at, err := w.Survey.Position(w.ctx, askedPosition)
		require.NoError(t, err)
		assert.True(t, at.IsZero())
	}
	w.fail = nil
	assert.Equal(t, []int64{2}, w.asks())
	w.pass(time.Minute)
	assert.Equal(t, []int64{1, 2}, w.asks(), "whether the one that was cut off was heard is not known")
}
