package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// whole says everything that a policy can say.
const whole = `# .github/pullwarden.yml
version: 1
mode: enforce            # or observe
block: high              # least severity that fails the check: critical, high, medium, low, never
comment: medium          # least severity that gets an inline comment
on_scanner_error: note   # or block: a scanner that did not finish
paths: {ignore: ["vendor/**"]}
scanners:
  secrets: {enabled: true}
  dependencies: {enabled: true}
  iac: {enabled: true, skip: [AWS-0089]}
  text: {enabled: true}
ignore:                  # exceptions: reason, owner and end date are required
  - {rule: iac/AWS-0086, path: "infra/site/**", reason: "public web site, SEC-142", owner: "@acme/platform", until: 2027-03-31}
upgrades: {enabled: true, open: 5, major: false, labels: [dependencies]}
inline: 12               # inline comments open at a time
checks: per-scanner
sections: [{path: "infra/prod/**", block: medium}]
`

func TestParseWhole(t *testing.T) {
	p, err := Parse([]byte(whole))
	require.NoError(t, err)
	assert.Len(t, p.Hash, 64)
	assert.Equal(t, Policy{
		Mode: Enforce, Block: finding.High, Comment: finding.Medium, OnScannerError: Note,
		UnknownSeverity: finding.Medium, Uncovered: Note, TestPaths: Default().TestPaths,
		IgnorePaths: []string{"vendor/**"}, Checks: CheckPerScanner, Inline: 12, Floors: Default().Floors,
		Sections: []Section{{Path: "infra/prod/**", Block: finding.Medium, Comment: finding.Medium, Line: 18}},
		Scanners: map[string]Scanner{
			"secrets":      {Enabled: true},
			"dependencies": {Enabled: true},
			"iac":          {Enabled: true, Profile: Recommended, Skip: []string{"AWS-0089"}},
			"text":         {Enabled: true},
		},
		Ignore: []Exception{{
			Rule: "iac/AWS-0086", Path: "infra/site/**", Reason: "public web site, SEC-142", Owner: "@acme/platform",
			Until: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), Line: 14,
		}},
		Upgrades: Upgrades{Enabled: true, Open: 5, Labels: []string{"dependencies"}},
		Hash:     p.Hash,
	}, p)
}

func TestParseLeavesTheRestAsDefault(t *testing.T) {
	p, err := Parse([]byte("version: 1\n"))
	require.NoError(t, err)
	assert.NotEqual(t, "default", p.Hash)
	p.Hash = "default"
	assert.Equal(t, Default(), p)

	p, err = Parse([]byte("version: 1\nmode: observe\nblock: critical\nscanners: {iac: {enabled: false}}\nupgrades: {labels: [a, b]}"))
	require.NoError(t, err)
	assert.Equal(t, Observe, p.Mode)
	assert.Equal(t, finding.Critical, p.Block)
	assert.False(t, p.Enabled("iac"))
	assert.True(t, p.Enabled("secret"))
	assert.Equal(t, []string{"a", "b"}, p.Upgrades.Labels)
	assert.Equal(t, 5, p.Upgrades.Open)
}

