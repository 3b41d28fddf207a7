package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func found(rule string, s finding.Severity, path string, change ...func(*finding.Finding)) finding.Finding {
	f := finding.New(finding.Rule{ID: rule, Severity: s}, at(path), finding.InFile("x"), "message")
	f.Print = "0123456789abcdef0123456789abcdef"
	for _, c := range change {
		c(&f)
	}
	return f
}

func at(path string) change.Span { return change.Span{Path: path, Start: 1, End: 1} }

func possible(f *finding.Finding) { f.Confidence = finding.Possible }
func past(f *finding.Finding)     { f.Past = true }
func alsoAt(path string) func(*finding.Finding) {
	return func(f *finding.Finding) { f.Also = append(f.Also, at(path)) }
}

func TestDecide(t *testing.T) {
	secret := found("secret/github-pat", finding.Critical, "a/b.env")
	for _, tc := range []struct {
		name   string
		policy string
		f      finding.Finding
		action Action
		why    string
	}{
		{"at the threshold", "", found("iac/AWS-1", finding.High, "m.tf"), Block, "high, and this repository blocks high and above"},
		{"between the thresholds", "", found("iac/AWS-1", finding.Medium, "m.tf"), Comment, "medium, and this repository comments on medium and above"},
		{"below both", "", found("iac/AWS-1", finding.Low, "m.tf"), Note, "low, and this repository comments on medium and above only"},
		{"never block", "block: never", secret, Comment, "critical, and this repository comments on medium and above"},
		{"never comment", "block: never\ncomment: never", secret, Note, "critical, and this repository comments on nothing"},
		{"block from low on", "block: low\ncomment: critical", found("iac/AWS-1", finding.Low, "m.tf"), Block, "low, and this repository blocks low and above"},
		{"not certain", "", found("secret/generic-api-key", finding.Critical, "a", possible), Note, "critical, but not certain enough to interrupt"},
		{"only in the history", "", found("secret/x", finding.High, "a", past), Block, "high, and this repository blocks high and above"},
		{"milder and only in the history", "", found("secret/x", finding.Medium, "a", past), Note, "medium, but only in the history: no line is left to comment on"},
		{"scanner off", "scanners: {secrets: {enabled: false}}", secret, Ignored, "this repository turns the secret scanner off"},
		{"another scanner off", "scanners: {iac: {enabled: false}}", secret, Block, ""},
		{"dependencies off", "scanners: {dependencies: {enabled: false}}", found("dependency/GO-1", finding.High, "go.mod"), Ignored, ""},
		{"text off", "scanners: {text: {enabled: false}}", found("text/bidi", finding.High, "w.yml"), Ignored, ""},
		{"skipped", "scanners: {iac: {skip: [AWS-1]}}", found("iac/AWS-1", finding.High, "m.tf"), Ignored, "this repository skips the rule"},
		{"skipped with its prefix", "scanners: {iac: {skip: [iac/AWS-1]}}", found("iac/AWS-1", finding.High, "m.tf"), Ignored, ""},
		{"skipping is no prefix match", "scanners: {iac: {skip: [AWS-1]}}", found("iac/AWS-10", finding.High, "m.tf"), Block, ""},
		{"skipped elsewhere", "scanners: {text: {skip: [AWS-1]}}", found("iac/AWS-1", finding.High, "m.tf"), Block, ""},
		{"ignored path", "paths: {ignore: ['vendor/**']}", found("secret/x", finding.High, "vendor/a/b/c.go"), Ignored, "this repository ignores the path"},
		{"a path that looks alike", "paths: {ignore: ['vendor/**']}", found("secret/x", finding.High, "src/vendor/c.go"), Block, ""},
		{"one star stays in its folder", "paths: {ignore: ['docs/*.md']}", found("secret/x", finding.High, "docs/a/b.md"), Block, ""},
		{"two stars do not", "paths: {ignore: ['docs/**/*.md']}", found("secret/x", finding.High, "docs/a/b.md"), Ignored, ""},
		{"also in a path that counts", "paths: {ignore: ['vendor/**']}", found("secret/x", finding.High, "vendor/a", alsoAt("main.go")), Block, ""},
		{"all places in ignored paths", "paths: {ignore: ['vendor/**']}", found("secret/x", finding.High, "vendor/a", alsoAt("vendor/b")), Ignored, ""},
		{"exception by rule", exception("rule: secret/github-pat"), secret, Ignored, "an exception of @acme/platform until 2026-11-23: known"},
		{"exception by family", exception("rule: secret/*"), secret, Ignored, ""},
		{"exception of another rule", exception("rule: iac/*"), secret, Block, ""},
		{"exception by rule and path", exception("rule: secret/*, path: 'a/**'"), secret, Ignored, ""},
		{"exception by rule in another path", exception("rule: secret/*, path: 'c/**'"), secret, Block, ""},
		{"exception by path that covers one place of two", exception("path: 'a/**'"), found("secret/x", finding.High, "a/b", alsoAt("c")), Block, ""},
		{"exception by fingerprint", exception("fingerprint: '0123456789abcdef0123456789abcdef'"), secret, Ignored, ""},
		{"exception by another fingerprint", exception("fingerprint: 'ffffffffffffffffffffffffffffffff'"), secret, Block, ""},
		{"a file name that is not UTF-8", "paths: {ignore: ['vendor/**']}", found("secret/x", finding.High, "vendor/\xff"), Ignored, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Parse([]byte("version: 1\n" + tc.policy))
			require.NoError(t, err)
			v := p.Judge(finding.Result{Findings: []finding.Finding{tc.f}}, now)
			require.Len(t, v.Decisions, 1)
			d := v.Decisions[0]
			assert.Equal(t, tc.action, d.Action)
			if tc.why != "" {
				assert.Equal(t, tc.why, d.Why)
			}
			assert.NotEmpty(t, d.Why)
		})
	}
}

