package policy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withUnsupported is the policy of the examples of old, as version 1541059 took
// it: with all seven keys that nothing implements, and others.
const withUnsupported = `version: 1
block: low
scanners:
  dependencies: {enabled: true, licenses: {deny: [AGPL-3.0-only], unknown: note}, min_release_age: 3d}
  iac: {skip: [AWS-0089]}
  workflows: {enabled: false, skip: [pin]}
upgrades: {open: 2, schedule: daily, group: ['golang.org/x/*'], min_release_age: 36h}
`

// unsupportedKeys are the seven, each in a policy of its own, with another value
// that it could have.
var unsupportedKeys = []struct{ key, text, other, at string }{
	{"scanners.dependencies.licenses", "scanners: {dependencies: {licenses: {deny: [AGPL-3.0-only]}}}", "scanners: {dependencies: {licenses: {deny: [GPL-3.0-only]}}}", "line 2, column 27"},
	{"scanners.dependencies.licenses", "scanners: {dependencies: {licenses: {unknown: note}}}", "scanners: {dependencies: {licenses: {unknown: block}}}", "line 2, column 27"},
	{"scanners.dependencies.min_release_age", "scanners: {dependencies: {min_release_age: 3d}}", "scanners: {dependencies: {min_release_age: 4d}}", "line 2, column 27"},
	{"scanners.workflows", "scanners: {workflows: {enabled: true}}", "scanners: {workflows: {enabled: false}}", "line 2, column 12"},
	{"upgrades.schedule", "upgrades: {schedule: daily}", "upgrades: {schedule: weekly}", "line 2, column 12"},
	{"upgrades.group", "upgrades: {group: [a, b]}", "upgrades: {group: [a]}", "line 2, column 12"},
	{"upgrades.min_release_age", "upgrades: {min_release_age: 3d}", "upgrades: {min_release_age: 2d}", "line 2, column 12"},
}

func TestUnsupportedKeysAreIgnoredWhereTheyAre(t *testing.T) {
	p, err := Parse([]byte(withUnsupported))
	require.NoError(t, err)
	assert.Equal(t, 2, p.Upgrades.Open, "all other keys hold")
	assert.Equal(t, []string{"AWS-0089"}, p.Scanners["iac"].Skip)
	var keys []string
	for _, u := range p.Unsupported {
		assert.Equal(t, Repository, u.Layer)
		keys = append(keys, u.Key)
	}
	assert.Equal(t, []string{
		"scanners.dependencies.licenses", "scanners.dependencies.min_release_age", "scanners.workflows",
		"upgrades.schedule", "upgrades.group", "upgrades.min_release_age",
	}, keys)
	assert.Equal(t, 4, p.Unsupported[0].Line)
	assert.Equal(t, 33, p.Unsupported[0].Column)

	settings, err := Explain(Layers{Repository: []byte(withUnsupported)})
	require.NoError(t, err)
	for _, s := range settings {
		assert.NotContains(t, s.Key, "workflows")
		assert.NotContains(t, []string{"scanners.dependencies.licenses.deny", "upgrades.schedule", "upgrades.group", "upgrades.min_release_age"}, s.Key)
	}

	for _, value := range []string{"", "7", "[{a: b}]", "hourly", "{deny: x}"} { // no longer checked
		for _, key := range []string{"upgrades: {schedule: %}", "scanners: {workflows: %}"} {
			_, err := Parse([]byte("version: 1\n" + replaceValue(key, value)))
			assert.NoError(t, err, "%s %s", key, value)
		}
	}
}