func TestParseRefuses(t *testing.T) {
	good := "rule: iac/x, reason: r, owner: o, until: 2027-01-01"
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "line 1, column 1: the file is empty; at least say `version: 1`"},
		{"only a comment", "# hello\n", "line 1, column 1: the file is empty; at least say `version: 1`"},
		{"null", "~", "line 1, column 1: the policy must be a mapping of keys to values"},
		{"a list", "- version: 1", "line 1, column 1: the policy must be a mapping of keys to values"},
		{"no version", "mode: enforce", "line 1, column 1: the policy lacks `version`"},
		{"another version", "version: 2", "line 1, column 10: `version` must be 1"},
		{"a version in quotes", "version: '1'", "line 1, column 10: `version` must be 1"},
		{"unknown key", "version: 1\nblok: high", "line 2, column 1: unknown key `blok` in the policy; known are `version`,"},
		{"unknown key below", "version: 1\nscanners:\n  iac: {enabeld: true}", "line 3, column 9: unknown key `enabeld` in `scanners.iac`; known are `enabled`, `skip`"},
		{"licences of another scanner", "version: 1\nscanners: {iac: {licenses: {}}}", "line 2, column 18: unknown key `licenses`"},
		{"unknown scanner", "version: 1\nscanners: {sast: {}}", "line 2, column 12: unknown key `sast` in `scanners`"},
		{"a key twice", "version: 1\nmode: enforce\nmode: observe", "line 3, column 1: the key `mode` is here twice; the first is on line 2"},
		{"a key that is a list", "version: 1\n? [a]\n: b", "line 2, column 3: unknown key in the policy"},
		{"mode", "version: 1\nmode: strict", "line 2, column 7: `mode` must be enforce or observe"},
		{"block", "version: 1\nblock: info", "line 2, column 8: `block` must be critical, high, medium, low or never"},
		{"comment is empty", "version: 1\ncomment:", "line 2, column 9: `comment` must be critical"},
		{"on_scanner_error", "version: 1\non_scanner_error: [block]", "line 2, column 19: `on_scanner_error` must be note or block"},
		{"a word for a truth value", "version: 1\nupgrades: {enabled: 'yes'}", "line 2, column 21: `enabled` must be `true` or `false`"},
		{"a number out of range", "version: 1\nupgrades: {open: 5000}", "line 2, column 18: `open` must be a number from 0 to 50"},
		{"not a number", "version: 1\nupgrades: {open: 1.5}", "line 2, column 18: `open` must be a number from 0 to 50"},
		{"no account", "version: 1\nsecurity: {reviewers: [acme/security]}", "line 2, column 24: an entry of `security.reviewers` must be an account or a team"},
		{"a list that is a text", "version: 1\npaths: {ignore: vendor}", "line 2, column 17: `paths.ignore` must be a list"},
		{"a bad glob", "version: 1\npaths: {ignore: ['a/[b']}", "line 2, column 18: an entry of `paths.ignore` is not a valid pattern"},
		{"braces", "version: 1\npaths: {ignore: ['a/{b,c}']}", "line 2, column 18: an entry of `paths.ignore` has braces"},
		{"a long glob", "version: 1\npaths: {ignore: ['" + strings.Repeat("a", 300) + "']}", "line 2, column 18: an entry of `paths.ignore` is longer than 256"},
		{"a path from the root", "version: 1\npaths: {ignore: [/vendor]}", "line 2, column 18: an entry of `paths.ignore` must be a path from the repository's root"},
		{"a path that climbs", "version: 1\npaths: {ignore: [a/../b]}", "line 2, column 18: an entry of `paths.ignore` must be a path from"},
		{"skip of another scanner", "version: 1\nscanners: {iac: {skip: [secret/x]}}", "line 2, column 25: a rule of `scanners.iac` begins with `iac/`"},
		{"exception is a text", "version: 1\nignore: [all]", "line 2, column 10: an entry of `ignore` must be a mapping"},
		{"no reason", "version: 1\nignore:\n  - {rule: iac/x, owner: o, until: 2027-01-01}", "line 3, column 5: an entry of `ignore` lacks `reason`"},
		{"no owner", "version: 1\nignore:\n  - {rule: iac/x, reason: r, until: 2027-01-01}", "line 3, column 5: an entry of `ignore` lacks `owner`"},
		{"no end", "version: 1\nignore:\n  - {rule: iac/x, reason: r, owner: o}", "line 3, column 5: an entry of `ignore` lacks `until`"},
		{"an empty reason", "version: 1\nignore:\n  - {rule: iac/x, reason: ' ', owner: o, until: 2027-01-01}", "line 3, column 27: `reason` must be a text that is not empty"},
		{"an end that is no date", "version: 1\nignore:\n  - {rule: iac/x, reason: r, owner: o, until: 2027-02-30}", "line 3, column 47: `until` must be a date such as 2027-03-31"},
		{"an exception of everything", "version: 1\nignore:\n  - {reason: r, owner: o, until: 2027-01-01}", "line 3, column 5: an entry of `ignore` needs a `rule`, a `path`, a `package` or a `fingerprint`"},
		{"a rule without its scanner", "version: 1\nignore:\n  - {rule: AWS-0086, reason: r, owner: o, until: 2027-01-01}", "line 3, column 12: `rule` is written with its scanner"},
		{"a fingerprint that is none", "version: 1\nignore:\n  - {fingerprint: abc, reason: r, owner: o, until: 2027-01-01}", "line 3, column 19: `fingerprint` must be 32 hexadecimal digits"},
		{"too many exceptions", "version: 1\nignore:\n" + strings.Repeat("  - {"+good+"}\n", 501), "line 3, column 3: `ignore` has more than 500 entries"},
		{"not YAML", "version: 1\nmode: [", "not valid YAML"},
		{"a tab", "version: 1\npaths:\n\tignore: []", "line 3, column 1: not valid YAML"},
		{"not UTF-8", "version: 1\n# caf\xe9\n", "line 2, column 6: the file is not UTF-8"},
		{"two documents", "version: 1\n---\nversion: 1\n", "line 2, column 1: a second document begins here"},
		{"an alias", "version: 1\npaths: {ignore: &a [x]}\nignore: *a", "line 2, column 17: anchors, aliases and merge keys are not supported"},
		{"a merge key", "version: 1\n<<: {mode: observe}", "line 2, column 1: anchors, aliases and merge keys are not supported"},
		{"an odd tag", "version: 1\nmode: !!binary ZW5mb3JjZQ==", "line 2, column 7: `mode` must be enforce or observe"},
		{"too large", "version: 1\n#" + strings.Repeat("x", MaxBytes), "line 1, column 1: the file is larger than 64 KiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse([]byte(tc.text))
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Contains(t, err.Error(), tc.want)
			assert.Positive(t, syntax.Line)
			assert.Positive(t, syntax.Column)
		})
	}
}

