package scan_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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

// values finds every "bad:x", known by what it is.
type values struct{ words }

func (values) Rules() []finding.Rule { return []finding.Rule{{ID: "w/bad"}, {ID: "w/worse"}} }

var value = regexp.MustCompile(`\b(bad|worse):\w+`)

func (values) Inspect(_ context.Context, s scan.Snapshot) (scan.Report, error) {
	var r scan.Report
	for _, f := range s.Files {
		b, err := s.Read(f)
		if err != nil {
			return r, err
		}
		for i, line := range strings.Split(string(b), "\n") {
			at := change.Span{Path: f.Path, Start: i + 1, End: i + 1}
			for _, v := range value.FindAllString(line, -1) {
				if s.Side == scan.Before || f.Touches(at) {
					rule, _, _ := strings.Cut(v, ":")
					r.Findings = append(r.Findings, finding.New(finding.Rule{ID: "w/" + rule}, at, finding.OfSecret(v), "a word"))
				}
			}
		}
	}
	return r, nil
}

func bad() []scan.Scanner { return []scan.Scanner{values{words{name: "w", every: true}}} }

// at is a default branch with these files.
func at(files map[string]string) func(context.Context, string) ([]byte, error) {
	return func(_ context.Context, path string) ([]byte, error) {
		text, ok := files[path]
		if !ok {
			return nil, nil
		}
		return []byte(text), nil
	}
}

const allow = "pullwarden:" + "allow w/bad a test account"

func TestMarkersCountWhereTheDefaultBranchHasThem(t *testing.T) {
	const brought = "it does not stand beside this secret on the default branch"
	line := "bad:x # " + allow + "\n"
	for name, tc := range map[string]struct {
		head, standing map[string]string
		void           string // "-": there is no marker
	}{
		"the same":                     {map[string]string{"a": line}, map[string]string{"a": line}, ""},
		"elsewhere in the file":        {map[string]string{"a": "\n\n" + line}, map[string]string{"a": line + "more\n"}, ""},
		"alone in the line above":      {map[string]string{"a": "<!-- " + allow + " -->\nbad:x\n"}, map[string]string{"a": "# " + allow + "\nbad:x\n"}, ""},
		"brought":                      {map[string]string{"a": line}, nil, brought},
		"brought beside what stands":   {map[string]string{"a": line}, map[string]string{"a": "bad:x\n"}, brought},
		"no more in the change":        {map[string]string{"a": "bad:x\n"}, map[string]string{"a": line}, "-"},
		"in another file":              {map[string]string{"b": line}, map[string]string{"a": line}, brought},
		"beside another value":         {map[string]string{"a": line}, map[string]string{"a": "bad:y # " + allow + "\n"}, brought},
		"another reason":               {map[string]string{"a": line}, map[string]string{"a": "bad:x # " + allow + " of ours\n"}, brought},
		"two lines above":              {map[string]string{"a": "# " + allow + "\n\nbad:x\n"}, map[string]string{"a": "# " + allow + "\n\nbad:x\n"}, "-"},
		"of the line above":            {map[string]string{"a": "bad:y # " + allow + "\nbad:x\n"}, map[string]string{"a": "bad:y # " + allow + "\nbad:x\n"}, "-"},
		"of the line below":            {map[string]string{"a": "bad:x\n# " + allow + "\n"}, map[string]string{"a": "bad:x\n# " + allow + "\n"}, "-"},
		"another rule":                 {map[string]string{"a": "worse:x # " + allow + "\n"}, map[string]string{"a": "worse:x # " + allow + "\n"}, "it names another rule"},
		"one of two names the rule":    {map[string]string{"a": "bad:x # " + strings.Replace(allow, "bad", "worse", 1) + " " + allow + "\n"}, map[string]string{"a": line}, ""},
		"no reason":                    {map[string]string{"a": "bad:x # pullwarden:allow w/bad -->\n"}, map[string]string{"a": "bad:x # pullwarden:allow w/bad -->\n"}, "it gives no reason"},
		"a rule that is none":          {map[string]string{"a": "bad:x # pullwarden:allow w/* all of them\n"}, map[string]string{"a": "bad:x # pullwarden:allow w/* all of them\n"}, "it names no rule for secrets"},
		"bare":                         {map[string]string{"a": "bad:x # pullwarden:allow\n"}, map[string]string{"a": "bad:x # pullwarden:allow\n"}, "it names no rule for secrets"},
		"another word":                 {map[string]string{"a": "bad:x # pullwarden:allowed w/bad because\n"}, map[string]string{"a": "bad:x # pullwarden:allowed w/bad because\n"}, "-"},
		"in every place":               {map[string]string{"a": line, "b": line}, map[string]string{"a": line, "b": line}, ""},
		"one place without":            {map[string]string{"a": line, "b": "bad:x\n"}, map[string]string{"a": line}, "not every place of the secret has one"},
		"one place where it is news":   {map[string]string{"a": line, "b": line}, map[string]string{"a": line}, brought},
		"the first place without":      {map[string]string{"a": "bad:x\n", "b": line}, map[string]string{"b": line}, "not every place of the secret has one"},
		"in another case, and a blank": {map[string]string{"a": "bad:x # PullWarden: allow w/bad because\n"}, map[string]string{"a": line}, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			after := fstest.MapFS{}
			for path, text := range tc.head {
				after[path] = &fstest.MapFile{Data: []byte(text)}
			}
			r := scan.Run(t.Context(), bad(), between(t, fstest.MapFS{}, after), scan.Options{Default: at(tc.standing)})
			f := r.Findings[len(r.Findings)-1]
			if tc.void == "-" {
				assert.Nil(t, f.Marker)
				return
			}
			require.NotNil(t, f.Marker)
			assert.Equal(t, tc.void, f.Marker.Void)
			if tc.void != "" {
				assert.Empty(t, f.Marker.Reason, "nobody looked for a secret in it")
				return
			}
			assert.Equal(t, "a test account", f.Marker.Reason)
			require.NotEmpty(t, f.Marker.At.Path)
		})
	}
}

