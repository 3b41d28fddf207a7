package bot

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// tally is a Meter that keeps what it was told.
type tally struct {
	mu                            sync.Mutex // of steps: one is shown to be under way while others go on
	steps, reviews, found, failed []string
	skipped                       int
	useless, uncovered            []string
}

func (m *tally) Step(name string, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, name)
}

func (m *tally) Reviewed(outcome string, _ time.Duration) { m.reviews = append(m.reviews, outcome) }
func (m *tally) Found(scanner, action string)             { m.found = append(m.found, scanner+" "+action) }
func (m *tally) ScannerFailed(scanner string)             { m.failed = append(m.failed, scanner) }
func (m *tally) Skipped(files int)                        { m.skipped += files }
func (m *tally) Uncovered(kind string, files int) {
	m.uncovered = append(m.uncovered, fmt.Sprint(kind, " ", files))
}
func (m *tally) NotUseful(scanner string) { m.useless = append(m.useless, scanner) }

func TestWhatIsCounted(t *testing.T) {
	meter := &tally{}
	b := &Bot{
		Forge: &shared{}, Source: brings{}, Ledger: &standing{}, Scanners: []scan.Scanner{accuses{}}, Now: time.Now, Meter: meter,
		Options: Options{Key: finding.NewKey([]byte("k")), Deadline: time.Minute, Mode: policy.Enforce, Advisories: func() string { return "" }},
	}
	event := forge.Event{Kind: forge.PullChanged, Number: 1, Received: time.Now()}
	_ = b.Handle(t.Context(), event) // that the other pull request cannot be read is another matter
	assert.Equal(t, []string{"fail"}, meter.reviews)
	assert.Equal(t, []string{"x block"}, meter.found)
	assert.Empty(t, meter.failed)
	assert.Equal(t, []string{"Bicep 2"}, meter.uncovered)
	for _, step := range []string{"begin", "policy", "fetch", "scan", "record", "look", "comments", "check"} {
		assert.Contains(t, meter.steps, step)
	}

	meter = &tally{}
	b.Meter = meter
	b.Source, b.Forge = fails{func() error { return git.ErrGone }}, &host{}
	require.NoError(t, b.Handle(t.Context(), event))
	assert.Equal(t, []string{"unfinished"}, meter.reviews)
	assert.Empty(t, meter.found)

	meter = &tally{}
	b.Meter = meter
	b.Source = fails{func() error { return assert.AnError }}
	require.Error(t, b.Handle(t.Context(), event))
	assert.Empty(t, meter.reviews, "it is not over")
}
