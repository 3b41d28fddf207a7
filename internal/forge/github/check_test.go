package github

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge"
)

func (w *world) check(c forge.Check) forge.CheckID {
	w.t.Helper()
	if c.SHA == "" {
		c.SHA = w.pull.HeadSHA
	}
	id, err := w.PutCheck(w.t.Context(), w.repo, c)
	require.NoError(w.t, err)
	return id
}

func (w *world) runs() []fakehub.CheckRun { return w.on.CheckRuns(w.pull.HeadSHA) }

func underWay() forge.Check { return forge.Check{Title: "Looking", Summary: "…"} }

func outcome(digest string, conclusion forge.Conclusion, notes ...forge.Note) forge.Check {
	return forge.Check{Title: "Outcome " + digest, Summary: "Summary.", Conclusion: conclusion, Digest: digest, Notes: notes,
		DetailsURL: "https://pullwarden.example/1"}
}

func TestCheckLife(t *testing.T) {
	w := newWorld(t, nil)
	id := w.check(underWay())
	require.Len(t, w.runs(), 1)
	assert.Equal(t, "in_progress", w.runs()[0].Status)
	w.quiet(func() { assert.Equal(t, id, w.check(underWay())) })

	assert.Equal(t, id, w.check(outcome("d1", forge.Failure)), "the run that is under way is completed")
	run := w.runs()[0]
	assert.Equal(t, "completed", run.Status)
	assert.Equal(t, "failure", run.Conclusion)
	assert.Equal(t, "d1", run.ExternalID)
	assert.Equal(t, forge.CheckName, run.Name)
	assert.Equal(t, "https://pullwarden.example/1", run.DetailsURL)
	assert.False(t, run.Started.IsZero() || run.Completed.IsZero())

	w.quiet(func() {
		assert.Equal(t, id, w.check(outcome("d1", forge.Failure)))
		assert.Equal(t, id, w.check(underWay()), "a completed one stands")
	})

	second := w.check(outcome("d2", forge.Success))
	assert.NotEqual(t, id, second, "another outcome is another run")
	third := w.check(outcome("d1", forge.Failure))
	assert.NotContains(t, []forge.CheckID{id, second}, third, "what was said before d2 does not stand any more")
	assert.Len(t, w.runs(), 3)
}

func TestCheckAgain(t *testing.T) {
	w := newWorld(t, nil)
	first := w.check(outcome("d1", forge.Failure))
	again := underWay()
	again.Again = true
	second := w.check(again)
	assert.NotEqual(t, first, second)
	w.quiet(func() { assert.Equal(t, second, w.check(again)) })
	done := outcome("d1", forge.Failure)
	done.Again = true
	assert.Equal(t, second, w.check(done), "the same outcome completes the new run: it never stays pending")
	w.quiet(func() { assert.Equal(t, second, w.check(done)) })
}

// A run of our name by another App is not ours.
func TestCheckOfAnother(t *testing.T) {
	w := newWorld(t, nil)
	w.on.AddForeignCheck(w.pull.HeadSHA, 15368, fakehub.CheckRun{Name: forge.CheckName, Status: "completed", Conclusion: "success", ExternalID: "d1"})
	w.check(outcome("d1", forge.Failure))
	var ours int
	for _, r := range w.runs() {
		if r.AppID == 7 {
			ours++
			assert.Equal(t, "failure", r.Conclusion)
		}
	}
	assert.Equal(t, 1, ours)
}

func TestCheckRace(t *testing.T) {
	w := newWorld(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := outcome("d1", forge.Success)
			c.SHA = w.pull.HeadSHA
			_, err := w.PutCheck(t.Context(), w.repo, c)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Len(t, w.runs(), 1)
}

// GitHub made the check run, and its answer is lost: there is one all the same,
// whatever was seen before, and also where nothing can be looked up right then.
func TestCheckAnswerLost(t *testing.T) {
	for name, f := range map[string]fakehub.Fault{
		"connection closed": {Lose: true}, "another answer": {Lose: true, Status: 502}, "cut": {Cut: 20}, "no JSON": {Trim: 20},
	} {
		for _, c := range []forge.Check{underWay(), outcome("d1", forge.Failure, notes(70)...)} {
			for _, blind := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, blind %v", name, c.Title, blind), func(t *testing.T) {
					w := newWorld(t, nil)
					c := c
					c.SHA = w.pull.HeadSHA
					seen, err := w.Look(t.Context(), w.repo, w.pull.Number, c.SHA)
					require.NoError(t, err)
					c.Seen = &seen
					f := f
					f.Match = "POST /repos/*/check-runs"
					w.hub.Fail(f)
					if blind {
						w.hub.Fail(fakehub.Fault{Match: "GET /repos/*/check-runs*", Status: 503})
					}
					id, err := w.PutCheck(t.Context(), w.repo, c)
					assert.Equal(t, blind, err != nil, "%v", err)
					again, err := w.PutCheck(t.Context(), w.repo, c)
					require.NoError(t, err)
					if !blind {
						assert.Equal(t, id, again)
					}
					require.Len(t, w.runs(), 1)
					assert.Equal(t, w.runs()[0].ID, int64(again))
					assert.Len(t, w.runs()[0].Annotations, len(c.Notes))
				})
			}
		}
	}
}

// What somebody saw before we wrote last does not count.
func TestCheckSeenBefore(t *testing.T) {
	w := newWorld(t, nil)
	seen, err := w.Look(t.Context(), w.repo, w.pull.Number, w.pull.HeadSHA)
	require.NoError(t, err)
	for _, c := range []forge.Check{underWay(), outcome("d1", forge.Failure), outcome("d1", forge.Failure), underWay()} {
		c.Seen = &seen
		w.check(c)
	}
	assert.Len(t, w.runs(), 1)
}

func notes(n int) []forge.Note {
	var out []forge.Note
	for i := range n {
		out = append(out, forge.Note{At: change.Span{Path: "a.txt", Start: i + 1, End: i + 1}, Level: "warning",
			Title: "Title", Text: fmt.Sprintf("note %d", i)})
	}
	return out
}

// A crash between two batches leaves no gap and no double.
func TestAnnotationsResume(t *testing.T) {
	for _, f := range []fakehub.Fault{
		{Match: "PATCH /repos/*/check-runs/*", Skip: 1, Status: 502}, // before the second batch
		{Match: "PATCH /repos/*/check-runs/*", Skip: 1, Lose: true},  // after it
		{Match: "PATCH /repos/*/check-runs/*", Lose: true},           // after completing
		{Match: "POST /repos/*/check-runs", Lose: true},              // after creating
	} {
		for _, begun := range []bool{true, false} {
			w := newWorld(t, nil)
			if begun {
				w.check(underWay())
			}
			w.hub.Fail(f)
			c := outcome("d1", forge.Failure, notes(170)...)
			c.SHA = w.pull.HeadSHA
			for range 5 {
				if _, err := w.PutCheck(t.Context(), w.repo, c); err == nil {
					break
				}
			}
			w.check(c)
			require.Len(t, w.runs(), 1)
			got := w.runs()[0].Annotations
			require.Len(t, got, 170)
			for i, a := range got {
				assert.Equal(t, fmt.Sprintf("note %d", i), a.Message)
			}
		}
	}
}

func TestCheckCut(t *testing.T) {
	w := newWorld(t, nil)
	id := w.check(underWay())
	w.hub.Fail(fakehub.Fault{Match: "PATCH /repos/*/check-runs/*", Status: 500})
	c := outcome("d1", forge.Failure)
	c.SHA = w.pull.HeadSHA
	_, err := w.PutCheck(t.Context(), w.repo, c)
	var busy *forge.BusyError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, brokenWait, busy.After)
	assert.Equal(t, id, w.check(c))
}

func TestAnnotationLimits(t *testing.T) {
	list := append(notes(annotationsCap+3), forge.Note{At: change.Span{Path: "../x`y", Start: 3}, Level: "loud", Title: "T", Text: "out\nside"})
	list = append(list, forge.Note{At: change.Span{Path: "whole"}, Level: "loud", Text: strings.Repeat("é", 40_000), Title: strings.Repeat("ü", 300)})
	list[0].Text, list[1].Text, list[1].Title = "", "", ""
	list[0], list[len(list)-1] = list[len(list)-1], list[0]
	got, text := annotations(list)
	assert.Len(t, got, annotationsCap)
	assert.Equal(t, "whole", got[0].GetPath())
	assert.Equal(t, 1, got[0].GetStartLine())
	assert.Equal(t, 1, got[0].GetEndLine())
	assert.Equal(t, "notice", got[0].GetAnnotationLevel())
	assert.LessOrEqual(t, len(got[0].GetMessage()), maxMessage)
	assert.Equal(t, maxTitle, utf8.RuneCountInString(got[0].GetTitle()))
	assert.Contains(t, text, "- `\"../x\\x60y\":3` `T: out side`")
	assert.Contains(t, text, "3 more are not shown")
}

