package hook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	maxBody = 25 << 20 // is the most that GitHub sends
	// An ordinary delivery is smaller than this. To see that it is genuine costs
	// little more than to refuse it, so it is looked at even where its address
	// has reached its limit: strangers behind the same proxy cannot keep it out.
	ordinary = 256 << 10
	// A body begins with little memory, and has to be under way soon: who opens
	// many connections and sends slowly holds few bytes, and not for long.
	firstTaken  = 1 << 10
	firstBytes  = 32 << 10
	firstWithin = 10 * time.Second // from the header on; GitHub gives up by then
	wholeWithin = 30 * time.Second
)

// large reports whether the body of r is, or may be, larger than an ordinary one.
func large(r *http.Request) bool { return r.ContentLength < 0 || r.ContentLength > ordinary }

// How a delivery ended, as Options.Counted is told.
const (
	Accepted     = "accepted"
	NoWork       = "no_work"         // genuine, and nothing to do
	Failed       = "failed"          // genuine, and could not be accepted: to be sent again
	Overloaded   = "overloaded"      // not read, for want of memory: to be sent again
	NoList       = "no_list"         // GitHub's addresses are not known yet: to be sent again
	Limited      = "limited"         // the address sent too much that was not genuine
	Foreign      = "foreign_address" // not one that deliveries may come from
	NotPosted    = "not_posted"
	NotJSON      = "not_json"
	TooLarge     = "too_large"
	TooSlow      = "too_slow"
	NoSignature  = "no_signature"
	BadSignature = "bad_signature"
	OtherApp     = "other_app"
	Unasked      = "unasked_event"
	Uninstalled  = "uninstalled" // for an account that the App left
	Malformed    = "malformed"
)

// A refusal is why a request is not accepted as a delivery.
type refusal struct {
	code   int
	result string
	why    string        // for the sender and the log
	after  time.Duration // when it may be sent again; 0: there is no use in it
}

// A gate lets only genuine deliveries through to the dispatcher, which by
// itself is content with SHA-1, with bodies of any size and with no JSON. It
// refuses as early as it can: by the address, by headers alone, and only then
// by the body.
type gate struct {
	Options
	doors   []door
	events  map[string]bool
	room    room
	strikes *strikes

	firstWithin time.Duration
}

type door struct {
	secret []byte
	next   http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := g.Proxies.sender(r)
	if no := g.unread(r, from); no != nil {
		g.refuse(w, r, from, byHeaders, no)
		return
	}
	if wait := g.strikes.wait(from, byBody); wait > 0 && large(r) {
		g.refuse(w, r, from, byBody, limited(wait))
		return
	}
	body, done, no := g.read(w, r, from)
	defer done()
	if no != nil {
		g.refuse(w, r, from, byBody, no)
		return
	}
	next := g.open(body, signature(r))
	if next == nil {
		g.refuse(w, r, from, byBody, &refusal{code: http.StatusUnauthorized, result: BadSignature, why: "the signature does not match"})
		return
	}
	if !json.Valid(body) { // an empty body is none either
		g.refuse(w, r, from, genuine, &refusal{code: http.StatusBadRequest, result: Malformed, why: "the body is no JSON"})
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// The dispatcher logs every delivery; the intake says more in one line.
	next.ServeHTTP(w, r.WithContext(zerolog.Nop().WithContext(r.Context())))
}

// unread refuses what needs no reading of the body.
func (g *gate) unread(r *http.Request, from netip.Addr) *refusal {
	h := r.Header
	if g.Allowed != nil {
		if ok, err := g.Allowed(from); err != nil {
			return &refusal{http.StatusServiceUnavailable, NoList, err.Error(), time.Minute}
		} else if !ok {
			return &refusal{code: http.StatusForbidden, result: Foreign, why: "deliveries do not come from this address"}
		}
	}
	if r.Method != http.MethodPost {
		return &refusal{code: http.StatusMethodNotAllowed, result: NotPosted, why: "deliveries are posted"}
	}
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{code: http.StatusUnsupportedMediaType, result: NotJSON, why: "deliveries are application/json"}
	}
	if r.ContentLength > maxBody {
		return tooLarge
	}
	if signature(r) == nil {
		return &refusal{code: http.StatusUnauthorized, result: NoSignature, why: "no SHA-256 signature"}
	}
	event, id := h.Get("X-GitHub-Event"), h.Get("X-GitHub-Delivery")
	if event == "" || id == "" || id != cut(id) {
		return &refusal{code: http.StatusBadRequest, result: Malformed, why: "no event or no delivery id"}
	}
	// GitHub says for whom it delivers. Anybody can have it deliver a hook of his own to us.
	target, kind := h.Get("X-GitHub-Hook-Installation-Target-ID"), h.Get("X-GitHub-Hook-Installation-Target-Type")
	if kind != "" && kind != "integration" || target != "" && g.AppID != 0 && target != strconv.FormatInt(g.AppID, 10) {
		return &refusal{code: http.StatusForbidden, result: OtherApp, why: "the delivery is for another App"}
	}
	if !g.events[event] {
		return &refusal{code: http.StatusUnprocessableEntity, result: Unasked, why: "the App did not ask for this event"}
	}
	return nil
}