func TestMarkers(t *testing.T) {
	marked := func(void string) finding.Finding {
		return found("secret/x", finding.High, "a", func(f *finding.Finding) {
			f.Marker = &finding.Marker{At: at("a"), Reason: "a test account", Void: void}
		})
	}
	p := Default()
	v := p.Judge(finding.Result{Findings: []finding.Finding{marked(""), marked("it gives no reason")}}, now)
	assert.Equal(t, Ignored, v.Decisions[0].Action)
	assert.Equal(t, "a marker in a:1: a test account", v.Decisions[0].Why)
	assert.NotNil(t, v.Decisions[0].Marker)
	assert.Equal(t, Block, v.Decisions[1].Action)
	assert.Equal(t, "high, and this repository blocks high and above; the marker in a:1 counts for nothing: it gives no reason", v.Decisions[1].Why)
	assert.Nil(t, v.Decisions[1].Marker)

	p, err := Compose(Layers{Organisation: []byte("version: 1\nfloors: {markers: none}\n")})
	require.NoError(t, err)
	v = p.Judge(finding.Result{Findings: []finding.Finding{marked("")}}, now)
	assert.Equal(t, Block, v.Decisions[0].Action)
	assert.Contains(t, v.Decisions[0].Why, "the marker in a:1 counts for nothing: the organisation allows none")
}

func exception(what string) string {
	return "ignore:\n  - {" + what + ", reason: known, owner: '@acme/platform', until: 2026-11-23}\n"
}

func TestExceptionLastsThroughItsDay(t *testing.T) {
	p, err := Parse([]byte("version: 1\n" + exception("rule: secret/*") + "  - {rule: iac/*, reason: r, owner: o, until: 2030-01-01}\n"))
	require.NoError(t, err)
	r := finding.Result{Findings: []finding.Finding{found("secret/x", finding.High, "a")}}

	lastMoment := time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC)
	v := p.Judge(r, lastMoment)
	assert.Equal(t, Pass, v.Outcome)
	assert.Equal(t, p.Ignore[:1], v.InForce, "only those that were used")
	assert.Empty(t, v.Expired)

	v = p.Judge(r, lastMoment.Add(time.Second))
	assert.Equal(t, Fail, v.Outcome)
	assert.Empty(t, v.InForce)
	assert.Equal(t, p.Ignore[:1], v.Expired)
	assert.Equal(t, "high, and this repository blocks high and above; an exception of @acme/platform ended on 2026-11-23", v.Decisions[0].Why)

	east := time.FixedZone("", 14*3600)
	assert.Equal(t, Pass, p.Judge(r, lastMoment.In(east)).Outcome, "the day is UTC's")
	assert.Equal(t, Fail, p.Judge(r, lastMoment.Add(time.Second).In(east)).Outcome)
}

