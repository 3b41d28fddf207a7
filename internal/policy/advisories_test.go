package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

const group, first, second = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "11111111111111111111111111111111", "22222222222222222222222222222222"

// vulnerable is a package with an old and a new advisory.
func vulnerable(change ...func(*finding.Finding)) finding.Finding {
	return found("dependency/vulnerable", finding.High, "requirements.txt", append([]func(*finding.Finding){func(f *finding.Finding) {
		f.Print, f.Joined = group, []finding.Fingerprint{first, second}
		f.Dependency = &finding.Dependency{Ecosystem: "PyPI", Name: "django", PURL: "pkg:pypi/django", Version: "1.2"}
		f.Advisories = []finding.Advisory{
			{ID: "PYSEC-1", Aliases: []string{"CVE-1"}, Severity: finding.High, Published: now.AddDate(0, -6, 0), Prints: []finding.Fingerprint{first}},
			{ID: "PYSEC-2", Severity: finding.Medium, Published: now.AddDate(0, -1, 0), Prints: []finding.Fingerprint{second}},
		}
	}}, change...)...)
}

func TestExceptionsOfAdvisories(t *testing.T) {
	since := now.AddDate(0, -3, 0) // between the two advisories
	for _, tc := range []struct {
		name, exception string
		action          Action
		open            []string
	}{
		{"none", "path: other", Block, []string{"PYSEC-1", "PYSEC-2"}},
		{"one advisory by its rule", "rule: dependency/PYSEC-1", Comment, []string{"PYSEC-2"}},
		{"one advisory by an alias", "rule: dependency/CVE-1", Comment, []string{"PYSEC-2"}},
		{"one advisory by the fingerprint it had", fmt.Sprintf("fingerprint: %q", first), Comment, []string{"PYSEC-2"}},
		{"the other one by its fingerprint", fmt.Sprintf("fingerprint: %q", second), Block, []string{"PYSEC-1"}},
		{"the finding: what was published before", fmt.Sprintf("fingerprint: %q", group), Comment, []string{"PYSEC-2"}},
		{"the package: what was published before", "package: django", Comment, []string{"PYSEC-2"}},
		{"the package by its purl", "package: pkg:pypi/django", Comment, []string{"PYSEC-2"}},
		{"another package", "package: flask", Block, []string{"PYSEC-1", "PYSEC-2"}},
		{"the rule: what was published before", "rule: dependency/vulnerable", Comment, []string{"PYSEC-2"}},
		{"listed advisories, whatever their date", "package: django\n    advisories: [CVE-1, PYSEC-2]", Ignored, []string{"PYSEC-1", "PYSEC-2"}},
		{"one listed advisory", "package: django\n    advisories: [PYSEC-2]", Block, []string{"PYSEC-1"}},
		{"all advisories by a pattern, as ever", "rule: dependency/PYSEC-*", Ignored, []string{"PYSEC-1", "PYSEC-2"}},
		{"the family by a pattern, as ever", "rule: dependency/*", Ignored, []string{"PYSEC-1", "PYSEC-2"}},
		{"a path, as ever", "path: requirements.txt", Ignored, []string{"PYSEC-1", "PYSEC-2"}},
		{"another rule at the path", "rule: iac/*\n    path: requirements.txt", Block, []string{"PYSEC-1", "PYSEC-2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Parse([]byte("version: 1\nignore:\n  - {owner: \"@a\", reason: r, until: 2027-01-01}\n"))
			require.Error(t, err, "an exception of everything is none")
			p, err = Parse([]byte("version: 1\nignore:\n  - owner: \"@a\"\n    reason: r\n    until: 2027-01-01\n    " + tc.exception + "\n"))
			require.NoError(t, err)
			p.Ignore[0].Since = since
			d := p.Judge(finding.Result{Findings: []finding.Finding{vulnerable()}}, now).Decisions[0]
			assert.Equal(t, tc.action, d.Action, d.Why)
			var open []string
			for _, a := range d.Finding.Advisories {
				open = append(open, a.ID)
			}
			assert.Equal(t, tc.open, open)
			if tc.action != Ignored && len(open) == 1 {
				assert.Contains(t, d.Why, "the exception of @a does not cover "+open[0])
			}
		})
	}
}

// Two exceptions may cover an advisory each.
func TestExceptionsAddUp(t *testing.T) {
	p := Default()
	until := now.AddDate(0, 1, 0)
	p.Ignore = []Exception{
		{Rule: "dependency/PYSEC-1", Owner: "@a", Reason: "r", Until: until}, {Rule: "dependency/PYSEC-2", Owner: "@b", Reason: "r", Until: until},
	}
	v := p.Judge(finding.Result{Findings: []finding.Finding{vulnerable()}}, now)
	assert.Equal(t, Ignored, v.Decisions[0].Action)
	assert.Len(t, v.InForce, 2)
}

func TestSkippedAdvisories(t *testing.T) {
	for skip, want := range map[string]Action{"[PYSEC-1]": Comment, "[dependency/CVE-1]": Comment, "[PYSEC-1, PYSEC-2]": Ignored, "[vulnerable]": Ignored, "[PYSEC-2]": Block} {
		p, err := Parse([]byte("version: 1\nscanners: {dependencies: {skip: " + skip + "}}"))
		require.NoError(t, err)
		assert.Equal(t, want, p.Judge(finding.Result{Findings: []finding.Finding{vulnerable()}}, now).Decisions[0].Action, skip)
	}
}

