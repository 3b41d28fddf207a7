// Package hook takes in webhook deliveries: it lets nothing through that
// GitHub did not sign for our App, decodes what concerns us, and answers 202
// only once it was accepted for good. It keeps no body.
package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// maxBody is the most that GitHub sends.
const maxBody = 25 << 20

// maxBodies is how much of bodies may be in memory at a time.
const maxBodies = 128 << 20

const (
	keyEvent    = "event"
	keyDelivery = "delivery"
	keyKind     = "kind"
	keySubject  = "subject"
)

// Options say who may deliver, and to whom.
type Options struct {
	Secret  string   // of the webhook
	Secrets []string // further ones, good as well while a secret is changed
	AppID   int64    // deliveries for other Apps are refused; 0 takes any
	// Accept returns nil only once e survives a crash; key is e.Key().
	Accept func(ctx context.Context, e forge.Event, key string) error
	Now    func() time.Time // time.Now if nil
	Log    zerolog.Logger
}

// Handler answers deliveries: 202 if one was accepted or is none of our
// business, 200 to a ping, 503 if it could not be accepted, and 4xx to
// everything that is no genuine delivery. Without a secret there is no handler.
func Handler(o Options) (http.Handler, error) {
	g := &gate{appID: o.AppID, log: o.Log, bodies: semaphore.NewWeighted(maxBodies)}
	in := &intake{o}
	if in.Now == nil {
		in.Now = time.Now
	}
	if o.Accept == nil {
		return nil, errors.New("hook: nobody accepts events")
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

// A gate lets only genuine deliveries through to the dispatcher, which by
// itself is content with SHA-1, with bodies of any size and with no JSON.
type gate struct {
	doors  []door
	appID  int64
	log    zerolog.Logger
	bodies *semaphore.Weighted // bytes of bodies that are being read or worked on
}

type door struct {
	secret []byte
	next   http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, why string) {
		g.log.Warn().Str(keyEvent, r.Header.Get("X-GitHub-Event")).Str(keyDelivery, r.Header.Get("X-GitHub-Delivery")).
			Int("status", code).Str("why", why).Msg("delivery refused")
		http.Error(w, why, code)
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, "deliveries are posted")
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(http.StatusUnsupportedMediaType, "deliveries are application/json")
		return
	}
	if r.ContentLength > maxBody {
		refuse(http.StatusRequestEntityTooLarge, "the body is larger than 25 MiB")
		return
	}
	signature, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
	if err != nil || len(signature) != sha256.Size {
		refuse(http.StatusUnauthorized, "no SHA-256 signature")
		return
	}
	// Nothing is verified yet: many senders of large bodies must not fill the memory.
	weight := r.ContentLength
	if weight < 0 {
		weight = maxBody
	}
	if !g.bodies.TryAcquire(weight) {
		w.Header().Set("Retry-After", "1")
		refuse(http.StatusServiceUnavailable, "too many large bodies at a time")
		return
	}
	defer g.bodies.Release(weight)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			refuse(http.StatusRequestEntityTooLarge, "the body is larger than 25 MiB")
		} else {
			refuse(http.StatusBadRequest, "the body cannot be read")
		}
		return
	}
	next := g.open(body, signature)
	if next == nil {
		refuse(http.StatusUnauthorized, "the signature does not match")
		return
	}
	if why := g.check(r.Header); why != "" {
		refuse(http.StatusForbidden, why)
		return
	}
	if !json.Valid(body) { // an empty body is none either
		refuse(http.StatusBadRequest, "the body is no JSON")
		return
	}
	if r.Header.Get("X-GitHub-Event") == "" || r.Header.Get("X-GitHub-Delivery") == "" {
		refuse(http.StatusBadRequest, "no event or no delivery id")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// The dispatcher logs every delivery; the intake says more in one line.
	next.ServeHTTP(w, r.WithContext(zerolog.Nop().WithContext(r.Context())))
}

// open returns the handler behind the door whose secret made the signature.
// It looks at every secret, whichever matches.
func (g *gate) open(body, signature []byte) http.Handler {
	var next http.Handler
	for _, d := range g.doors {
		mac := hmac.New(sha256.New, d.secret)
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), signature) && next == nil {
			next = d.next
		}
	}
	return next
}

func (g *gate) check(h http.Header) (why string) {
	if id := h.Get("X-GitHub-Hook-Installation-Target-ID"); id != "" && g.appID != 0 && id != strconv.FormatInt(g.appID, 10) {
		return "the delivery is for another App"
	}
	return ""
}

// intake decodes genuine deliveries and hands them over.
type intake struct{ Options }

func (in *intake) Handles() []string { return Events() }

// A badError means that a delivery cannot be understood: there is no use in
// sending it again.
type badError struct{ error }

func (in *intake) Handle(ctx context.Context, event, delivery string, body []byte) error {
	log := in.Log.With().Str(keyEvent, event).Str(keyDelivery, delivery).Logger()
	e, ours, err := decode(event, delivery, body, in.Now(), in.AppID)
	if err != nil {
		return badError{err}
	}
	if !ours || e.Kind == forge.Pinged {
		log.Info().Str(keyKind, string(e.Kind)).Msg("delivery needs no work")
		return nil
	}
	if err := in.accept(log.WithContext(ctx), e); err != nil {
		return err
	}
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
	return in.Accept(ctx, e, e.Key())
}

// refuse answers a delivery that was genuine and yet not accepted. GitHub
// shows the failure to the operator, who can have it sent again.
func (in *intake) refuse(w http.ResponseWriter, r *http.Request, err error) {
	log := in.Log.Error().Err(err).Str(keyEvent, r.Header.Get("X-GitHub-Event")).Str(keyDelivery, r.Header.Get("X-GitHub-Delivery"))
	var bad badError
	var invalid githubapp.ValidationError
	if errors.As(err, &bad) || errors.As(err, &invalid) {
		log.Msg("delivery not understood")
		http.Error(w, "the delivery cannot be understood", http.StatusBadRequest)
		return
	}
	log.Msg("delivery not accepted")
	http.Error(w, "not accepted, send it again", http.StatusServiceUnavailable)
}

func (in *intake) answer(w http.ResponseWriter, r *http.Request, event string, handled bool) {
	switch {
	case event == "ping":
		w.WriteHeader(http.StatusOK)
		return
	case !handled:
		in.Log.Info().Str(keyEvent, event).Str(keyDelivery, r.Header.Get("X-GitHub-Delivery")).Msg("event unknown")
	}
	w.WriteHeader(http.StatusAccepted)
}
