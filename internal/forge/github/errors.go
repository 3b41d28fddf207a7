package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const (
	defaultWait = time.Minute     // of a rate limit that names no time
	brokenWait  = 5 * time.Second // of a server in trouble
	longestWait = 2 * time.Hour
)

// A statusError is an answer that is neither success nor one of forge's errors.
type statusError struct {
	Code    int
	Message string
}

func (e *statusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("GitHub answers %d", e.Code)
	}
	return fmt.Sprintf("GitHub answers %d: %s", e.Code, withoutTokens(e.Message))
}

// withoutTokens takes out what looks like a token or a signature of ours.
// Whatever answers in GitHub's place may repeat what it was sent.
func withoutTokens(said string) string { return tokenShape.ReplaceAllString(said, "[token removed]") }

var tokenShape = regexp.MustCompile(`(gh[a-z]_|github_pat_|eyJ|eC1hY2Nlc3MtdG9rZW46)[A-Za-z0-9_.+/=-]{10,}`)

// unprocessable reports whether GitHub refuses what err is about for what it
// says, so that sending it again is of no use.
func unprocessable(err error) bool {
	var e *statusError
	var busy *forge.BusyError
	return errors.As(err, &e) && e.Code == http.StatusUnprocessableEntity &&
		!errors.As(err, &busy) && !errors.Is(err, forge.ErrDenied) && !errors.Is(err, forge.ErrNotFound)
}

// unanswered reports whether err leaves open what GitHub did: no answer came, or
// none of its own.
func unanswered(err error, now time.Time) bool {
	err = classify(err, now)
	var e *statusError
	if errors.As(err, &e) {
		return e.Code >= 500
	}
	return !errors.Is(err, forge.ErrDenied) && !errors.Is(err, forge.ErrNotFound)
}

// wrap says what was being done, and turns err into forge's terms. No header
// and no token ever gets into an error.
func (f *Forge) wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), classify(err, f.now()))
}

func classify(err error, now time.Time) error {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	var (
		busy      *forge.BusyError
		answer    *gh.ErrorResponse
		primary   *gh.RateLimitError
		secondary *gh.AbuseRateLimitError
		wire      net.Error
		known     *statusError
	)
	switch {
	case errors.As(err, &busy), errors.As(err, &known), errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrDenied):
		return err
	case errors.As(err, &primary):
		after := primary.Rate.Reset.Sub(now)
		if h := primary.Response.Header; h.Get("Retry-After") != "" {
			after = wait(h, now, defaultWait)
		}
		return &forge.BusyError{After: clamp(after), Err: &statusError{primary.Response.StatusCode, primary.Message}}
	case errors.As(err, &secondary):
		return &forge.BusyError{After: wait(secondary.Response.Header, now, defaultWait),
			Err: &statusError{secondary.Response.StatusCode, secondary.Message}}
	case errors.As(err, &answer):
		method := ""
		if r := answer.Response.Request; r != nil {
			method = r.Method
		}
		return fromStatus(method, answer.Response.StatusCode, answer.Response.Header, said(answer), now)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &wire), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &forge.BusyError{After: brokenWait, Err: err}
	}
	return err
}

// fromStatus turns an answer that is no success into forge's terms.
func fromStatus(method string, code int, h http.Header, message string, now time.Time) error {
	e := &statusError{code, message}
	switch {
	case limited(code, h, message):
		return &forge.BusyError{After: wait(h, now, defaultWait), Err: e}
	case code >= 500:
		return &forge.BusyError{After: wait(h, now, brokenWait), Err: e}
	case code == http.StatusNotFound, code == http.StatusGone,
		// An empty repository, and a SHA that is not there.
		method == http.MethodGet && code == http.StatusConflict,
		code == http.StatusUnprocessableEntity && strings.Contains(message, "No commit found"):
		return fmt.Errorf("%w: %w", forge.ErrNotFound, e)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusUnavailableForLegalReasons:
		return fmt.Errorf("%w: %w", forge.ErrDenied, e)
	}
	return e
}

// limited reports whether an answer means "not so fast". GitHub's secondary
// limits come as 403 too, some only with words.
func limited(code int, h http.Header, message string) bool {
	switch code {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return h.Get("Retry-After") != "" || h.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(strings.ToLower(message), "rate limit") || strings.Contains(message, "abuse detection")
	case http.StatusUnprocessableEntity:
		return strings.Contains(message, "submitted too quickly")
	}
	return false
}

// wait reads how long to wait: Retry-After, then the reset of a spent limit.
func wait(h http.Header, now time.Time, otherwise time.Duration) time.Duration {
	if s := h.Get("Retry-After"); s != "" {
		if n, err := strconv.Atoi(s); err == nil {
			return clamp(time.Duration(n) * time.Second)
		}
		if at, err := http.ParseTime(s); err == nil {
			return clamp(at.Sub(now))
		}
	}
	if h.Get("X-RateLimit-Remaining") == "0" {
		if n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return clamp(time.Unix(n, 0).Sub(now))
		}
	}
	return otherwise
}

func clamp(d time.Duration) time.Duration { return min(max(d, time.Second), longestWait) }

// said is what GitHub had to say, its details included.
func said(e *gh.ErrorResponse) string {
	parts := []string{e.Message}
	for _, d := range e.Errors {
		if d.Message != "" {
			parts = append(parts, d.Message)
		} else if d.Code != "" {
			parts = append(parts, strings.TrimSpace(d.Resource+" "+d.Field+" "+d.Code))
		}
	}
	return strings.Join(parts, "; ")
}

// message is the message in the body of an answer.
func message(body []byte) string {
	var m struct{ Message string }
	if json.Unmarshal(body, &m) != nil {
		return ""
	}
	return m.Message
}
