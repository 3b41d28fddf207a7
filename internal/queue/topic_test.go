package queue

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/forge"
)

type atHead struct{ error }

func (atHead) AtHead() string { return "now" }

func TestTheLogTellsTheHeadThatWorkWasAbout(t *testing.T) {
	e := forge.Event{Delivery: "d", Repo: forge.Repo{ID: 1}, Number: 7, SHA: "then"}
	assert.Equal(t, e.Topic(), topic(e, errors.New("no")))
	assert.Equal(t, e.Topic(), topic(e, nil))
	want := e.Topic()
	want.Head = "now"
	assert.Equal(t, want, topic(e, fmt.Errorf("review: %w", errors.Join(errors.New("no"), &forge.BusyError{Err: atHead{errors.New("no")}}))))
}