func TestParseTellsAllProblemsInOrder(t *testing.T) {
	_, err := Parse([]byte("mode: strict\nblock: 7\nscanners:\n  iac: {skip: x}\n"))
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
	var lines []int
	for _, e := range append([]SyntaxError{*syntax}, syntax.More...) {
		lines = append(lines, e.Line)
	}
	assert.Equal(t, []int{1, 1, 2, 4}, lines)

	_, err = Parse([]byte("version: 1\n" + unknownKeys(100)))
	require.ErrorAs(t, err, &syntax)
	assert.Len(t, syntax.More, mostProblems-1)
}

func unknownKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "unknown_%d: 1\n", i)
	}
	return b.String()
}

func TestErrorsRepeatNoValue(t *testing.T) {
	canary := "Zq7" + "canary" + "Lw9x"
	for _, format := range []string{
		"version: %s", "version: 1\nmode: %s", "version: 1\npaths: {ignore: ['/%s']}", "version: 1\nignore: [%s]", "version: 1\nupgrades: {open: %s}",
		"version: 1\nscanners: {iac: {skip: [x/%s]}}", "version: 1\nignore: [{until: %s}]", "version: 1\nx: *%s", "%s",
	} {
		_, err := Parse(fmt.Appendf(nil, format, canary))
		require.Error(t, err, format)
		assert.NotContains(t, err.Error(), canary, format)
	}
}

func TestManyAliasesAreRefusedAtOnce(t *testing.T) {
	million := "version: 1\na: &a x\nb: [" + strings.Repeat("*a,", 1_000_000) + "]\n"
	laughs := "version: 1\na: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9))
	}
	for _, text := range []string{million, laughs, "version: 1\npaths: &a {ignore: *a}", strings.Repeat("[", 60_000), strings.Repeat("a: {", 9_000), strings.Repeat("? ", 30_000)} {
		start := time.Now()
		_, err := Parse([]byte(text))
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax)
		assert.Less(t, time.Since(start), 2*time.Second, "%.40q", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	for _, seed := range []string{
		"", "version: 1", "version: 1\nignore: [{}]", "a: &a [*a]", "<<: [1]", "? ? ?", "[[[[[[", "{a: {b: {c:", "version: !!int '1'",
		"version: 1\n---\n...\n---", "%YAML 1.2\n---\nversion: 1", "\xef\xbb\xbfversion: 1", "\xff\xfev\x00", "version: 0x1", "version: 1\nuntil: 2027-01-01T00:00:00Z",
		"version: 1\npaths: {ignore: ['[', '\\', '[]a]', '**/**', '{a,b}']}", "version: 1\nignore: [{rule: '**', reason: >\n  x, owner: |\n  y, until: 0000-00-00}]",
		strings.Repeat("- ", 500), strings.Repeat("&a *a ", 100), "version: 1\nupgrades: {open: -9223372036854775809, min_release_age: 9999w}",
	} {
		f.Add([]byte(seed))
	}
	r := finding.Result{Findings: []finding.Finding{found("secret/x", finding.High, "a/b"), found("iac/AWS-1", finding.Low, "c")}}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			var syntax *SyntaxError
			require.True(t, errors.As(err, &syntax))
			for _, e := range append([]SyntaxError{*syntax}, syntax.More...) {
				require.Positive(t, e.Line)
				require.Positive(t, e.Column)
				require.NotEmpty(t, e.Text)
			}
			return
		}
		for _, e := range p.Ignore {
			require.NotEmpty(t, e.Reason)
			require.NotEmpty(t, e.Owner)
			require.NotEmpty(t, e.Rule+e.Path+string(e.Fingerprint))
		}
		v := p.Judge(r, now)
		require.Len(t, v.Decisions, len(r.Findings))
		require.Equal(t, v, p.Judge(r, now), "judging is pure")
	})
}
