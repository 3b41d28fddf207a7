package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func compose(t *testing.T, organisation, repository string) policy.Policy {
	t.Helper()
	p, err := policy.Compose(policy.Layers{Organisation: []byte(organisation), Repository: []byte(repository)})
	require.NoError(t, err)
	return p
}

func TestTheRepositorySpeaksOverTheOrganisation(t *testing.T) {
	const organisation = "version: 1\nblock: critical\ncomment: low\npaths: {ignore: [vendor/**]}\nscanners: {iac: {enabled: false}}\n"
	p := compose(t, organisation, "version: 1\ncomment: high\npaths: {ignore: [docs/**]}\n")
	assert.Equal(t, finding.Critical, p.Block, "as the organisation says")
	assert.Equal(t, finding.High, p.Comment, "the repository says otherwise")
	assert.Equal(t, []string{"vendor/**", "docs/**"}, p.IgnorePaths, "lists add up")
	assert.False(t, p.Enabled("iac"))
	assert.Equal(t, finding.Low, compose(t, organisation, "").Comment)
	assert.Equal(t, policy.Default(), compose(t, "", ""), "without a file the defaults hold")
	assert.NotEqual(t, p.Hash, compose(t, "", "version: 1\ncomment: high\npaths: {ignore: [docs/**]}\n").Hash)
}

// Whatever a repository says, it stays above the floors: each floor has one
// attempt to go below it, and one value that is strict enough already.
func TestFloors(t *testing.T) {
	for name, test := range map[string]struct {
		floor, low, high string
		got              func(policy.Policy) any
		want             any
	}{
		"mode":             {"mode: enforce", "mode: observe", "mode: enforce", func(p policy.Policy) any { return p.Mode }, policy.Enforce},
		"block":            {"block: high", "block: never", "block: high", func(p policy.Policy) any { return p.Block }, finding.High},
		"comment":          {"comment: medium", "comment: critical", "comment: medium", func(p policy.Policy) any { return p.Comment }, finding.Medium},
		"on_scanner_error": {"on_scanner_error: block", "on_scanner_error: note", "on_scanner_error: block", func(p policy.Policy) any { return p.OnScannerError }, policy.Block},
		"off":              {"scanners: [secrets]", "scanners: {secrets: {enabled: false}}", "block: low", func(p policy.Policy) any { return p.Enabled("secret") }, true},
		"skip":             {"scanners: [iac]", "scanners: {iac: {skip: [AWS-0086]}}", "block: low", func(p policy.Policy) any { return len(p.Scanners["iac"].Skip) }, 0},
		"profile":          {"scanners: [iac]}\nscanners: {iac: {profile: all}", "scanners: {iac: {profile: recommended}}", "scanners: {iac: {profile: all}}", func(p policy.Policy) any { return p.Scanners["iac"].Profile }, policy.All},
		"paths":            {"ignored_paths: none", "paths: {ignore: ['**']}", "block: low", func(p policy.Policy) any { return p.Ignores("a") }, false},
		"section block":    {"block: high", "sections: [{path: '**', block: never}]", "block: low", func(p policy.Policy) any { return append(p.Sections, policy.Section{Block: finding.High})[0].Block }, finding.High},
		"section comment":  {"comment: high", "sections: [{path: '**', comment: never}]", "block: low", func(p policy.Policy) any { return append(p.Sections, policy.Section{Comment: finding.High})[0].Comment }, finding.High},
	} {
		t.Run(name, func(t *testing.T) {
			organisation := "version: 1\nfloors: {" + test.floor + "}\n"
			p := compose(t, organisation, "version: 1\n"+test.low+"\n")
			assert.Equal(t, test.want, test.got(p))
			assert.NotEmpty(t, p.Raised, "and says so")
			p = compose(t, organisation, "version: 1\n"+test.high+"\n")
			assert.Equal(t, test.want, test.got(p))
			assert.Empty(t, p.Raised)
			p = compose(t, "version: 1\n", "version: 1\n"+test.low+"\n")
			assert.NotEqual(t, test.want, test.got(p), "without the floor it would be so")
		})
	}
}

// What the organisation itself says is not below its own floors.
func TestFloorsBindTheRepositoryOnly(t *testing.T) {
	p := compose(t, "version: 1\npaths: {ignore: [gen/**]}\nscanners: {iac: {skip: [AWS-0089]}}\nfloors: {ignored_paths: none, scanners: [iac]}\n", "version: 1\npaths: {ignore: ['**']}\n")
	assert.True(t, p.Ignores("gen/a"))
	assert.False(t, p.Ignores("src/a"))
	assert.Equal(t, []string{"AWS-0089"}, p.Scanners["iac"].Skip)
	assert.Equal(t, policy.Enforce, compose(t, "version: 1\nfloors: {mode: enforce}\n", "").Mode, "nor is the operator's default")

	_, err := policy.Parse([]byte("version: 1\nfloors: {block: never}\n"))
	assert.ErrorContains(t, err, "unknown key `floors`", "a repository has no floors")
}

func TestLayersTellWhichFileIsWrong(t *testing.T) {
	var syntax *policy.SyntaxError
	_, err := policy.Compose(policy.Layers{Organisation: []byte("version: 1\nblok: high\n"), Repository: []byte("version: 1\n")})
	require.ErrorAs(t, err, &syntax)
	assert.Equal(t, policy.Organisation, syntax.Layer)
	assert.Equal(t, 2, syntax.Line)
	_, err = policy.Compose(policy.Layers{Organisation: []byte("version: 1\n"), Repository: []byte("version: 1\n\nmode: x\n")})
	require.ErrorAs(t, err, &syntax)
	assert.Equal(t, policy.Repository, syntax.Layer)
	assert.Equal(t, 3, syntax.Line)
	for _, bad := range []string{"floors: {block: info}", "floors: {scanners: [all]}", "floors: {exception: soon}", "floors: {ignored_paths: some}", "floors: {markers: some}", "floors: {x: 1}", "floors: []"} {
		_, err := policy.Compose(policy.Layers{Organisation: []byte("version: 1\n" + bad + "\n")})
		assert.ErrorAs(t, err, &syntax, bad)
	}
}

