package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// defaultTimeout bounds all checks together.
const defaultTimeout = 3 * time.Minute

// grace is for a check whose time is over to say so by itself.
const grace = time.Second

// Run looks at everything and hands each line over as soon as it is known. It
// returns all of them.
func Run(ctx context.Context, o Options, line func(Line)) Report {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Repositories <= 0 {
		o.Repositories = 50
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if o.Free == nil {
		o.Free = freeBytes
	}
	var all []Line
	var known facts
	for _, c := range checks() {
		var lines []Line
		known, lines = c.bounded(ctx, &o, known)
		for _, l := range lines {
			l.Area, l.Check = c.area, c.name
			l.Seen, l.Do = o.clean(l.Seen), o.clean(l.Do)
			all = append(all, l)
			line(l)
		}
	}
	return newReport(all)
}

// bounded runs c. Whatever it does, there is a line, and there is one in time:
// not every call that it makes can be called off.
func (c check) bounded(ctx context.Context, o *Options, known facts) (facts, []Line) {
	if ctx.Err() != nil {
		return known, unseen("no time was left", "give it more: --timeout 10m")
	}
	if c.timeout == 0 {
		end, _ := ctx.Deadline() // Run has set one
		c.timeout = time.Until(end)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	type outcome struct {
		facts
		lines []Line
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- outcome{known, unseen(fmt.Sprintf("this check failed: %v", r), "please report it, with the version that \"pullwarden version\" prints")}
			}
		}()
		f, lines := c.run(ctx, o, known)
		done <- outcome{f, lines}
	}()
	late := time.NewTimer(c.timeout + grace)
	defer late.Stop()
	select {
	case out := <-done:
		return out.facts, out.lines
	case <-late.C:
		return known, unseen(fmt.Sprintf("no outcome within %v", c.timeout.Round(time.Second)), "")
	}
}

func one(s Status, seen, do string) []Line { return []Line{{Status: s, Seen: seen, Do: do}} }

func unseen(seen, do string) []Line { return one(Unseen, seen, do) }

// blind is for what cannot be looked at because of something that is said elsewhere.
func blind(what, why string) []Line {
	return []Line{{Status: Unseen, Seen: what + ": " + why, what: what, why: why}}
}

// reason is err in a line: what it is about is said already.
func reason(err error) string {
	text := err.Error()
	var busy *forge.BusyError
	if errors.As(err, &busy) && busy.Err != nil {
		text = strings.Replace(text, busy.Error(), busy.Err.Error(), 1)
	}
	var address *url.Error
	if errors.As(err, &address) { // its address may hold a password
		text = strings.Replace(text, address.Error(), address.Err.Error(), 1)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if i := strings.Index(text, "GitHub answers "); i >= 0 {
		text = text[i:]
	}
	var lines []string // a database is tried in several ways, which fail for the same reason
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !slices.ContainsFunc(lines, func(said string) bool { return strings.HasSuffix(said, line) }) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// clean is s as one line without any secret and without anything that a
// terminal would take for a command: some of it was written by others.
func (o *Options) clean(s string) string {
	for _, secret := range o.Secrets {
		if len(secret) >= 4 { // anything shorter is in every text
			s = strings.ReplaceAll(s, secret, "(secret)")
		}
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	const most = 600
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return s
}

// plainAddress is an address as it may be shown: without password and query.
func plainAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "an address that cannot be read"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// count is n things: "1 warning", "2 warnings".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if s, ok := strings.CutSuffix(thing, "y"); ok && !strings.HasSuffix(s, "a") { // a day is no delivery
		return fmt.Sprintf("%d %sies", n, s)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// names lists at most most of them.
func names(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// ago is how long before now t was, for people.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return count(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour") + " ago"
	}
	return count(int(d.Hours()/24), "day") + " ago"
}
