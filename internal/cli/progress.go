package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// progressDelay is how long work goes on in silence; most is over by then.
const progressDelay = 500 * time.Millisecond

// A progress shows on one line of a terminal how far long work is. The nil
// progress, for a stream that is no terminal, shows nothing.
type progress struct {
	w     io.Writer
	began time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu   sync.Mutex
	text string
}

// startProgress shows progress on w, if that is a terminal, until end is called.
func startProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return nil
	}
	p := &progress{w: w, began: time.Now(), stop: make(chan struct{})}
	p.ended.Go(func() {
		next := time.NewTimer(progressDelay)
		defer next.Stop()
		drawn := false
		for {
			select {
			case <-p.stop:
				if drawn {
					fmt.Fprint(w, clearLine)
				}
				return
			case <-next.C:
				p.draw()
				drawn = true
				next.Reset(progressDelay / 2)
			}
		}
	})
	return p
}

const clearLine = "\r\x1b[K"

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != "" {
		fmt.Fprintf(p.w, "%s%s (%ds)", clearLine, p.text, int(time.Since(p.began).Seconds()))
	}
}

// say sets what is being done.
func (p *progress) say(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = fmt.Sprintf(format, args...)
}

// end clears the line: what comes next is printed in its place.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.stop)
	p.ended.Wait()
}

// scanning says which scanners are at work, and returns what is to be told of
// each that has ended.
func (p *progress) scanning(files int, scanners []scan.Scanner) func(scanner string) {
	var mu sync.Mutex
	var left []string
	for _, s := range scanners {
		left = append(left, policy.SectionOf(s.Name()))
	}
	done := func(scanner string) {
		mu.Lock()
		defer mu.Unlock()
		left = slices.DeleteFunc(left, func(name string) bool { return name == policy.SectionOf(scanner) })
		p.say("Scanning %s for %s", report.Count(files, "file"), strings.Join(left, ", "))
	}
	done("")
	return done
}
