package bot

import (
	"context"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// logged returns ctx with a logger that tells what is reviewed.
func (s *subject) logged(ctx context.Context) context.Context {
	return forge.About(ctx, forge.Topic{Delivery: s.event.Delivery, Repo: s.repo, Pull: s.number(), Head: s.head})
}

// A headError is what went wrong with a review, for a log that would
// otherwise not know at which head.
type headError struct {
	head string
	error
}

func (e *headError) AtHead() string { return e.head }
func (e *headError) Unwrap() error  { return e.error }