func TestExceptionsEndAsTheOrganisationWants(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	found := finding.New(finding.Rule{ID: "iac/x", Severity: finding.High}, change.Span{Path: "a", Start: 1, End: 1}, finding.InFile("a"), "m")
	const organisation = "version: 1\nfloors: {exception: 30d}\n"
	judged := func(organisation, until string) policy.Verdict {
		p := compose(t, organisation, "version: 1\nignore: [{rule: iac/x, reason: r, owner: o, until: "+until+"}]\n")
		return p.Judge(finding.Result{Findings: []finding.Finding{found}}, now)
	}
	v := judged(organisation, "2027-01-31")
	assert.Equal(t, policy.Pass, v.Outcome)
	v = judged(organisation, "2027-02-02")
	assert.Equal(t, policy.Fail, v.Outcome)
	assert.Len(t, v.TooLong, 1)
	assert.Contains(t, v.Decisions[0].Why, "later than the organisation allows")
	assert.Equal(t, policy.Pass, judged("", "2030-01-01").Outcome)

	own := compose(t, organisation+"ignore: [{rule: iac/x, reason: r, owner: o, until: 2029-01-01}]\n", "")
	assert.Equal(t, policy.Pass, own.Judge(finding.Result{Findings: []finding.Finding{found}}, now).Outcome, "the organisation's own may last")
}

func TestSections(t *testing.T) {
	p := compose(t, "", "version: 1\nsections:\n  - {path: 'infra/**', block: medium}\n  - {path: 'infra/lab/**', block: never, comment: never}\nblock: critical\n")
	at := func(path string, also ...string) policy.Action {
		f := finding.New(finding.Rule{ID: "iac/x", Severity: finding.High}, change.Span{Path: path, Start: 1, End: 1}, finding.InFile(path), "m")
		for _, a := range also {
			f.Also = append(f.Also, change.Span{Path: a, Start: 1, End: 1})
		}
		return p.Judge(finding.Result{Findings: []finding.Finding{f}}, time.Now()).Decisions[0].Action
	}
	assert.Equal(t, policy.Comment, at("src/a"), "what holds elsewhere, wherever it stands in the file")
	assert.Equal(t, policy.Block, at("infra/a"))
	assert.Equal(t, policy.Note, at("infra/lab/a"), "the last that matches")
	assert.Equal(t, policy.Block, at("infra/lab/a", "infra/a"), "the strictest of its places")
	assert.Equal(t, finding.Medium, p.Sections[0].Comment, "what a section leaves out is as elsewhere")
}

func TestExplainNamesTheLayer(t *testing.T) {
	l := policy.Layers{
		Organisation: []byte("version: 1\ncomment: low\nfloors:\n  block: high\nignore: [{rule: iac/y, reason: r, owner: o, until: 2029-01-01}]\n"),
		Repository:   []byte("version: 1\nblock: never\nsections: [{path: 'a/**', block: low}]\n"),
	}
	settings, err := policy.Explain(l)
	require.NoError(t, err)
	for _, want := range []policy.Setting{
		{Key: "block", Value: "high", From: "floor of the organisation, line 3"},
		{Key: "comment", Value: "low", From: "organisation, line 2"},
		{Key: "inline", Value: "10", From: "default"},
		{Key: "ignore[0]", Value: "iac/y until 2029-01-01 (o)", From: "organisation, line 5"},
		{Key: "sections[0]", Value: "a/**: block low, comment low", From: "line 3"},
	} {
		assert.Contains(t, settings, want)
	}
	before, err := policy.Explain(policy.Layers{Organisation: l.Organisation})
	require.NoError(t, err)
	assert.Equal(t, []policy.Setting{{Key: "sections[0]", Value: "a/**: block low, comment low"}}, policy.Differences(before, settings), "the floor leaves block as it was")
	assert.Equal(t, []policy.Setting{{Key: "sections[0]", From: "a/**: block low, comment low"}}, policy.Differences(settings, before))
}

// Who approves exceptions of what blocks is the organisation's to say, if it does.
func TestTheOrganisationNamesTheSecurityReviewers(t *testing.T) {
	const repository = "version: 1\nsecurity: {reviewers: ['@dev'], request: true}\n"
	assert.Equal(t, policy.Security{Reviewers: []string{"@dev"}, Request: true}, compose(t, "", repository).Security)
	p := compose(t, "version: 1\nsecurity: {reviewers: ['@acme/security']}\n", repository)
	assert.Equal(t, policy.Security{Reviewers: []string{"@acme/security"}, Request: true}, p.Security)
	assert.Equal(t, []policy.Raised{{Key: "security.reviewers", Wanted: "[@dev]", Got: "[@acme/security]"}}, p.Raised)
	settings, err := policy.Explain(policy.Layers{Organisation: []byte("version: 1\nsecurity: {reviewers: ['@acme/security']}\n"), Repository: []byte(repository)})
	require.NoError(t, err)
	assert.Contains(t, settings, policy.Setting{Key: "security.reviewers", Value: "[@acme/security]", From: "organisation, line 2"})
}
