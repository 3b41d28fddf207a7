package github

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWrites(t *testing.T) {
	var w writes
	early := w.now()
	assert.False(t, w.since("a", early))
	w.note("a")
	assert.True(t, w.since("a", early))
	assert.False(t, w.since("b", early))
	assert.False(t, w.since("a", w.now()))
	for i := range writesCap {
		w.note(fmt.Sprint(i))
	}
	assert.True(t, w.since("a", early), "forgotten, so nobody knows")
	assert.True(t, w.since("b", early))
	assert.False(t, w.since("a", w.now()))
}