func TestUnknownSeverity(t *testing.T) {
	for text, want := range map[string]Action{"": Comment, "unknown_severity: high": Block, "unknown_severity: low": Note} {
		p, err := Parse([]byte("version: 1\n" + text))
		require.NoError(t, err)
		for _, f := range []finding.Finding{
			found("iac/x", finding.Unrated, "m.tf"),
			vulnerable(func(f *finding.Finding) {
				f.Severity, f.Advisories = finding.Unrated, []finding.Advisory{{ID: "GO-1"}}
			}),
		} {
			d := p.Judge(finding.Result{Findings: []finding.Finding{f}}, now).Decisions[0]
			assert.Equal(t, want, d.Action, text)
			assert.Contains(t, d.Why, "unknown severity, which counts as "+d.Severity.String())
		}
	}
	_, err := Parse([]byte("version: 1\nunknown_severity: never"))
	assert.Error(t, err, "never is a threshold, not a severity")
}

// A note says why whatever the severity; an advisory that is one does not raise the others.
func TestNotes(t *testing.T) {
	p := Default()
	whole := vulnerable(func(f *finding.Finding) { f.Note = "the go line is a minimum" })
	d := p.Judge(finding.Result{Findings: []finding.Finding{whole}}, now).Decisions[0]
	assert.Equal(t, Note, d.Action)
	assert.Contains(t, d.Why, "the go line is a minimum")
	one := vulnerable(func(f *finding.Finding) { f.Advisories[0].Note = "not imported" })
	assert.Equal(t, Comment, p.Judge(finding.Result{Findings: []finding.Finding{one}}, now).Decisions[0].Action)
	all := vulnerable(func(f *finding.Finding) { f.Advisories[0].Note, f.Advisories[1].Note = "not imported", "not imported" })
	assert.Equal(t, Note, p.Judge(finding.Result{Findings: []finding.Finding{all}}, now).Decisions[0].Action)
}

func TestTestData(t *testing.T) {
	p := Default()
	judge := func(f finding.Finding) Action {
		return p.Judge(finding.Result{Findings: []finding.Finding{f}}, now).Decisions[0].Action
	}
	assert.Equal(t, Note, judge(found("iac/x", finding.Critical, "a/testdata/main.tf")))
	assert.Equal(t, Block, judge(found("secret/github-pat", finding.Critical, "a/testdata/x")), "secrets keep their own rules")
	assert.Equal(t, Block, judge(found("iac/x", finding.Critical, "a/testdata/main.tf", alsoAt("main.tf"))), "one place elsewhere counts")
	assert.Equal(t, Block, judge(found("iac/x", finding.Critical, "contest/main.tf")))
	q, err := Parse([]byte("version: 1\npaths: {tests: [\"samples/**\"]}"))
	require.NoError(t, err)
	assert.Equal(t, Note, q.Judge(finding.Result{Findings: []finding.Finding{found("iac/x", finding.Critical, "samples/main.tf")}}, now).Decisions[0].Action)
	assert.Equal(t, []string{"samples/**"}, q.TestPaths, "the list replaces the default")
}

func TestFloorsOfNewKeys(t *testing.T) {
	p, err := Compose(Layers{
		Organisation: []byte("version: 1\nfloors: {ignored_paths: none, uncovered: block, unknown_severity: high}"),
		Repository:   []byte("version: 1\nunknown_severity: low\nuncovered: note\npaths: {tests: [\"**\"]}"),
	})
	require.NoError(t, err)
	assert.Equal(t, finding.High, p.UnknownSeverity)
	assert.Equal(t, Block, p.Uncovered)
	assert.Equal(t, Default().TestPaths, p.TestPaths)
	assert.Len(t, p.Raised, 3)
}

// An exception of a file is as old as the newest of its lines.
func TestDate(t *testing.T) {
	text := "version: 1\nignore:\n  - {package: a, reason: r, owner: o, until: 2099-01-01}\n  - package: b\n    reason: r\n\n    owner: o\n    until: 2099-01-01\n  - {package: c, reason: r, owner: o, until: 2099-01-01}\nmode: enforce\n"
	p, err := Parse([]byte(text))
	require.NoError(t, err)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	written := []time.Time{day(1), day(1), day(2), day(3), day(3), day(3), day(3), day(5), day(4), day(9)}
	asked := Exception{Package: "d", Layer: Conversation, Line: 3}
	p.Ignore = append(p.Ignore, asked)
	was := p
	p.Date([]byte(text), written)
	var since []time.Time
	for _, e := range p.Ignore {
		since = append(since, e.Since)
	}
	assert.Equal(t, []time.Time{day(2), day(5), day(4), {}}, since)
	assert.Zero(t, was.Ignore[0].Since, "another policy of the same text")
	p = was
	p.Date([]byte(text), nil)
	assert.Zero(t, p.Ignore[0].Since)
	p.Date([]byte(text), written[:3])
	assert.Equal(t, day(2), p.Ignore[0].Since)
	assert.Zero(t, p.Ignore[1].Since)
}
