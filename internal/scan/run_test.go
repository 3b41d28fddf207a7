package scan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// words finds every line that starts with "bad:".
type words struct {
	name   string
	every  bool
	secret bool
	wants  []string
	do     func(context.Context) error
}

func (w words) Name() string                  { return w.name }
func (w words) Rules() []finding.Rule         { return nil }
func (w words) Wants(*change.Change) []string { return w.wants }
func (w words) EveryCommit() bool             { return w.every }

func (w words) Inspect(ctx context.Context, s scan.Snapshot) (scan.Report, error) {
	var r scan.Report
	if w.do != nil {
		if err := w.do(ctx); err != nil {
			return r, err
		}
	}
	rule := finding.Rule{ID: w.name + "/bad", Severity: finding.High, How: "Say good."}
	for _, f := range s.Files {
		b, err := s.Read(f)
		if err != nil {
			return r, err
		}
		for i, line := range bytes.Split(b, []byte("\n")) {
			at := change.Span{Path: f.Path, Start: i + 1, End: i + 1}
			if !bytes.HasPrefix(line, []byte("bad:")) || w.every && s.Side != scan.Before && !f.Touches(at) {
				continue
			}
			id := finding.InFile(string(line))
			if w.secret {
				id = finding.OfSecret(string(line))
			}
			r.Findings = append(r.Findings, finding.New(rule, at, id, "a bad word"))
		}
	}
	return r, nil
}

func between(t *testing.T, before, after fstest.MapFS) *change.Change {
	t.Helper()
	c, err := change.Between(t.Context(), before, after)
	require.NoError(t, err)
	return c
}

func file(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
}

func places(r finding.Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.At.String())
	}
	return out
}

func TestRunKeepsWhatTheChangeBroughtIn(t *testing.T) {
	c := between(t,
		fstest.MapFS{"a": file("bad:old", "fine")},
		fstest.MapFS{"a": file("one more", "bad:old", "fine", "bad:new", "bad:old")})
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w"}}, c, scan.Options{})
	assert.Equal(t, []string{"a:4", "a:5"}, places(r), "the old word moved, a second one of it is new")
	assert.True(t, r.Complete())
	assert.Equal(t, finding.Scanned{Blobs: 1, Of: 1, Skipped: []change.Skip{}}, r.Scanned)
}

func TestRunFollowsRenames(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"new": file("bad:x", "bad:y")})
	old := change.HashBlob([]byte("bad:x\n"))
	c.Files[0].Kind, c.Files[0].OldPath, c.Files[0].OldBlob = change.Renamed, "old", old
	c.Contents = with{c.Contents, map[string][]byte{old: []byte("bad:x\n")}}
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w"}}, c, scan.Options{})
	assert.Equal(t, []string{"new:2"}, places(r))
}

func TestRunFindsWhatALaterCommitTookAway(t *testing.T) {
	c := between(t, fstest.MapFS{"a": file("fine")}, fstest.MapFS{"a": file("fine", "bad:kept")})
	content := []byte("fine\nbad:gone\nbad:kept\n")
	id := change.HashBlob(content)
	step := change.File{Path: "a", NewBlob: id, Hunks: change.Diff([]byte("fine\n"), content)}
	c.Commits = []change.Commit{
		{SHA: "c1", Files: []change.File{step}},
		{SHA: "c2", Files: c.Files},
	}
	c.Contents = with{c.Contents, map[string][]byte{id: content}}
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w", every: true, secret: true}}, c, scan.Options{})
	require.Equal(t, []string{"a:2", "a:2"}, places(r))
	past, kept := r.Findings[0], r.Findings[1]
	if !past.Past {
		past, kept = kept, past
	}
	assert.Equal(t, "c1", past.Commit)
	assert.True(t, past.Past)
	assert.Equal(t, "c1", kept.Commit)
	assert.False(t, kept.Past)
	assert.Equal(t, "x [secret removed] y", r.Redactor.Clean("x bad:gone y"))
}

// TestEveryCommitIsAPlace: who takes a secret out of the history has to know all commits that have it.
func TestEveryCommitIsAPlace(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"z": file("fine")})
	c.Commits = nil
	blobs := map[string][]byte{}
	for i, path := range []string{"a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a"} {
		content := []byte(strings.Repeat("fine\n", i/2) + "bad:gone\n")
		id := change.HashBlob(content)
		blobs[id] = content
		c.Commits = append(c.Commits, change.Commit{SHA: fmt.Sprintf("c%02d", i), Files: []change.File{{Path: path, NewBlob: id, Hunks: change.Diff(nil, content)}}})
	}
	c.Contents = with{c.Contents, blobs}
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w", every: true, secret: true}}, c, scan.Options{})
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	assert.Equal(t, []any{true, "c00", "a:1"}, []any{f.Past, f.Commit, f.At.String()})
	require.Len(t, f.Also, 12)
	assert.Equal(t, "b:1", f.Also[0].String())
	assert.Equal(t, "a:7", f.Also[11].String())
	assert.Equal(t, []finding.Detail{{Name: "Also in commits", Text: "c01, c02, c03, c04, c05, c06, c07, c08, c09, c10 and 2 more"}}, f.Details)
}