// An exception that nobody has approved excuses what only gets a comment. What
// blocks it excuses once it was approved, and says until then that it waits.
func TestPendingException(t *testing.T) {
	p := Default()
	e := Exception{Rule: "secret/*", Reason: "r", Owner: "@dev", Until: now.Add(day), Layer: Conversation, Pending: true}
	p.Ignore = []Exception{e}
	for name, test := range map[string]struct {
		severity         finding.Severity
		approved         bool
		action           Action
		inForce, pending []Exception
		why              string
	}{
		"it would block":               {finding.High, false, Block, nil, []Exception{e}, "high, and this repository blocks high and above; an exception that @dev asked for waits for approval"},
		"it would block, but approved": {finding.High, true, Ignored, []Exception{e}, nil, "an exception of @dev until"},
		"it would only be commented":   {finding.Medium, false, Ignored, []Exception{e}, nil, "an exception of @dev until"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Ignore[0].Pending = !test.approved
			for _, list := range [][]Exception{test.inForce, test.pending} {
				for i := range list {
					list[i].Pending = !test.approved
				}
			}
			v := p.Judge(finding.Result{Findings: []finding.Finding{found("secret/x", test.severity, "a")}}, now)
			assert.Equal(t, test.action, v.Decisions[0].Action)
			assert.Contains(t, v.Decisions[0].Why, test.why)
			assert.Equal(t, test.inForce, v.InForce)
			assert.Equal(t, test.pending, v.Pending)
			if len(test.inForce) > 0 {
				assert.Equal(t, &test.inForce[0], v.Decisions[0].By)
			} else {
				assert.Nil(t, v.Decisions[0].By)
			}
		})
	}
	late := p.Judge(finding.Result{Findings: []finding.Finding{found("secret/x", finding.Medium, "a")}}, now.Add(10*day))
	assert.Equal(t, Comment, late.Decisions[0].Action, "it ends like any other")
	assert.Len(t, late.Expired, 1)
}

func TestExceptionOfEverythingCoversNothing(t *testing.T) {
	p := Default()
	p.Ignore = []Exception{{Reason: "r", Owner: "o", Until: now.Add(day)}}
	assert.Equal(t, Fail, p.Judge(finding.Result{Findings: []finding.Finding{found("secret/x", finding.High, "a")}}, now).Outcome)
}

func TestOutcome(t *testing.T) {
	bad := found("secret/x", finding.High, "a")
	mild := found("secret/x", finding.Low, "a")
	unsure := found("secret/x", finding.Critical, "a", possible)
	broken := finding.Status{Scanner: "iac", Err: errors.New("timed\nout")}
	full := finding.Scanned{Commits: 1, Blobs: 3, Of: 3}
	for _, tc := range []struct {
		name       string
		policy     string
		result     finding.Result
		outcome    Outcome
		conclusion string
		incomplete []string
	}{
		{"nothing", "", finding.Result{Scanned: full}, Pass, "success", nil},
		{"something mild", "", finding.Result{Scanned: full, Findings: []finding.Finding{mild}}, Warn, "success", nil},
		{"something uncertain", "", finding.Result{Findings: []finding.Finding{unsure}}, Warn, "success", nil},
		{"something bad", "", finding.Result{Findings: []finding.Finding{mild, bad}}, Fail, "failure", nil},
		{"something bad, observed", "mode: observe", finding.Result{Findings: []finding.Finding{bad}}, Fail, "neutral", nil},
		{"something ignored", "paths: {ignore: [a]}", finding.Result{Findings: []finding.Finding{bad}}, Pass, "success", nil},
		{"a scanner broke", "", finding.Result{Statuses: []finding.Status{{Scanner: "secret"}, broken}}, Incomplete, "neutral",
			[]string{"the iac scanner did not finish: timed out"}},
		{"a scanner broke and something bad", "", finding.Result{Statuses: []finding.Status{broken}, Findings: []finding.Finding{bad}}, Fail, "failure",
			[]string{"the iac scanner did not finish: timed out"}},
		{"a scanner broke and that blocks", "on_scanner_error: block", finding.Result{Statuses: []finding.Status{broken}}, Fail, "failure",
			[]string{"the iac scanner did not finish: timed out"}},
		{"a scanner broke that is off", "scanners: {iac: {enabled: false}}", finding.Result{Statuses: []finding.Status{broken}}, Pass, "success", nil},
		{"a blob was skipped", "", finding.Result{Scanned: finding.Scanned{Blobs: 2, Of: 3, Skipped: []change.Skip{{Path: "big", Why: "larger than 4 MiB"}}}},
			Incomplete, "neutral", []string{"big: larger than 4 MiB"}},
		{"a skipped blob in an ignored path", "paths: {ignore: [big]}",
			finding.Result{Scanned: finding.Scanned{Blobs: 3, Of: 3, Skipped: []change.Skip{{Path: "big", Why: "larger than 4 MiB"}}}},
			Incomplete, "neutral", []string{"big: larger than 4 MiB"}},
		{"a blob is missing", "", finding.Result{Scanned: finding.Scanned{Blobs: 2, Of: 3}}, Incomplete, "neutral", []string{"2 of 3 blobs were looked at"}},
		{"incomplete, observed", "mode: observe\non_scanner_error: block", finding.Result{Statuses: []finding.Status{broken}}, Fail, "neutral",
			[]string{"the iac scanner did not finish: timed out"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Parse([]byte("version: 1\n" + tc.policy))
			require.NoError(t, err)
			v := p.Judge(tc.result, now)
			assert.Equal(t, tc.outcome, v.Outcome)
			assert.Equal(t, tc.conclusion, p.Conclusion(v.Outcome))
			assert.Equal(t, tc.incomplete, v.Incomplete)
			if !tc.result.Complete() && tc.name != "a scanner broke that is off" {
				assert.Greater(t, v.Outcome, Warn, "incomplete is never passed")
			}
		})
	}
}