func TestOddPaths(t *testing.T) {
	for path, want := range map[string]bool{
		"a/b.txt": true, "ü/ß 😀": true, "": false, "/a": false, "a/../b": false, "./a": false, "a//b": false,
		"a\nb": false, "a\x7f": false, "a\xff": false, `a\b`: false, "..a": true,
	} {
		assert.Equal(t, want, takesPath(path), "%q", path)
	}
}

func TestCheckTexts(t *testing.T) {
	w := newWorld(t, nil)
	c := outcome("d1", forge.Neutral, forge.Note{At: change.Span{Path: "a\x01b", Start: 1, End: 1}, Level: "failure", Title: "Odd", Text: "name"})
	c.Title = strings.Repeat("ü", 300) + "\nx"
	c.Summary = strings.Repeat("€", 40_000) + "\xff\x00"
	w.check(c)
	run := w.runs()[0]
	assert.Equal(t, 255, utf8.RuneCountInString(run.Title))
	assert.LessOrEqual(t, len(run.Summary), 65_535)
	assert.True(t, utf8.ValidString(run.Summary))
	assert.True(t, strings.HasSuffix(run.Summary, cutNote))
	assert.Empty(t, run.Annotations)
	assert.Contains(t, run.Text, `"a\x01b":1`)

	c = forge.Check{SHA: w.pull.HeadSHA, Conclusion: forge.Success, Digest: "d2"}
	w.check(c)
	assert.Equal(t, forge.CheckName, w.runs()[1].Title)
}

func TestStaleRunsRest(t *testing.T) {
	w := newWorld(t, nil)
	w.check(underWay())
	c, err := w.client(w.repo, grant{checks: write})
	require.NoError(t, err)
	p := checkPut{Forge: w.Forge, client: c, repo: w.repo, check: forge.Check{SHA: w.pull.HeadSHA, Title: "t", Summary: "s"}}
	_, err = p.begin(t.Context(), nil) // another process began one too
	require.NoError(t, err)
	w.check(outcome("d1", forge.Success))
	for _, r := range w.runs() {
		assert.Equal(t, "completed", r.Status)
	}
	w.quiet(func() { w.check(outcome("d1", forge.Success)) })
}

func TestCheckOfMissingCommit(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.PutCheck(t.Context(), w.repo, forge.Check{SHA: strings.Repeat("e", 40), Title: "t", Summary: "s"})
	assert.ErrorIs(t, err, forge.ErrNotFound)
}

// A part of our check has its own runs: neither is taken for the other.
func TestCheckParts(t *testing.T) {
	w := newWorld(t, nil)
	part := outcome("p1", forge.Success)
	part.Part = "secret"
	first := w.check(part)
	id := w.check(underWay())
	assert.Equal(t, id, w.check(outcome("d1", forge.Failure)))
	require.Len(t, w.runs(), 2)
	assert.Equal(t, "pullwarden / secret", w.runs()[0].Name)
	assert.Equal(t, "success", w.runs()[0].Conclusion)
	w.quiet(func() {
		assert.Equal(t, first, w.check(part))
		assert.Equal(t, id, w.check(outcome("d1", forge.Failure)))
	})
	part = outcome("p2", forge.Failure)
	part.Part = "secret"
	assert.NotEqual(t, first, w.check(part), "another outcome is another run")
	part.Part = "iac"
	w.check(part)
	names := map[string]int{}
	for _, r := range w.runs() {
		names[r.Name]++
		assert.Equal(t, "completed", r.Status)
	}
	assert.Equal(t, map[string]int{forge.CheckName: 1, "pullwarden / secret": 2, "pullwarden / iac": 1}, names)
}