// doubts is less sure of what is in a file of tests.
type doubts struct{ words }

func (d doubts) Inspect(ctx context.Context, s scan.Snapshot) (scan.Report, error) {
	r, err := d.words.Inspect(ctx, s)
	for i := range r.Findings {
		if strings.HasPrefix(r.Findings[i].At.Path, "test") {
			r.Findings[i].Confidence, r.Findings[i].Severity = finding.Possible, finding.Low
		}
	}
	return r, err
}

// TestMovedToTests: a secret that a commit had in a program is judged by that, wherever a later one puts it.
func TestMovedToTests(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"test": file("bad:x")})
	content := []byte("bad:x\n")
	c.Commits = []change.Commit{
		{SHA: "c1", Files: []change.File{{Path: "main", NewBlob: change.HashBlob(content), Hunks: change.Diff(nil, content)}}},
		{SHA: "c2", Files: c.Files},
	}
	r := scan.Run(t.Context(), []scan.Scanner{doubts{words{name: "w", every: true, secret: true}}}, c, scan.Options{})
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	assert.Equal(t, []any{"test:1", finding.Certain, finding.High, "c1"}, []any{f.At.String(), f.Confidence, f.Severity, f.Commit})
}

// named knows a value by another rule where it has another name: "bad:x" and "worse:x".
type named struct{ words }

func (named) Inspect(_ context.Context, s scan.Snapshot) (scan.Report, error) {
	var r scan.Report
	for _, f := range s.Files {
		b, err := s.Read(f)
		if err != nil {
			return r, err
		}
		for i, line := range strings.Split(string(b), "\n") {
			at := change.Span{Path: f.Path, Start: i + 1, End: i + 1}
			if name, v, ok := strings.Cut(line, ":"); ok && (s.Side == scan.Before || f.Touches(at)) {
				r.Findings = append(r.Findings, finding.New(finding.Rule{ID: "w/" + name}, at, finding.OfSecret(v), "a word"))
			}
		}
	}
	return r, nil
}

// TestOneSecretByTwoRules: a new name beside a value that was there brings no secret in.
func TestOneSecretByTwoRules(t *testing.T) {
	run := func(c *change.Change) (out []string) {
		r := scan.Run(t.Context(), []scan.Scanner{named{words{name: "w", every: true}}}, c, scan.Options{Key: finding.NewKey([]byte("k"))})
		for _, f := range r.Findings {
			out = append(out, fmt.Sprint(f.Rule.ID, " ", f.At, " ", f.Past))
		}
		return out
	}
	old := fstest.MapFS{"a": file("bad:x", "fine")}
	assert.Empty(t, run(between(t, old, fstest.MapFS{"a": file("worse:x", "fine")})), "renamed")
	assert.Empty(t, run(between(t, old, fstest.MapFS{"a": file("fine"), "b": file("worse:x")})), "moved and renamed")
	assert.Equal(t, []string{"w/worse b:1 false"}, run(between(t, old, fstest.MapFS{"a": file("bad:x", "fine", "more"), "b": file("worse:x")})), "copied")
	assert.Equal(t, []string{"w/worse a:1 false"}, run(between(t, old, fstest.MapFS{"a": file("worse:y", "fine")})), "another value")

	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("worse:x")})
	content := []byte("bad:x\n")
	c.Commits = []change.Commit{
		{SHA: "c1", Files: []change.File{{Path: "a", NewBlob: change.HashBlob(content), Hunks: change.Diff(nil, content)}}},
		{SHA: "c2", Files: c.Files},
	}
	c.Contents = with{c.Contents, map[string][]byte{change.HashBlob(content): content}}
	assert.Equal(t, []string{"w/worse a:1 false"}, run(c), "it is not in the history besides")
	c.Commits = append(c.Commits, change.Commit{SHA: "c3"})
	c.Files, c.After = nil, fstest.MapFS{}
	assert.Equal(t, []string{"w/bad a:1 true"}, run(c))
}