func TestIncompleteIsOneShortLineWithoutSecrets(t *testing.T) {
	value := "hunter2" + "hunter2"
	f := finding.New(finding.Rule{ID: "secret/x"}, at("a"), finding.OfSecret(value), "m")
	r := finding.Result{
		Redactor: finding.NewRedactor(f),
		Statuses: []finding.Status{{Scanner: "iac", Err: errors.New("at " + value + "\r\n" + strings.Repeat("é", 5000))}},
	}
	got := Default().Judge(r, now).Incomplete
	require.Len(t, got, 1)
	assert.NotContains(t, got[0], value)
	assert.NotContains(t, got[0], "\n")
	assert.LessOrEqual(t, len([]rune(got[0])), longestLine+1)
}

func TestWorse(t *testing.T) {
	for _, a := range []Outcome{Pass, Warn, Incomplete, Fail} {
		assert.Equal(t, a, Worse(a, Pass))
		assert.Equal(t, a, Worse(Pass, a))
		assert.Equal(t, Fail, Worse(a, Fail))
	}
}

func TestEnabled(t *testing.T) {
	p, err := Parse([]byte("version: 1\nscanners: {dependencies: {enabled: false}}"))
	require.NoError(t, err)
	assert.False(t, p.Enabled("dependency"), "by the scanner's name")
	assert.False(t, p.Enabled("dependencies"), "by its section")
	assert.True(t, p.Enabled("secret"))
	assert.True(t, p.Enabled("unheard-of"))
	assert.True(t, Policy{}.Enabled("secret"))
}

// TestGlobsAreQuick: no pattern that the parser accepts takes long on any path.
func TestGlobsAreQuick(t *testing.T) {
	path := strings.Repeat("a/", 2000) + "c"
	start := time.Now()
	for _, g := range []string{strings.Repeat("**/a/", 50) + "b", strings.Repeat("*a", 100) + "b", strings.Repeat("**/*", 60) + "b", strings.Repeat("a*/", 60) + "b"} {
		_, err := Parse([]byte("version: 1\npaths: {ignore: ['" + g + "']}"))
		require.NoError(t, err)
		assert.False(t, matches(g, path))
	}
	assert.Less(t, time.Since(start), time.Second)
}

