package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/report"
)

// alone is an environment without a home, from which nothing but loopback can be reached.
func alone(t *testing.T) map[string]string {
	const nowhere = "http://127.0.0.1:9"
	return map[string]string{"HOME": t.TempDir(), "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere}
}

type shown struct {
	Check    struct{ Name, Conclusion, Title, Summary string }
	Comments []struct {
		Path string
		Line int
		Body string
	}
	Findings []struct {
		Rule, Severity, Confidence, Path, Commit, Fingerprint, Action, Why, Message, Fix string

		Start, End int
		Past       bool
		Owners     []string
		Also       []report.PlaceJSON
		Package    *report.PackageJSON
		Advisories []report.AdvisoryJSON
	}
	Scanned struct {
		Commits, Blobs, Of int
		Skipped            []struct{ Path, Why string }
		Uncovered          []struct {
			Kind            string
			Scanners, Paths []string
			Count           int
		}
	}
	Upgrades []struct {
		Title, Branch string
		Files         []string
	}
	TookMS int64 `json:"took_ms"`
}

func playDemo(t *testing.T, dir string, args ...string) shown {
	t.Helper()
	cmd := program(t, alone(t), append([]string{"demo", "--once", "--json"}, args...)...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &errs
	out, err := cmd.Output()
	require.NoError(t, err, errs.String())
	var s shown
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&s))
	return s
}

func TestDemoJSON(t *testing.T) {
	s := playDemo(t, t.TempDir())
	assert.Equal(t, "pullwarden", s.Check.Name)
	assert.Equal(t, "failure", s.Check.Conclusion)
	assert.NotEmpty(t, s.Check.Title)
	assert.NotEmpty(t, s.Check.Summary)
	families := map[string]bool{}
	past := 0
	for _, f := range s.Findings {
		family, _, _ := strings.Cut(f.Rule, "/")
		families[family] = true
		assert.NotEmpty(t, f.Path)
		assert.Positive(t, f.Start)
		assert.Contains(t, []string{"critical", "high", "medium", "low"}, f.Severity)
		assert.NotEmpty(t, f.Fix)
		if f.Past {
			past++
			assert.Len(t, f.Commit, 40)
		}
	}
	assert.Equal(t, map[string]bool{"secret": true, "dependency": true, "iac": true}, families)
	assert.Equal(t, 1, past, "a secret that a later commit removed")
	assert.NotEmpty(t, s.Comments)
	for _, c := range s.Comments {
		assert.NotEmpty(t, c.Path)
		assert.Positive(t, c.Line)
		assert.Contains(t, c.Body, "How to fix")
	}
	assert.Equal(t, s.Scanned.Of, s.Scanned.Blobs)
	assert.Positive(t, s.Scanned.Commits)
	require.Len(t, s.Upgrades, 1)
	assert.NotEmpty(t, s.Upgrades[0].Title)
	assert.True(t, strings.HasPrefix(s.Upgrades[0].Branch, "pullwarden/"))
	assert.Equal(t, []string{"go.mod", "go.sum"}, s.Upgrades[0].Files)
	assert.Positive(t, s.TookMS)
}

func TestDemoOfARepository(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "x\n"})
	r.commit("More", map[string]string{"README": "y\n"})
	r.commit("Pay", map[string]string{"pay.go": withSecret()})
	s := playDemo(t, r.dir, "--repo", ".", "--base", "HEAD~1", "--head", "HEAD")
	assert.Equal(t, "failure", s.Check.Conclusion)
	require.Len(t, s.Findings, 1)
	assert.Equal(t, "pay.go", s.Findings[0].Path)
	assert.Equal(t, 1, s.Scanned.Commits)
	s = playDemo(t, r.dir, "--repo", ".", "--base", "HEAD~2", "--head", "HEAD~1")
	assert.Equal(t, "success", s.Check.Conclusion)
	assert.Empty(t, s.Comments)

	// A shallow clone, as continuous integration makes them.
	clone := repository{t, t.TempDir()}
	clone.git("clone", "-q", "--depth=2", "file://"+r.dir, ".")
	s = playDemo(t, clone.dir, "--repo", ".", "--base", "HEAD~1", "--head", "HEAD")
	assert.Equal(t, "failure", s.Check.Conclusion)

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--repo", "nothing", "--base", "a", "--head", "b"}, "nothing"},
		{[]string{"--repo", ".", "--base", "nobody", "--head", "HEAD"}, "nobody"},
		{[]string{"--repo", "."}, "--base"},
		{[]string{"--base", "HEAD"}, "--repo"},
	} {
		code, out, errs := call(t, r.dir, nil, append([]string{"demo", "--once"}, c.args...)...)
		assert.Equal(t, 2, code)
		assert.Empty(t, out)
		assert.Contains(t, errs, c.want)
	}
}