// What only the history has is excused by the marker beside it there.
// TestAMarkerKnowsNoUnlistedPlace: what is only counted may have none.
func TestAMarkerKnowsNoUnlistedPlace(t *testing.T) {
	files := fstest.MapFS{"a": file("bad:x # " + allow)}
	for unlisted, void := range map[int]string{0: "", 1: "not every place of the secret has one"} {
		r := scan.Run(t.Context(), []scan.Scanner{counting{bad()[0], unlisted}}, between(t, fstest.MapFS{}, files), scan.Options{Default: at(map[string]string{"a": "bad:x # " + allow})})
		require.Len(t, r.Findings, 1)
		require.NotNil(t, r.Findings[0].Marker)
		assert.Equal(t, void, r.Findings[0].Marker.Void)
	}
}

// counting lists not all places.
type counting struct {
	scan.Scanner
	unlisted int
}

func (c counting) Inspect(ctx context.Context, s scan.Snapshot) (scan.Report, error) {
	r, err := c.Scanner.Inspect(ctx, s)
	for i := range r.Findings {
		r.Findings[i].Unlisted = c.unlisted
	}
	return r, err
}

func TestMarkersInTheHistory(t *testing.T) {
	content := []byte("bad:gone # " + allow + "\n")
	c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file("fine")})
	id := change.HashBlob(content)
	c.Commits = []change.Commit{{SHA: "c1", Files: []change.File{{Path: "a", NewBlob: id, Hunks: change.Diff(nil, content)}}}, {SHA: "c2", Files: c.Files}}
	c.Contents = with{c.Contents, map[string][]byte{id: content}}
	for standing, void := range map[string]string{string(content): "", "fine\n": "it does not stand beside this secret on the default branch"} {
		r := scan.Run(t.Context(), bad(), c, scan.Options{Default: at(map[string]string{"a": standing})})
		require.Len(t, r.Findings, 1)
		require.NotNil(t, r.Findings[0].Marker)
		assert.Equal(t, change.Span{Path: "a", Start: 1, End: 1}, r.Findings[0].Marker.At)
		assert.Equal(t, void, r.Findings[0].Marker.Void)
	}
}

func TestTheDefaultBranchIsAskedOnlyWhereThereIsAMarker(t *testing.T) {
	after, asked := fstest.MapFS{"plain": file("bad:x"), "void": file("bad:y # pullwarden:" + "allow w/bad")}, 0
	o := scan.Options{Default: func(context.Context, string) ([]byte, error) { asked++; return nil, errors.New("away") }}
	scan.Run(t.Context(), bad(), between(t, fstest.MapFS{}, after), o)
	assert.Zero(t, asked)
	for i := range 25 {
		after[string(rune('a'+i))] = file("bad:"+string(rune('a'+i))+" # "+allow, "bad:z"+string(rune('a'+i))+" # "+allow)
	}
	r := scan.Run(t.Context(), bad(), between(t, fstest.MapFS{}, after), o)
	assert.Equal(t, 20, asked, "each file once, and not without bounds")
	assert.Equal(t, "the file on the default branch could not be looked at", r.Findings[0].Marker.Void)
	assert.Len(t, r.Markers, 51)
}