func TestPart(t *testing.T) {
	p := Default()
	r := finding.Result{
		Findings: []finding.Finding{found("secret/x", finding.Critical, "a"), found("iac/AWS-1", finding.Medium, "b")},
		Statuses: []finding.Status{{Scanner: "secret"}, {Scanner: "iac"}, {Scanner: "dependency", Err: errors.New("gave up")}, {Scanner: "text"}},
	}
	v := p.Judge(r, now)
	assert.Equal(t, Fail, v.Outcome)
	for scanner, want := range map[string]Outcome{"secret": Fail, "iac": Warn, "dependency": Incomplete, "text": Pass} {
		part := p.Part(v, r, scanner)
		assert.Equal(t, want, part.Outcome, scanner)
		assert.Equal(t, scanner == "dependency", len(part.Incomplete) == 1, scanner)
	}
	assert.Len(t, p.Part(v, r, "secret").Decisions, 1)
	assert.Len(t, r.Statuses, 4, "what was given stays as it is")

	r.Scanned = finding.Scanned{Blobs: 1, Of: 2, Skipped: []change.Skip{{Path: "x", Why: "too large"}}}
	assert.Equal(t, Incomplete, p.Part(p.Judge(r, now), r, "text").Outcome, "what was not read was read by nobody")
}

// TestUncovered: files that no scanner reads let a check pass, or fail it, and
// are no reason for more. Those of a scanner that is off are not named.
func TestUncovered(t *testing.T) {
	result := finding.Result{Statuses: []finding.Status{{Scanner: "secret"}}, Scanned: finding.Scanned{Uncovered: []finding.Uncovered{
		{Kind: "Bicep", Scanners: []string{"iac"}, Paths: []string{"x.bicep"}, Count: 1},
		{Kind: "GitHub Actions workflow", Scanners: []string{"workflow", "dependency"}, Paths: []string{"a.yml"}, Count: 1},
	}}}
	require.True(t, result.Complete())
	for text, want := range map[string]struct {
		outcome    Outcome
		conclusion string
		kinds      int
	}{
		"":                                             {Pass, "success", 2},
		"uncovered: note\n":                            {Pass, "success", 2},
		"uncovered: block\n":                           {Fail, "failure", 2},
		"uncovered: block\nmode: observe\n":            {Fail, "neutral", 2},
		"uncovered: block\nblock: never\n":             {Fail, "failure", 2},
		"on_scanner_error: block\n":                    {Pass, "success", 2},
		"scanners: {iac: {enabled: false}}\n":          {Pass, "success", 1},
		"scanners: {dependencies: {enabled: false}}\n": {Pass, "success", 2},
		"uncovered: block\nscanners: {iac: {enabled: false}, dependencies: {enabled: false}}\n": {Fail, "failure", 1},
	} {
		p, err := Parse([]byte("version: 1\n" + text))
		require.NoError(t, err)
		v := p.Judge(result, time.Unix(0, 0))
		assert.Equal(t, want.outcome, v.Outcome, text)
		assert.Equal(t, want.conclusion, p.Conclusion(v.Outcome), text)
		assert.Len(t, v.Uncovered, want.kinds, text)
		assert.Empty(t, v.Incomplete)
		part := p.Part(v, result, "secret")
		assert.Equal(t, Pass, part.Outcome)
		assert.Empty(t, part.Uncovered)
	}
}

// TestProfile holds that the profile of infrastructure code chooses between
// our severities and those of the checks' authors.
func TestProfile(t *testing.T) {
	f := found("iac/AWS-0104", finding.Critical, "main.tf", func(f *finding.Finding) { f.Recommended = finding.Low })
	same := found("iac/AWS-0107", finding.High, "main.tf")
	for text, want := range map[string][]Action{
		"version: 1\n": {Note, Block},
		"version: 1\nscanners: {iac: {profile: recommended}}\n":             {Note, Block},
		"version: 1\nscanners: {iac: {profile: all}}\n":                     {Block, Block},
		"version: 1\nscanners: {iac: {profile: all}}\nblock: never\n":       {Comment, Comment},
		"version: 1\nscanners: {iac: {profile: recommended}}\nblock: low\n": {Block, Block},
	} {
		p, err := Compose(Layers{Repository: []byte(text)})
		require.NoError(t, err)
		v := p.Judge(finding.Result{Findings: []finding.Finding{f, same}}, time.Now())
		assert.Equal(t, want, []Action{v.Decisions[0].Action, v.Decisions[1].Action}, text)
		assert.Equal(t, v.Decisions[0].Severity, v.Decisions[0].Finding.Severity, "what is shown is what counts")
	}
}