func TestRunMergesOneSecretInSeveralPlaces(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("bad:x"), "b": file("bad:x")})
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w", secret: true}}, c, scan.Options{})
	require.Len(t, r.Findings, 1)
	assert.Equal(t, []change.Span{{Path: "b", Start: 1, End: 1}}, r.Findings[0].Also)
}

func TestAScannerFailsAlone(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("bad:x")})
	stuck := make(chan struct{})
	defer close(stuck)
	r := scan.Run(t.Context(), []scan.Scanner{
		words{name: "well"},
		words{name: "panics", do: func(context.Context) error { panic("bad:x") }},
		words{name: "fails", do: func(context.Context) error { return errors.New("broken") }},
		words{name: "hangs", do: func(context.Context) error { <-stuck; return nil }},
	}, c, scan.Options{Timeout: time.Second})
	assert.Equal(t, []string{"a:1"}, places(r))
	assert.False(t, r.Complete())
	require.Len(t, r.Statuses, 4)
	assert.NoError(t, r.Statuses[0].Err)
	assert.ErrorContains(t, r.Statuses[1].Err, "panic (string) at scan/run_test.go:")
	assert.NotContains(t, r.Statuses[1].Err.Error(), "bad:x", "the value of a panic may be a secret")
	assert.ErrorContains(t, r.Statuses[2].Err, "broken")
	assert.ErrorContains(t, r.Statuses[3].Err, "stopped after")
}

func TestRunSaysWhenItCutsOff(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("bad:x", "bad:y", "bad:z")})
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w"}}, c, scan.Options{Limit: 2})
	assert.Len(t, r.Findings, 2)
	assert.ErrorContains(t, r.Statuses[0].Err, "3 findings; only the worst 2 are shown")
	assert.False(t, r.Complete())
}

func TestSkippedBlobsAreNeverCountedAsScanned(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("x"), "b": file("y")})
	c.Files[1].Skip = "larger than 4 MiB"
	c.Skipped = []change.Skip{{Path: "b", Why: "larger than 4 MiB"}}
	r := scan.Run(t.Context(), []scan.Scanner{words{name: "w"}}, c, scan.Options{})
	assert.Equal(t, 1, r.Scanned.Blobs)
	assert.Equal(t, 2, r.Scanned.Of)
	assert.False(t, r.Complete())
}

func TestWantsAreFetchedInBatches(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("x")})
	far := &distant{Contents: c.Contents, have: map[string]bool{}}
	c.Contents, c.After = far, labelled{c.After}
	r := scan.Run(t.Context(), []scan.Scanner{
		words{name: "one", wants: []string{"beside"}},
		words{name: "two", wants: []string{"beside", "further", "missing"}},
	}, c, scan.Options{})
	assert.True(t, r.Complete())
	assert.Equal(t, [][]string{{"id of beside", "id of further"}}, far.batches)

	far.err = errors.New("no route")
	far.have = map[string]bool{}
	r = scan.Run(t.Context(), []scan.Scanner{words{name: "asks", wants: []string{"beside"}}, words{name: "not"}}, c, scan.Options{})
	assert.ErrorContains(t, r.Statuses[0].Err, "no route")
	assert.NoError(t, r.Statuses[1].Err)
}

// reader is a scanner that says what it reads.
type reader struct {
	words
	reads func(s scan.Snapshot, path string) bool
}

func (r reader) Reads(_ context.Context, s scan.Snapshot) func(string) bool {
	return func(p string) bool { return r.reads(s, p) }
}

func TestFilesThatNobodyReads(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a.bicep": file("x"), "b.bicep": file("y"), "go.sum": file("x"), "yarn.lock": file("x"), "pom.xml": file("x")})
	kinds := func(o scan.Options, scanners ...scan.Scanner) []string {
		var out []string
		r := scan.Run(t.Context(), scanners, c, o)
		assert.True(t, r.Complete(), "nothing failed")
		for _, u := range r.Scanned.Uncovered {
			out = append(out, u.Label+" "+strings.Join(u.Paths, " "))
		}
		return out
	}
	all := []string{"1 yarn.lock file yarn.lock", "1 Maven file pom.xml", "2 Bicep files a.bicep b.bicep"}
	assert.Equal(t, all, kinds(scan.Options{}, words{name: "secret"}), "who looks into each file reads none of these")
	one := reader{words{name: "iac"}, func(s scan.Snapshot, p string) bool {
		b, err := s.Read(s.Files[0])
		return err == nil && strings.TrimSpace(string(b)) == "x" && s.Side == scan.After && p == s.Files[0].Path
	}}
	assert.Equal(t, []string{all[0], all[1], "1 Bicep file b.bicep"}, kinds(scan.Options{}, one, words{name: "secret"}))
	other := reader{words{name: "other"}, func(_ scan.Snapshot, p string) bool { return p == "b.bicep" }}
	assert.Equal(t, all[:2], kinds(scan.Options{}, one, other), "one of them is enough")
	panics := reader{words{name: "panics"}, func(scan.Snapshot, string) bool { panic("at the disco") }}
	assert.Equal(t, all, kinds(scan.Options{}, panics))
	assert.Equal(t, all[2:], kinds(scan.Options{On: func(scanner string) bool { return scanner == "iac" }}, words{name: "iac"}))
	assert.Equal(t, all[:2], kinds(scan.Options{Ignored: func(p string) bool { return strings.HasSuffix(p, ".bicep") }}, words{name: "iac"}))
}

