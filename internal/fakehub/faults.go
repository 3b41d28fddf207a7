package fakehub

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Fault makes the Hub misbehave, for tests of retries.
type Fault struct {
	Match  string            // "POST /repos/*/check-runs"; "*" is anything; the path has no prefix and no query
	Skip   int               // matching requests that pass before the first fault
	Times  int               // how often; 0 means once
	Status int               // answer with this status instead of doing anything; 0 leaves the answer as it is
	Header map[string]string // added to the answer
	Body   string            // "" means GitHub's body for Status
	Delay  time.Duration     // wait first, or until the client is gone
	Drop   bool              // close the connection without an answer
	Lose   bool              // do what was asked, but the answer is lost: close the connection, or answer with Status if there is one
	Cut    int               // send only so many bytes of the answer, then close the connection
	Trim   int               // send only so many bytes of the answer, as if they were all of it
	Before func()            // called first, for what happens to GitHub meanwhile
}

// Fail adds a fault. Of several that match, the oldest with times left plays.
func (h *Hub) Fail(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, &f)
}

// Mend takes all faults away that were not played yet.
func (h *Hub) Mend() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = nil
}

func (h *Hub) fault(method, path string) *Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		if f.Times <= 0 || !glob(f.Match, method+" "+path) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		played := *f // the copy is read without the lock
		return &played
	}
	return nil
}

func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(s)
}

// play answers the request faultily; false means that the connection is to be dropped.
func (f *Fault) play(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
	if f.Before != nil {
		f.Before()
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	switch {
	case f.Drop:
		return false
	case f.Lose:
		serve(newHeld())
		if f.Status != 0 {
			f.refuse(w)
		}
		return f.Status != 0
	case f.Status != 0:
		f.refuse(w)
	case f.Cut > 0, f.Trim > 0:
		whole := newHeld()
		serve(whole)
		for k, v := range whole.header {
			w.Header()[k] = v
		}
		b := whole.body.Bytes()
		part := b[:min(f.Cut+f.Trim, len(b))]
		if f.Trim > 0 {
			b = part
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.WriteHeader(whole.status)
		_, _ = w.Write(part)
		_ = http.NewResponseController(w).Flush()
		return len(part) == len(b)
	default:
		serve(w)
	}
	return true
}

func (f *Fault) refuse(w http.ResponseWriter) {
	body := []byte(f.Body)
	if f.Body == "" {
		a := problem(f.Status, http.StatusText(f.Status))
		if f.Status == http.StatusForbidden || f.Status == http.StatusTooManyRequests {
			a = secondaryLimit()
		}
		var buf bytes.Buffer
		_ = json.NewEncoder(&buf).Encode(a.body) // maps of strings
		body = buf.Bytes()
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.Status)
	_, _ = w.Write(body)
}

// held is an answer that is kept back.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newHeld() *held { return &held{header: http.Header{}, status: http.StatusOK} }

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }
