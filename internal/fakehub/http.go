package fakehub

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const docs = "https://docs.github.com/rest"

// A call is one REST request on its way through a handler.
type call struct {
	hub    *Hub
	r      *http.Request
	params map[string]string
	body   []byte
	repo   *Repo  // of the path, if it has one
	token  *token // nil for calls of an App itself
	second bool   // which is the second one
	web    string // address of the server as the client knows it
	api    string // the same with the API's prefix
}

// An answer is what a handler makes of a call.
type answer struct {
	status int
	body   any // marshalled as JSON; []byte goes as it is; nil is no body
	header http.Header
}

func ok(v any) answer      { return answer{status: http.StatusOK, body: v} }
func created(v any) answer { return answer{status: http.StatusCreated, body: v} }
func nothing() answer      { return answer{status: http.StatusNoContent} }

// A fieldError is an entry of "errors" of a 422.
type fieldError struct {
	Resource string `json:"resource"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
	Message  string `json:"message,omitempty"`
	Value    any    `json:"value,omitempty"`
}

func problem(status int, message string) answer {
	return answer{status: status, body: map[string]any{"message": message, "documentation_url": docs, "status": strconv.Itoa(status)}}
}

func missing() answer { return problem(http.StatusNotFound, "Not Found") }
func forbidden() answer {
	return problem(http.StatusForbidden, "Resource not accessible by integration")
}

// invalid is a 422 that says which field of which resource is wrong.
func invalid(resource, code, field, message string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: map[string]any{"message": "Validation Failed",
		"errors":            []fieldError{{Resource: resource, Code: code, Field: field, Message: message}},
		"documentation_url": docs, "status": "422"}}
}

// unprocessable is a 422 whose errors are sentences.
func unprocessable(errs ...string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: map[string]any{"message": "Unprocessable Entity", "errors": errs,
		"documentation_url": docs, "status": "422"}}
}

// malformed is the 422 of a body that does not fit the schema.
func malformed(format string, args ...any) answer {
	return problem(http.StatusUnprocessableEntity, "Invalid request.\n\n"+fmt.Sprintf(format, args...))
}

// ServeHTTP answers REST at / and /api/v3/, GraphQL at /graphql and
// /api/graphql, and git at /OWNER/NAME.git.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	prefix := ""
	switch {
	case strings.HasPrefix(path, "/api/v3/"):
		prefix = "/api/v3"
	case path == "/api/graphql":
		prefix = "/api"
	}
	path = strings.TrimPrefix(path, prefix)
	w.Header().Set("Date", h.now().Format(http.TimeFormat))
	out := &reply{ResponseWriter: w, record: func(status int) { h.record(r, path, status) }}
	dropped := false
	if f := h.fault(r.Method, path); f != nil {
		dropped = !f.play(out, r, func(w http.ResponseWriter) { h.dispatch(w, r, prefix, path) })
	} else {
		h.dispatch(out, r, prefix, path)
	}
	if !out.sent {
		out.record(0)
	}
	if dropped {
		panic(http.ErrAbortHandler) // drops the connection
	}
}

// reply has the status recorded before it is sent: whoever has an answer finds
// the call among those of the Hub.
type reply struct {
	http.ResponseWriter
	record func(status int)
	sent   bool
}

func (w *reply) WriteHeader(status int) {
	if !w.sent {
		w.sent = true
		w.record(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *reply) Write(b []byte) (int, error) {
	if !w.sent {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (h *Hub) record(r *http.Request, path string, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, Call{Method: r.Method, Path: path, Query: r.URL.RawQuery, Status: status})
}

func (h *Hub) dispatch(w http.ResponseWriter, r *http.Request, prefix, path string) {
	if repo, service, ok := gitPath(path); ok {
		h.serveGit(w, r, repo, service)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 100<<20))
	if err != nil {
		write(w, r, problem(http.StatusRequestEntityTooLarge, "Payload too large"))
		return
	}
	if h.opts.Heard != nil {
		h.opts.Heard(r.Method, path, body)
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	c := &call{hub: h, r: r, body: body, web: scheme + r.Host, api: scheme + r.Host + prefix}
	h.mu.Lock()
	a := h.rest(c, path)
	h.mu.Unlock()
	write(w, r, a)
}

// rest answers a call while h is locked.
func (h *Hub) rest(c *call, path string) answer {
	if c.r.UserAgent() == "" {
		return problem(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
	}
	if v := c.r.Header.Get("X-GitHub-Api-Version"); v != "" && v != "2022-11-28" && v != "2026-03-10" {
		return problem(http.StatusBadRequest, "Unsupported 'X-GitHub-Api-Version' header value")
	}
	if rest, ok := strings.CutPrefix(path, "/repositories/"); ok {
		// What a redirect of a renamed repository leads to.
		number, tail, _ := strings.Cut(rest, "/")
		repo := h.byID[int64(atoi(number))]
		if repo == nil {
			return missing()
		}
		path = strings.TrimSuffix("/repos/"+repo.String()+"/"+tail, "/")
	}
	for _, rt := range h.routes {
		params, ok := rt.match(c.r.Method, path)
		if !ok {
			continue
		}
		c.params = params
		limits, refused := h.admit(c, rt.need)
		if refused.status != 0 {
			refused.header = join(refused.header, limits)
			return refused
		}
		a := rt.handle(c)
		a.header = join(a.header, limits)
		return a
	}
	return missing()
}

func join(a, b http.Header) http.Header {
	if a == nil {
		a = http.Header{}
	}
	for k, v := range b {
		a[k] = v
	}
	return a
}

func write(w http.ResponseWriter, r *http.Request, a answer) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.Header().Set("X-GitHub-Request-Id", strings.ToUpper(randomHex(8)))
	w.Header().Set("X-GitHub-Media-Type", "github.v3; format=json")
	var b []byte
	switch v := a.body.(type) {
	case nil:
	case []byte:
		b = v
	default:
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			a.status, b = http.StatusInternalServerError, []byte(`{"message":"Server Error"}`)
		} else {
			b = buf.Bytes()
		}
	}
	if b != nil && w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	if r.Method == http.MethodGet && a.status == http.StatusOK {
		sum := sha256.Sum256(b)
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		w.Header().Set("ETag", tag)
		if strings.TrimPrefix(r.Header.Get("If-None-Match"), "W/") == tag {
			a.status, b = http.StatusNotModified, nil
		}
	}
	if b != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(b) // a client that is gone needs no answer
}

// decode reads the body into v, which must be a pointer to a struct. The body
// may be missing. Fields that GitHub does not know are ignored, as it does.
func (c *call) decode(v any) *answer {
	if len(bytes.TrimSpace(c.body)) == 0 || bytes.Equal(bytes.TrimSpace(c.body), []byte("null")) {
		return nil
	}
	err := json.Unmarshal(c.body, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		a := malformed("For 'properties/%s', %s is not of the right type.", strings.ReplaceAll(wrong.Field, ".", "/"), wrong.Value)
		return &a
	}
	a := problem(http.StatusBadRequest, "Problems parsing JSON")
	return &a
}

// page cuts a list as the query asks: 30 entries a page, at most 100. It
// returns the bounds and the Link header.
func (c *call) page(n int) (from, to int, h http.Header) {
	size := atoi(c.r.FormValue("per_page"))
	if size < 1 {
		size = 30
	}
	size = min(size, 100) // silently, as GitHub does
	number := max(1, atoi(c.r.FormValue("page")))
	from = min(n, (number-1)*size)
	to = min(n, from+size)
	last := max(1, (n+size-1)/size)
	var links []string
	link := func(page int, rel string) {
		u := url.URL{Path: c.r.URL.Path, RawPath: c.r.URL.RawPath}
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(page))
		u.RawQuery = q.Encode()
		links = append(links, fmt.Sprintf(`<%s%s>; rel="%s"`, c.web, u.String(), rel))
	}
	if number > 1 {
		link(number-1, "prev")
	}
	if number < last {
		link(number+1, "next")
		link(last, "last")
	}
	if number > 1 {
		link(1, "first")
	}
	if links != nil {
		h = http.Header{"Link": {strings.Join(links, ", ")}}
	}
	return from, to, h
}

// paged answers the part of list that was asked for.
func paged[T any](c *call, list []T, render func(T) any) answer {
	from, to, h := c.page(len(list))
	out := make([]any, 0, to-from)
	for _, v := range list[from:to] {
		out = append(out, render(v))
	}
	return answer{status: http.StatusOK, body: out, header: h}
}

func (c *call) number(name string) int { return atoi(c.params[name]) }

func (c *call) id(name string) int64 {
	n, err := strconv.ParseInt(c.params[name], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
