package doctor_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/doctor"
)

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := doctor.Printer{W: &out}
	for _, l := range []doctor.Line{
		{Area: "GitHub", Status: doctor.OK, Seen: "the clock agrees with GitHub's"},
		{Area: "GitHub", Status: doctor.Warning, Seen: strings.Repeat("word ", 20), Do: "open https://hub.example/" + strings.Repeat("x", 90) + " and choose"},
		{Area: "Webhook", Status: doctor.Unseen, Seen: "deliveries"},
	} {
		p.Line(l)
	}
	require.NoError(t, p.Sum(doctor.Report{Verdict: "incomplete", Counts: map[doctor.Status]int{doctor.OK: 1, doctor.Warning: 2, doctor.Unseen: 1}}))
	assert.Equal(t, `GitHub
  ok             the clock agrees with GitHub's
  warning        word word word word word word word word word word word word word word word word
                 word word word word
                 → open
                   https://hub.example/`+strings.Repeat("x", 90)+`
                   and choose

Webhook
  not looked at  deliveries

1 ok, 2 warnings, 1 not looked at. No problem was seen, but not everything could be looked at.
`, out.String())
	assert.NotContains(t, out.String(), "\x1b")

	out.Reset()
	p = doctor.Printer{W: &out, Colour: true}
	p.Line(doctor.Line{Area: "GitHub", Status: doctor.Problem, Seen: "no"})
	assert.Contains(t, out.String(), "\x1b[1;31mproblem")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestPrinterFails(t *testing.T) {
	p := doctor.Printer{W: full{}}
	p.Line(doctor.Line{Area: "GitHub", Status: doctor.OK, Seen: "all"})
	assert.ErrorContains(t, p.Sum(doctor.Report{}), "no space")
}

// What stands in the way of several looks is said once to people, and for each to programs.
func TestPrinterJoins(t *testing.T) {
	w := newWorld(t)
	w.o.GitHub = nil
	w.o.Unasked = errors.New("no key")
	r, text := w.look()
	assert.Equal(t, 1, strings.Count(strings.Join(strings.Fields(text), " "), "permissions and events, the installations, what accounts accepted, the rate limits,"), text)
	for _, check := range []string{"github.permissions", "github.installations", "github.consent", "github.rate_limit", "github.repositories", "github.required_check"} {
		assert.Contains(t, told(r, check), "the settings do not name an App", check)
	}
}