func TestMarkersThatAChangeAdds(t *testing.T) {
	before := fstest.MapFS{"a": file("bad:x # "+allow, "fine")}
	after := fstest.MapFS{"a": file("bad:x # "+allow, "fine", "# "+allow), "b": file("# pullwarden:" + "allow w/none because")}
	r := scan.Run(t.Context(), bad(), between(t, before, after), scan.Options{})
	assert.Equal(t, []finding.Marker{
		{At: change.Span{Path: "a", Start: 3, End: 3}, Rule: "w/bad"},
		{At: change.Span{Path: "b", Start: 1, End: 1}, Void: "it names no rule for secrets"},
	}, r.Markers)
}

// What a reason says may be shown: a secret in it is known to be one.
func TestAReasonGivesNothingAway(t *testing.T) {
	text := "# " + allow + " bad:inside\nbad:x\n"
	c := between(t, fstest.MapFS{"a": file(strings.TrimSuffix(strings.Split(text, "bad:x")[0], "\n"))}, fstest.MapFS{"a": &fstest.MapFile{Data: []byte(text)}})
	r := scan.Run(t.Context(), bad(), c, scan.Options{Default: at(map[string]string{"a": text})})
	require.Len(t, r.Findings, 1)
	require.Empty(t, r.Findings[0].Marker.Void)
	assert.Equal(t, "a test account [secret removed]", r.Redactor.Clean(r.Findings[0].Marker.Reason))
}

// hang is a scanner that does not see that its time is over where it looks at the default branch.
type hang struct {
	values
	on func(s scan.Snapshot) bool
}

func (h hang) Inspect(ctx context.Context, s scan.Snapshot) (scan.Report, error) {
	if h.on(s) {
		time.Sleep(20 * time.Second)
	}
	return h.values.Inspect(ctx, s)
}

// Whatever a change brings: what was found in time is judged, and no marker
// that there was no time for excuses anything.
func TestMarkersTakeNoTime(t *testing.T) {
	line := "bad:x # " + allow + "\n"
	files := fstest.MapFS{}
	for i := range 5 {
		files[fmt.Sprint("f", i)] = file(strings.ReplaceAll(line, "x", fmt.Sprint("x", i)))
	}
	c := between(t, fstest.MapFS{}, files)
	began := time.Now()
	asked := 0
	r := scan.Run(t.Context(), bad(), c, scan.Options{Timeout: 200 * time.Millisecond, Default: func(ctx context.Context, _ string) ([]byte, error) {
		asked++
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	assert.Len(t, r.Findings, 5)
	assert.Equal(t, 1, asked, "no more once the time is over")
	for _, f := range r.Findings[1:] {
		assert.Nil(t, f.Marker)
	}
	assert.NotEmpty(t, r.Findings[0].Marker.Void)

	slow := hang{values{words{name: "w", every: true}}, func(s scan.Snapshot) bool { return len(s.Files) == 1 }}
	r = scan.Run(t.Context(), []scan.Scanner{slow}, c, scan.Options{Timeout: 200 * time.Millisecond, Default: func(context.Context, string) ([]byte, error) { return []byte(line), nil }})
	assert.Len(t, r.Findings, 5)
	assert.NotEmpty(t, r.Findings[0].Marker.Void)
	assert.Less(t, time.Since(began), 15*time.Second, "it was left behind")
}

// Many markers, and many places, are no way to have something excused, nor to fill the memory.
func TestManyMarkers(t *testing.T) {
	others := strings.Repeat("pullwarden:"+"allow w/worse nothing ", 4)
	for name, tc := range map[string]struct{ text, void string }{
		"too many in the line":     {"bad:x # " + others + allow + "\n", "it names another rule"},
		"as many as are looked at": {"bad:x # " + others[:len(others)*3/4] + allow + "\n", ""},
		"too many places":          {strings.Repeat("bad:x # "+allow+"\n", 102), "not every place of the secret has one"},
		"as many places":           {strings.Repeat("bad:x # "+allow+"\n", 100), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := between(t, fstest.MapFS{}, fstest.MapFS{"a": file(tc.text)})
			r := scan.Run(t.Context(), bad(), c, scan.Options{Timeout: time.Minute, Default: at(map[string]string{"a": tc.text})})
			require.Len(t, r.Findings, 1)
			require.NotNil(t, r.Findings[0].Marker)
			assert.Equal(t, tc.void, r.Findings[0].Marker.Void)
		})
	}
}
