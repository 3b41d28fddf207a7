package scan

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// markerWord stands before a rule and a reason.
const markerWord = "pullwarden:allow"

const (
	mostMarkers   = 1000 // of a change that are looked at, and of each file
	mostOnLine    = 4
	mostPlaces    = 100 // of one secret: with more it takes an exception
	mostMarked    = 20  // files that are read at the default branch
	longestReason = 200 // characters that are kept
)

// Why a marker counts for nothing.
const (
	voidReason  = "it gives no reason"
	voidRule    = "it names no rule for secrets"
	voidOther   = "it names another rule"
	voidPlaces  = "not every place of the secret has one"
	voidBrought = "it does not stand beside this secret on the default branch"
	voidUnread  = "the file on the default branch could not be looked at"
	voidMany    = "too many files have one"
)

// A mark is a marker, and whether it has its line to itself: only then it
// speaks of the line below.
type mark struct {
	finding.Marker
	alone bool
}

// marksIn reads the markers of one line.
func marksIn(line string, rules map[string]bool) (marks []mark) {
	before, rest, found := strings.Cut(line, markerWord)
	alone := strings.IndexFunc(before, inWord) < 0
	for found && len(marks) < mostOnLine {
		var own string
		own, rest, found = strings.Cut(rest, markerWord)
		if own != "" && !unicode.IsSpace(rune(own[0])) {
			continue // another word, that only begins like it
		}
		m := mark{alone: alone}
		m.Rule, m.Reason, _ = strings.Cut(strings.TrimSpace(own), " ")
		m.Reason = strings.TrimFunc(strings.ToValidUTF8(m.Reason, ""), func(r rune) bool { return !inWord(r) }) // what ends a comment
		if r := []rune(m.Reason); len(r) > longestReason {
			m.Reason = string(r[:longestReason])
		}
		m.Rule, m.Reason = strings.Clone(m.Rule), strings.Clone(m.Reason) // and not all of the line with them
		switch {
		case !rules[m.Rule]:
			m.Rule, m.Reason, m.Void = "", "", voidRule
		case strings.IndexFunc(m.Reason, unicode.IsLetter) < 0:
			m.Void = voidReason
		}
		marks = append(marks, m)
	}
	return marks
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// lineMarks are the markers of one text, by line.
type lineMarks map[int][]mark

func read(content []byte, rules map[string]bool) lineMarks {
	p := lineMarks{}
	text, _, _ := change.Text(content)
	n, all := 0, 0
	for line := range bytes.Lines(text) {
		if n++; all < mostMarkers && bytes.Contains(line, []byte(markerWord)) {
			p[n] = marksIn(string(line), rules)
			all += len(p[n])
		}
	}
	return p
}

// beside returns the marker that speaks of rule in line n, or any that is
// there, or nil.
func (p lineMarks) beside(rule string, n int) *finding.Marker {
	if len(p) == 0 {
		return nil
	}
	var found *finding.Marker
	for _, at := range []int{n, n - 1} {
		for _, m := range p[at] {
			if (at == n || m.alone) && (found == nil || m.Rule == rule && found.Rule != rule) {
				found = &m.Marker
				found.At.Start, found.At.End = at, at
			}
		}
	}
	if found != nil && found.Void == "" && found.Rule != rule {
		found.Void = voidOther
	}
	return found
}

// An excuse is a value beside its marker.
type excuse struct {
	print  finding.Fingerprint
	reason string
}

// markers are looked at for one run.
type markers struct {
	change   *change.Change
	scanners []Scanner // of secrets
	options  Options
	rules    map[string]bool // theirs
	blobs    map[state]string
	pages    map[string]lineMarks // by blob
	files    map[string]standing
}

// A state is a file at a commit, or at the head of the change.
type state struct{ commit, path string }

// A standing is what a file of the default branch excuses.
type standing struct {
	by   map[excuse]bool
	void string // why it excuses nothing
}

// noteMarkers notes in r the markers that c adds, and those beside its secrets.
//
// Excused is the value that stands beside the same marker in the same file on
// the default branch, and nothing else: who brings a marker excuses nothing
// with it, nor who puts another value beside one that stands.
func noteMarkers(ctx context.Context, scanners []Scanner, c *change.Change, o Options, r *finding.Result) {
	d := markers{change: c, options: o, blobs: map[state]string{}, pages: map[string]lineMarks{}, files: map[string]standing{}}
	for _, at := range append([]change.Commit{{Files: c.Files}}, c.Commits...) {
		for _, f := range at.Files {
			d.blobs[state{at.SHA, f.Path}] = f.NewBlob
		}
	}
	for _, s := range scanners {
		if s.EveryCommit() {
			d.scanners = append(d.scanners, s)
		}
	}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	r.Markers = d.brought()
	for i := range r.Findings {
		if f := &r.Findings[i]; f.ByValue() {
			f.Marker = d.of(ctx, *f)
		}
	}
}

// brought are the markers in lines that the change adds.
func (d *markers) brought() (all []finding.Marker) {
	for _, f := range d.change.Files {
		for l := range f.Added() {
			if !strings.Contains(l.Text, markerWord) {
				continue
			}
			for _, m := range marksIn(l.Text, d.known()) {
				m.At, m.Reason = change.Span{Path: f.Path, Start: l.New, End: l.New}, ""
				if all = append(all, m.Marker); len(all) == mostMarkers {
					return all
				}
			}
		}
	}
	return all
}

// known are the rules that a marker can name. They are asked for only where there is one.
func (d *markers) known() map[string]bool {
	if d.rules == nil {
		d.rules = map[string]bool{}
		for _, s := range d.scanners {
			for _, r := range s.Rules() {
				d.rules[r.ID] = true
			}
		}
	}
	return d.rules
}

// of returns the marker of f, void unless each place of f has one that counts.
func (d *markers) of(ctx context.Context, f finding.Finding) *finding.Marker {
	var found *finding.Marker
	bare := len(f.Also) >= mostPlaces || f.Unlisted > 0
	for _, at := range append([]change.Span{f.At}, f.Also[:min(len(f.Also), mostPlaces)]...) {
		if ctx.Err() != nil {
			return nil // without one it is judged as ever
		}
		m := d.at(ctx, f, at)
		switch {
		case m == nil:
			bare = true
		case found == nil || found.Void == "":
			found = m
		}
	}
	if bare && found != nil && found.Void == "" {
		found.Void = voidPlaces
	}
	if found != nil && found.Void != "" {
		found.Reason = "" // nobody may have looked for a secret in it
	}
	return found
}

func (d *markers) at(ctx context.Context, f finding.Finding, at change.Span) *finding.Marker {
	m := d.in(f, at.Path).beside(f.Rule.ID, at.Start)
	if m == nil {
		return nil
	}
	m.At.Path = at.Path
	if m.Void == "" {
		s := d.onDefault(ctx, at.Path)
		if m.Void = s.void; m.Void == "" && !s.by[excuse{f.Print, m.Reason}] {
			m.Void = voidBrought
		}
	}
	return m
}

// in returns the markers of the file at path in which f stands.
func (d *markers) in(f finding.Finding, path string) lineMarks {
	at := state{path: path}
	if f.Past {
		at.commit = f.Commit
	}
	blob := d.blobs[at]
	p, ok := d.pages[blob]
	if !ok {
		if content, err := d.change.Contents.Blob(blob); err == nil && bytes.Contains(content, []byte(markerWord)) {
			p = read(content, d.known())
		}
		d.pages[blob] = p
	}
	return p
}

// onDefault looks at the file at path on the default branch.
func (d *markers) onDefault(ctx context.Context, path string) standing {
	s, ok := d.files[path]
	if !ok {
		switch {
		case d.options.Default == nil:
		case len(d.files) == mostMarked:
			return standing{void: voidMany}
		default:
			var err error
			if s.by, err = d.look(ctx, path); err != nil {
				s.void = voidUnread
			}
		}
		d.files[path] = s
	}
	return s
}

// look returns the values that have a marker at path on the default branch. A
// scanner may not see that its time is over: it is left behind then.
func (d *markers) look(ctx context.Context, path string) (map[excuse]bool, error) {
	text, err := d.options.Default(ctx, path)
	if err != nil {
		return nil, err
	}
	marks := read(text, d.known())
	if len(marks) == 0 {
		return nil, nil
	}
	type outcome struct {
		found []finding.Finding
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var out outcome
		defer func() { done <- out }()
		defer recovered(&out.err)
		snap := newViews(change.Words(path, string(text))).whole(map[string]bool{path: true})
		for _, s := range d.scanners {
			report, err := s.Inspect(ctx, snap)
			out.found, out.err = append(out.found, report.Findings...), errors.Join(out.err, err)
		}
	}()
	var out outcome
	select {
	case out = <-done:
	case <-ctx.Done():
		out.err = ctx.Err()
	}
	if out.err != nil {
		return nil, out.err
	}
	slices.SortStableFunc(out.found, byPlace)
	by := map[excuse]bool{}
	for _, f := range d.options.Key.Seal(out.found, func(p string) string { return p }) {
		for _, at := range append([]change.Span{f.At}, f.Also...) {
			if m := marks.beside(f.Rule.ID, at.Start); m != nil {
				by[excuse{f.Print, m.Reason}] = true
			}
		}
	}
	return by, nil
}
