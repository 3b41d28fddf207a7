package forge

import (
	"context"

	"github.com/rs/zerolog"
)

// Keys of what a line of the log is about.
const (
	KeyDelivery   = "delivery"
	KeyRepository = "repository"
	KeyPull       = "pull_request" // number
	KeyHead       = "head"         // SHA
)

// A Topic is what a line of the log is about, as far as it is known.
type Topic struct {
	Delivery string
	Repo     Repo
	Pull     int
	Head     string
}

// Topic returns what e says it is about. Its head is where the host stood
// then; what work finds later is the truth.
func (e Event) Topic() Topic {
	return Topic{Delivery: e.Delivery, Repo: e.Repo, Pull: e.Number, Head: e.SHA}
}

// MarshalZerologObject adds what is known.
func (t Topic) MarshalZerologObject(z *zerolog.Event) {
	z.Str(KeyDelivery, t.Delivery)
	if t.Repo.ID != 0 {
		z.Stringer(KeyRepository, t.Repo)
	}
	if t.Pull > 0 {
		z.Int(KeyPull, t.Pull)
	}
	if t.Head != "" {
		z.Str(KeyHead, t.Head)
	}
}

// beforeTopic is where a context has the logger without any topic.
type beforeTopic struct{}

// About returns ctx with a logger whose lines tell what they are about. What
// an earlier call told, they no longer do.
func About(ctx context.Context, t Topic) context.Context {
	log, ok := ctx.Value(beforeTopic{}).(zerolog.Logger)
	if !ok {
		log = *zerolog.Ctx(ctx)
		ctx = context.WithValue(ctx, beforeTopic{}, log)
	}
	return log.With().EmbedObject(t).Logger().WithContext(ctx)
}
