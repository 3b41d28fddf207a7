package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/forge"
)

func bounded(t *testing.T, run func(context.Context, *Options, facts) (facts, []Line)) []Line {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, lines := check{"Area", "area.check", 5 * time.Second, run}.bounded(ctx, &Options{}, facts{})
	return lines
}

// A check that fails in any way is one that could not look, and no more than that.
func TestCheckThatPanics(t *testing.T) {
	lines := bounded(t, func(context.Context, *Options, facts) (facts, []Line) { panic("out of reach") })
	require.Len(t, lines, 1)
	assert.Equal(t, Unseen, lines[0].Status)
	assert.Contains(t, lines[0].Seen, "out of reach")
}

func TestCheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, end := time.Now(), make(chan struct{})
		lines := bounded(t, func(context.Context, *Options, facts) (facts, []Line) {
			<-end // heeds no context
			return facts{reached: true}, one(OK, "late", "")
		})
		require.Len(t, lines, 1)
		assert.Equal(t, Line{Status: Unseen, Seen: "no outcome within 5s"}, lines[0])
		assert.Equal(t, 6*time.Second, time.Since(start), "its time, and a little to say so itself")
		close(end)
	})
}

func TestCheckThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := bounded(t, func(ctx context.Context, _ *Options, f facts) (facts, []Line) {
			<-ctx.Done()
			return f, unseen("it: "+reason(ctx.Err()), "")
		})
		assert.Equal(t, []Line{{Status: Unseen, Seen: "it: no answer in time"}}, lines)
	})
}

// Without any time left, each check says that it did not look.
func TestNoTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var lines []Line
	r := Run(ctx, Options{}, func(l Line) { lines = append(lines, l) })
	assert.Len(t, lines, len(checks()))
	assert.Equal(t, "incomplete", r.Verdict)
	assert.Equal(t, len(checks()), r.Counts[Unseen])
}

func TestNothingIsNoOK(t *testing.T) {
	assert.Equal(t, "incomplete", newReport(nil).Verdict)
	assert.Equal(t, "incomplete", newReport([]Line{{Status: OK}, {Status: Unseen}}).Verdict)
	assert.Equal(t, "problem", newReport([]Line{{Status: Problem}, {Status: Unseen}}).Verdict)
	assert.Equal(t, "ok", newReport([]Line{{Status: Warning}, {Status: Note}}).Verdict)
}

func TestChecksAreInOrder(t *testing.T) {
	names, areas := map[string]bool{}, []string{}
	for _, c := range checks() {
		assert.False(t, names[c.name], "%s is there twice", c.name)
		names[c.name] = true
		area, _, _ := strings.Cut(c.name, ".")
		assert.Equal(t, strings.ToLower(c.area), area)
		if len(areas) == 0 || areas[len(areas)-1] != area {
			areas = append(areas, area)
		}
	}
	assert.Equal(t, []string{"settings", "github", "webhook", "server"}, areas, "each area is in one piece")
	page, err := os.ReadFile("../../docs/doctor.md")
	require.NoError(t, err)
	for name := range names {
		assert.Contains(t, string(page), "`"+name+"`", "users are told of each")
	}
}

func TestClean(t *testing.T) {
	word := "pass" + "word-1"
	o := &Options{Secrets: []string{"", "abc", word}}
	for in, want := range map[string]string{
		"connect as dev:" + word + "@db": "connect as dev:(secret)@db",
		"a\nb\r\n\tc":                    "a b c",
		"\x1b[31mred\x07\u202e\xff":      "\uFFFD[31mred\uFFFD\uFFFD\uFFFD",
		"abc stays: it is in every text": "abc stays: it is in every text",
		strings.Repeat("x", 700):         strings.Repeat("x", 599) + "…",
	} {
		assert.Equal(t, want, o.clean(in))
	}
}

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"no answer in time":                          errors.Join(errors.New("ask"), context.DeadlineExceeded),
		"GitHub answers 401: no":                     fmt.Errorf("ask for our App: %w: %w", forge.ErrDenied, errors.New("GitHub answers 401: no")),
		"connect: refused; with TLS: no certificate": errors.New("connect: refused\nrefused\nwith TLS: no certificate"),
		"ask: connection refused":                    fmt.Errorf("ask: %w", &forge.BusyError{After: time.Second, Err: &url.Error{Op: "Get", URL: "http://dev:word@x", Err: errors.New("connection refused")}}),
	} {
		assert.Equal(t, want, reason(err))
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 days", 1: "1 day", 2: "2 days"} {
		assert.Equal(t, want, count(n, "day"))
	}
	assert.Equal(t, "3 deliveries", count(3, "delivery"))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{30 * time.Second: "just now", time.Minute: "1 minute ago", 3 * time.Hour: "3 hours ago", 80 * time.Hour: "3 days ago"} {
		assert.Equal(t, want, ago(now, now.Add(-d)))
	}
}

// silent is a GitHub that never tells what became of a delivery.
type silent struct{ GitHub }

func (silent) Redeliver(context.Context, int64) error { return nil }
func (silent) Attempts(context.Context) ([]forge.Attempt, error) {
	return []forge.Attempt{{ID: 1, Status: 200, Again: true}}, nil
}

func TestRedeliveryWithoutOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		o := &Options{GitHub: silent{}, Redeliver: true}
		f := facts{reached: true, app: &forge.App{DeliveriesPage: "https://hub.example/advanced"}, attempts: []forge.Attempt{{ID: 1, Event: "ping", Status: 200, Again: true}}}
		_, lines := redelivery(ctx, o, f)
		require.Len(t, lines, 1)
		assert.Equal(t, Unseen, lines[0].Status, "an earlier attempt is not the outcome")
		assert.Contains(t, lines[0].Do, "https://hub.example/advanced")
	})
}