// with has more contents than a change made by Between.
type with struct {
	change.Contents
	more map[string][]byte
}

func (w with) Blob(id string) ([]byte, error) {
	if b, ok := w.more[id]; ok {
		return b, nil
	}
	return w.Contents.Blob(id)
}

// distant has to fetch some contents first.
type distant struct {
	change.Contents
	have    map[string]bool
	batches [][]string
	err     error
}

func (d *distant) Blob(id string) ([]byte, error) {
	if strings.HasPrefix(id, "id of ") && !d.have[id] {
		return nil, &change.MissingError{Blob: id, Why: "not fetched"}
	}
	if d.have[id] {
		return []byte("x"), nil
	}
	return d.Contents.Blob(id)
}

func (d *distant) Load(_ context.Context, ids ...string) error {
	if d.err != nil {
		return d.err
	}
	d.batches = append(d.batches, ids)
	for _, id := range ids {
		d.have[id] = true
	}
	return nil
}

// labelled knows two files that are not at hand.
type labelled struct{ fs.FS }

func (l labelled) Stat(name string) (fs.FileInfo, error) {
	if name == "beside" || name == "further" {
		return info{name}, nil
	}
	return fs.Stat(l.FS, name)
}

type info struct{ name string }

func (i info) Name() string     { return i.name }
func (info) Size() int64        { return 1 }
func (info) Mode() fs.FileMode  { return 0o644 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (i info) Sys() any         { return change.BlobID("id of " + i.name) }

func TestACopyIsNewsAndAMoveIsNot(t *testing.T) {
	s := []scan.Scanner{words{name: "w", every: true, secret: true}}
	run := func(before, after fstest.MapFS, o scan.Options) []string {
		return places(scan.Run(t.Context(), s, between(t, before, after), o))
	}
	has, hasNot := file("bad:x"), file("fine")
	assert.Empty(t, run(fstest.MapFS{"a": has, "b": hasNot}, fstest.MapFS{"a": hasNot, "b": has}, scan.Options{}), "moved")
	assert.Empty(t, run(fstest.MapFS{"a": has}, fstest.MapFS{"b": has}, scan.Options{}), "moved into a new file")
	assert.Empty(t, run(fstest.MapFS{"a": has}, fstest.MapFS{"a": file("more", "bad:x")}, scan.Options{}), "stays")
	assert.Equal(t, []string{"b:1"}, run(fstest.MapFS{"a": has}, fstest.MapFS{"a": file("bad:x", "more"), "b": has}, scan.Options{}), "copied")
	assert.Len(t, run(fstest.MapFS{"a": has}, fstest.MapFS{"b": has, "c": has}, scan.Options{}), 1, "moved and copied")
	ignored := func(p string) bool { return p == "a" }
	assert.Equal(t, []string{"b:1"}, run(fstest.MapFS{"a": has}, fstest.MapFS{"b": has}, scan.Options{Ignored: ignored}), "out of an ignored path")
}

func TestATimeoutKeepsWhatWasFound(t *testing.T) {
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("bad:x")})
	s := slow{words{name: "w", every: true, secret: true}}
	r := scan.Run(t.Context(), []scan.Scanner{s}, c, scan.Options{Timeout: 2 * time.Second})
	assert.Equal(t, []string{"a:1"}, places(r))
	assert.ErrorContains(t, r.Statuses[0].Err, "stopped after")
}

// slow finds what there is and then takes longer than it may.
type slow struct{ words }

func (s slow) Inspect(ctx context.Context, snap scan.Snapshot) (scan.Report, error) {
	r, err := s.words.Inspect(ctx, snap)
	if snap.Side == scan.After {
		<-ctx.Done()
		err = ctx.Err()
	}
	return r, err
}