func TestUnsupportedKeysAreRefusedInAChange(t *testing.T) {
	for _, tc := range unsupportedKeys {
		text, other := []byte("version: 1\n"+tc.text+"\n"), []byte("version: 1\n"+tc.other+"\n")
		want := tc.at + ": `" + tc.key + "` is not supported yet: remove it"
		_, err := ComposeStrict(Layers{Repository: text})
		assert.EqualError(t, err, want)
		_, err = ParseChange(nil, text)
		assert.EqualError(t, err, want, "added to no file")
		_, err = ParseChange([]byte("version: 1\n"), text)
		assert.EqualError(t, err, want, "added")
		_, err = ParseChange(other, text)
		assert.EqualError(t, err, want, "changed")

		p, err := ParseChange(text, append([]byte("# moved\n\n"), append(text, "block: low # another key\n"...)...))
		require.NoError(t, err, "left as it is")
		assert.Len(t, p.Unsupported, 1)
		_, err = ParseChange(append(text, "blok: low\n"...), text)
		assert.NoError(t, err, "left as it is, in a file that is not valid otherwise")
		p, err = ParseChange(text, []byte("version: 1\n"))
		require.NoError(t, err, "removed")
		assert.Empty(t, p.Unsupported)
	}
	_, err := ParseChange([]byte("version: 1\nupgrades: {schedule: daily}"), nil)
	assert.ErrorContains(t, err, "the file is empty")
	_, err = ParseChange([]byte("version: 1\nupgrades: {schedule: daily}"), []byte("version: 1\nupgrades: {schedule: 'daily', group: []}"))
	assert.EqualError(t, err, "line 2, column 31: `upgrades.group` is not supported yet: remove it", "another one")
}

func TestUnsupportedFloor(t *testing.T) {
	text := []byte("version: 1\nfloors:\n  scanners: [secrets, workflows]\nscanners: {workflows: {}}\n")
	p, err := Compose(Layers{Organisation: text, Repository: []byte("version: 1\nscanners: {secrets: {enabled: false}}\nupgrades: {schedule: daily}\n")})
	require.NoError(t, err)
	assert.True(t, p.Enabled("secret"), "the other floor holds")
	assert.Equal(t, []string{"secrets"}, p.Floors.Scanners)
	require.Len(t, p.Unsupported, 3)
	assert.Equal(t, []string{Organisation, Organisation, Repository}, []string{p.Unsupported[0].Layer, p.Unsupported[1].Layer, p.Unsupported[2].Layer})
	assert.Equal(t, "floors.scanners: workflows", p.Unsupported[0].Key)
	assert.Equal(t, 3, p.Unsupported[0].Line)
	_, err = ComposeStrict(Layers{Organisation: text})
	assert.EqualError(t, err, "line 3, column 23: `floors.scanners: workflows` is not supported yet: remove it\nline 4, column 12: `scanners.workflows` is not supported yet: remove it")
}

// everyKey has each key that any version has known, at once.
const everyKey = `version: 1
mode: enforce
block: high
comment: medium
on_scanner_error: block
paths: {ignore: ["vendor/**"]}
checks: one
inline: 10
scanners:
  secrets: {enabled: true, skip: [generic]}
  dependencies: {enabled: true, skip: [GO-1], licenses: {deny: [AGPL-3.0-only], unknown: block}, min_release_age: 3d}
  iac: {enabled: true, skip: [AWS-0089]}
  workflows: {enabled: true, skip: [pin]}
  text: {enabled: true, skip: [bidi]}
ignore: [{rule: iac/x, path: a/b, fingerprint: 0123456789abcdef0123456789abcdef, reason: r, owner: o, until: 2027-01-01}]
sections: [{path: "infra/**", block: low, comment: low}]
security: {reviewers: ["@acme/security"], request: true}
upgrades: {enabled: true, open: 5, major: true, labels: [a], schedule: daily, group: [a], min_release_age: 3d}
`

// A policy with every key at once is read in full where it is on the default
// branch, and refused with one line for each key that nothing implements where
// a change brings it.
func TestBadInputPolicyWithEveryKeyAtOnce(t *testing.T) {
	p, err := Parse([]byte(everyKey))
	require.NoError(t, err)
	assert.Len(t, p.Unsupported, 6)
	assert.Equal(t, Block, p.OnScannerError)
	assert.Equal(t, []string{"bidi"}, p.Scanners["text"].Skip)
	_, err = ParseChange(nil, []byte(everyKey))
	var syntax *SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Len(t, syntax.More, 5)
	for _, e := range append([]SyntaxError{*syntax}, syntax.More...) {
		assert.Contains(t, e.Text, "is not supported yet")
	}
}

func replaceValue(format, value string) string { return strings.Replace(format, "%", value, 1) }
