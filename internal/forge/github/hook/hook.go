// Package hook takes in webhook deliveries: it lets nothing through that
// GitHub did not sign for our App, decodes what concerns us, and answers 202
// only once it was accepted for good. It keeps no body.
package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	keyEvent   = "event"
	keyKind    = "kind"
	keySubject = "subject"
	keySender  = "sender" // address
	keyStatus  = "status"
	keyWhy     = "why"
)

// Options say who may deliver, and to whom.
type Options struct {
	Secret  string   // of the webhook
	Secrets []string // further ones, good as well while a secret is changed
	AppID   int64    // deliveries for other Apps are refused; 0 takes any
	// Allowed reports whether deliveries may come from an address, or an error
	// while that is not known; nil: from any. See AllowList.
	Allowed func(netip.Addr) (bool, error)
	Proxies Proxies
	// BadPerMinute is how many requests of one address may be no genuine
	// delivery, at once and then each minute; 0 means 60.
	BadPerMinute int
	// Accept returns nil only once e survives a crash; key is e.Key().
	Accept func(ctx context.Context, e forge.Event, key string) error
	// Left reports whether an account is known to have uninstalled or suspended
	// the App; nil: none is.
	Left func(ctx context.Context, installation int64) (bool, error)
	// Counted is told how each delivery ended: one of the constants of this
	// package. event is one that we know, or "other". It may be nil.
	Counted func(event, result string)
	Now     func() time.Time // time.Now if nil
	Log     zerolog.Logger
}

// badPerMinute is how many requests of one address may be no delivery.
const badPerMinute = 60

// Handler answers deliveries: 202 if one was accepted or is none of our
// business, 200 to a ping, 503 if it should be sent again, 429 to an address
// that sent too much that was not genuine, and another 4xx to everything that
// is no delivery for us. Without a secret there is no handler.
func Handler(o Options) (http.Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BadPerMinute <= 0 {
		o.BadPerMinute = badPerMinute
	}
	if o.Accept == nil {
		return nil, errors.New("hook: nobody accepts events")
	}
	g := &gate{Options: o, events: map[string]bool{}, strikes: newStrikes(o.BadPerMinute, o.Now), firstWithin: firstWithin}
	in := &intake{g}
	for _, event := range in.Handles() {
		g.events[event] = true
	}
	for _, secret := range append([]string{o.Secret}, o.Secrets...) {
		if strings.TrimSpace(secret) == "" {
			continue
		}
		g.doors = append(g.doors, door{[]byte(secret), githubapp.NewEventDispatcher(
			[]githubapp.EventHandler{in}, secret,
			githubapp.WithErrorCallback(in.refuse), githubapp.WithResponseCallback(in.answer))})
	}
	if len(g.doors) == 0 {
		return nil, errors.New("hook: no webhook secret: without one anybody could deliver")
	}
	return g, nil
}

// unasked lists what GitHub sends to every App and we have no use for.
func unasked() []string { return []string{"github_app_authorization"} }

// intake decodes genuine deliveries and hands them over.
type intake struct{ *gate }

func (in *intake) Handles() []string { return append(Events(), unasked()...) }

var errLeft = errors.New("the account has uninstalled or suspended the App")

// A badError means that a delivery cannot be understood: there is no use in
// sending it again.
type badError struct{ error }

func (in *intake) Handle(ctx context.Context, event, delivery string, body []byte) error {
	e, ours, err := decode(event, delivery, body, in.Now(), in.AppID)
	if err != nil {
		return badError{err}
	}
	e.Delivery = delivery // also of what is none of our business
	log := in.Log.With().Str(keyEvent, event).EmbedObject(e.Topic()).Logger()
	if !ours || e.Kind == forge.Pinged {
		in.count(event, NoWork)
		log.Info().Str(keyKind, string(e.Kind)).Msg("delivery needs no work")
		return nil
	}
	if err := in.accept(log.WithContext(ctx), e); err != nil {
		return err
	}
	in.count(event, Accepted)
	log.Info().Str(keyKind, string(e.Kind)).Str(keySubject, e.Key()).Msg("delivery accepted")
	return nil
}

// accept hands e over. A panic is an error like any other: the delivery is not
// acknowledged.
func (in *intake) accept(ctx context.Context, e forge.Event) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("accept %s: panic: %v", e.Key(), r)
		}
	}()
	if in.Left != nil && e.Kind != forge.Installed && e.Kind != forge.Uninstalled {
		if left, err := in.Left(ctx, e.Installation); err != nil {
			return err
		} else if left {
			return errLeft
		}
	}
	return in.Accept(ctx, e, e.Key())
}

// refuse answers a delivery that was genuine and yet not accepted. GitHub
// shows the failure to the operator, who can have it sent again.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, err error) {
	event := r.Header.Get("X-GitHub-Event")
	log := in.Log.With().Err(err).Str(keyEvent, event).Str(forge.KeyDelivery, cut(r.Header.Get("X-GitHub-Delivery"))).Logger()
	var bad badError
	var invalid githubapp.ValidationError
	switch {
	case errors.Is(err, errLeft):
		in.count(event, Uninstalled)
		log.Warn().Msg("delivery refused")
		http.Error(w, "the App is not installed there", http.StatusForbidden)
	case errors.As(err, &bad), errors.As(err, &invalid):
		in.count(event, Malformed)
		log.Error().Msg("delivery not understood")
		http.Error(w, "the delivery cannot be understood", http.StatusBadRequest)
	default:
		in.count(event, Failed)
		log.Error().Msg("delivery not accepted")
		http.Error(w, "not accepted, send it again", http.StatusServiceUnavailable)
	}
}

func (in *intake) answer(w http.ResponseWriter, _ *http.Request, event string, _ bool) {
	if event == "ping" {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