var tooLarge = &refusal{code: http.StatusRequestEntityTooLarge, result: TooLarge, why: "the body is larger than 25 MiB"}

func limited(wait time.Duration) *refusal {
	return &refusal{http.StatusTooManyRequests, Limited, "too much from this address was no delivery", wait}
}

// signature returns what r claims to be its SHA-256 signature; nil if it has none.
func signature(r *http.Request) []byte {
	text, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	s, err := hex.DecodeString(text)
	if !ok || err != nil || len(s) != sha256.Size {
		return nil
	}
	return s
}

// read returns the body. Nothing is verified yet, so memory is taken as bytes
// arrive and not as a header promises them: who sends slowly holds little.
// done gives it back.
func (g *gate) read(w http.ResponseWriter, r *http.Request, from netip.Addr) (body []byte, done func(), no *refusal) {
	done = func() { g.room.give(network(from), cap(body), large(r)) }
	in := http.MaxBytesReader(w, r.Body, maxBody)
	began, control := time.Now(), http.NewResponseController(w)
	within := func(d time.Duration) { _ = control.SetReadDeadline(began.Add(d)) } // a connection can, a test's need not
	within(g.firstWithin)
	defer within(wholeWithin) // also of what is noticed of the connection from then on
	for begun := false; ; {
		if len(body) == cap(body) {
			size := min(max(2*cap(body), firstTaken), maxBody+1)
			if n := r.ContentLength; n >= int64(len(body)) {
				size = min(size, int(n)+1) // and one to see that it ends there
			}
			if !g.room.take(network(from), size-cap(body), large(r)) {
				return body, done, &refusal{http.StatusServiceUnavailable, Overloaded, "too many large bodies at a time", time.Second}
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if !begun && len(body) >= firstBytes {
			begun = true
			within(wholeWithin)
		}
		var exceeded *http.MaxBytesError
		switch {
		case err == io.EOF:
			return body, done, nil
		case errors.As(err, &exceeded):
			return body, done, tooLarge
		case errors.Is(err, os.ErrDeadlineExceeded):
			return body, done, &refusal{code: http.StatusRequestTimeout, result: TooSlow, why: "the body came too slowly"}
		case err != nil:
			return body, done, &refusal{code: http.StatusBadRequest, result: Malformed, why: "the body cannot be read"}
		}
	}
}

// open returns the handler behind the door whose secret made the signature.
// It looks at every secret, whichever matches, and takes the same time for
// every signature.
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

// refuse answers and, unless the request was genuine, counts it against its
// address. An address that has reached its limit is told so, and logged once
// until it is below again.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request, from netip.Addr, known evidence, no *refusal) {
	quiet := false
	if known != genuine && no.code < 500 {
		if wait, first := g.strikes.strike(from, known); wait > 0 {
			no, quiet = limited(wait), !first
		}
	}
	event := r.Header.Get("X-GitHub-Event")
	g.count(event, no.result)
	if !quiet {
		g.Log.Warn().Str(keyEvent, cut(event)).Str(forge.KeyDelivery, cut(r.Header.Get("X-GitHub-Delivery"))).
			Stringer(keySender, from).Int(keyStatus, no.code).Str(keyWhy, no.why).Msg("delivery refused")
	}
	if no.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.after.Seconds()))))
	}
	if no.code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, no.why, no.code)
}

// count counts a delivery. Only names that are known become a label: anybody
// may send others.
func (g *gate) count(event, result string) {
	if !g.events[event] {
		event = "other"
	}
	if g.Counted != nil {
		g.Counted(event, result)
	}
}

// cut bounds what a stranger gets into the log.
func cut(s string) string {
	const longest = 100
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
