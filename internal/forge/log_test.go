package forge_test

import (
	"bytes"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/forge"
)

func TestAbout(t *testing.T) {
	var out bytes.Buffer
	log := zerolog.New(&out).With().Str("key", "k").Logger()
	say := func(topics ...forge.Topic) string {
		out.Reset()
		ctx := log.WithContext(t.Context())
		for _, topic := range topics {
			ctx = forge.About(ctx, topic)
		}
		zerolog.Ctx(ctx).Info().Msg("m")
		return out.String()
	}
	shop := forge.Repo{ID: 1, Owner: "acme", Name: "shop"}
	first := forge.Event{Delivery: "d", Repo: shop, Number: 7, SHA: "abc"}.Topic()
	assert.JSONEq(t, `{"level":"info","key":"k","delivery":"d","repository":"acme/shop","pull_request":7,"head":"abc","message":"m"}`, say(first))
	second := forge.Topic{Delivery: "d", Repo: shop, Pull: 8}
	assert.Equal(t, `{"level":"info","key":"k","delivery":"d","repository":"acme/shop","pull_request":8,"message":"m"}`+"\n", say(first, second), "nothing of the first is left")
	assert.JSONEq(t, `{"level":"info","key":"k","delivery":"","message":"m"}`, say(forge.Topic{}), "of an installation")
}
