package demo_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// A keyCase names two policies that differ in one key of the schema, and in
// which the same pull request comes to something else.
type keyCase struct {
	key  string
	a, b string // after "version: 1"
	// below is the repository's file; then a and b are the organisation's
	below string
	files map[string]string // that the pull request brings; nil for a vulnerable dependency
	main  map[string]string // that come to the default branch after the pull request was made
}

const someException = "ignore: [{rule: dependency/*, path: '**', reason: because, owner: '@acme/web', until: 2099-01-01}]"

func edited(text, old, new string) string {
	if !strings.Contains(text, old) {
		panic(text + " lacks " + old)
	}
	return strings.Replace(text, old, new, 1)
}

func keyCases() []keyCase {
	secret := map[string]string{"pay.go": fmt.Sprintf("package pay\n\nvar client = connect(%q)\n", madeUpSecrets()["STRIPE_KEY"])}
	marked := map[string]string{"marked.go": "package pay\n\n// pullwarden:allow secret/stripe-access-token a public test account\n" + secret["pay.go"][len("package pay\n\n"):]}
	gear, bicep := map[string]string{"requirements.txt": "example-gear==1.0.0\n"}, map[string]string{"main.bicep": "param location string\n"}
	broken := map[string]string{"package-lock.json": "{\n"}
	all := []keyCase{
		{key: "mode", a: "mode: enforce", b: "mode: observe"},
		{key: "block", a: "block: high", b: "block: never"},
		{key: "comment", a: "block: never\ncomment: medium", b: "block: never\ncomment: never"},
		{key: "unknown_severity", a: "unknown_severity: high", b: "unknown_severity: low", files: gear},
		{key: "uncovered", a: "uncovered: note", b: "uncovered: block", files: bicep},
		{key: "on_scanner_error", a: "on_scanner_error: note", b: "on_scanner_error: block", files: broken},
		{key: "checks", a: "checks: one", b: "checks: per-scanner"},
		{key: "inline", a: "inline: 10", b: "inline: 0"},
		{key: "paths.ignore", a: "paths: {ignore: []}", b: "paths: {ignore: ['**']}"},
		{key: "paths.tests", a: "paths: {tests: []}", b: "paths: {tests: ['**']}"},
		{key: "sections[].path", a: "sections: [{path: x, block: never}]", b: "sections: [{path: '**', block: never}]"},
		{key: "sections[].block", a: "sections: [{path: '**', block: high}]", b: "sections: [{path: '**', block: never}]"},
		{key: "sections[].comment", a: "block: never\nsections: [{path: '**', comment: medium}]", b: "block: never\nsections: [{path: '**', comment: never}]"},
		{key: "security.reviewers", a: "security: {request: true, reviewers: ['@lead']}", b: "security: {request: true, reviewers: ['@other']}"},
		{key: "security.request", a: "security: {request: true, reviewers: ['@lead']}", b: "security: {request: false, reviewers: ['@lead']}"},
		{key: "ignore[].rule", a: someException, b: edited(someException, "dependency/*", "secret/*")},
		{key: "ignore[].path", a: someException, b: edited(someException, "'**'", "x")},
		{key: "ignore[].fingerprint", a: someException, b: edited(someException, "path: '**'", "fingerprint: 0123456789abcdef0123456789abcdef")},
		{key: "ignore[].package", a: edited(someException, "rule: dependency/*", "package: example-ledger, advisories: [DEMO-2026-0003]"),
			b: edited(someException, "rule: dependency/*", "package: example-gear, advisories: [DEMO-2026-0003]")},
		{key: "ignore[].advisories", a: edited(someException, "rule: dependency/*", "package: example-ledger, advisories: [DEMO-2026-0003]"),
			b: edited(someException, "rule: dependency/*", "package: example-ledger, advisories: [DEMO-2026-0001]")},
		{key: "ignore[].reason", a: someException, b: edited(someException, "because", "for another reason")},
		{key: "ignore[].owner", a: someException, b: edited(someException, "acme/web", "acme/platform")},
		{key: "ignore[].until", a: someException, b: edited(someException, "2099", "2020")},
		{key: "scanners.iac.profile", a: "scanners: {iac: {profile: recommended}}", b: "scanners: {iac: {profile: all}}",
			files: map[string]string{"egress.tf": openEgress}},
		{key: "upgrades.enabled", a: "upgrades: {major: true}", b: "upgrades: {major: true, enabled: false}"},
		{key: "upgrades.open", a: "upgrades: {major: true}", b: "upgrades: {major: true, open: 0}"},
		{key: "upgrades.major", a: "upgrades: {major: true}", b: "upgrades: {major: false}"},
		{key: "upgrades.labels", a: "upgrades: {major: true}", b: "upgrades: {major: true, labels: [security]}"},

		{key: "floors.mode", a: "floors: {mode: enforce}", b: "", below: "mode: observe"},
		{key: "floors.block", a: "floors: {block: high}", b: "", below: "block: never"},
		{key: "floors.comment", a: "floors: {comment: medium}", b: "", below: "block: never\ncomment: never"},
		{key: "floors.on_scanner_error", a: "floors: {on_scanner_error: block}", b: "", below: "on_scanner_error: note", files: broken},
		{key: "floors.uncovered", a: "floors: {uncovered: block}", b: "", below: "uncovered: note", files: bicep},
		{key: "floors.unknown_severity", a: "floors: {unknown_severity: high}", b: "", below: "unknown_severity: low", files: gear},
		{key: "floors.scanners", a: "floors: {scanners: [dependencies]}", b: "floors: {scanners: []}", below: "scanners: {dependencies: {enabled: false}}"},
		{key: "floors.ignored_paths", a: "floors: {ignored_paths: none}", b: "", below: "paths: {ignore: ['**']}"},
		{key: "floors.markers", a: "floors: {markers: none}", b: "", below: "mode: enforce", files: marked, main: marked},
		{key: "floors.exception", a: "floors: {exception: 30d}", b: "", below: someException},
	}
	for _, s := range []struct {
		key, rule string
		files     map[string]string
	}{
		{"secrets", "stripe-access-token", secret},
		{"dependencies", "DEMO-2026-0003", nil},
		{"iac", "AWS-0092", map[string]string{"logs.tf": publicBucket}},
		{"text", "bidirectional", map[string]string{"turned.go": "package turned\n\n// " + madeUpSecrets()["RLO"] + " x\n"}},
	} {
		all = append(all,
			keyCase{key: "scanners." + s.key + ".enabled", a: "scanners: {" + s.key + ": {enabled: true}}", b: "scanners: {" + s.key + ": {enabled: false}}", files: s.files},
			keyCase{key: "scanners." + s.key + ".skip", a: "scanners: {" + s.key + ": {skip: []}}", b: "scanners: {" + s.key + ": {skip: [" + s.rule + "]}}", files: s.files})
	}
	return all
}

// TestEveryKeyHasAReader compares the schema with what each key changes in the
// outcome of a review: a key that nothing reads cannot be in it. A new key needs
// a line in keyCases.
func TestEveryKeyHasAReader(t *testing.T) {
	var keys []string
	for _, c := range keyCases() {
		keys = append(keys, c.key)
	}
	// The version of the format has one value, and $schema-like keys there are none.
	want := slices.DeleteFunc(schemaKeys(t), func(k string) bool { return k == "version" })
	require.ElementsMatch(t, want, keys)

	w := newWorld(t, demo.StageOptions{Sample: []byte(keySample)})
	for _, c := range keyCases() {
		t.Run(c.key, func(t *testing.T) {
			first, again, second := w.outcome(t, c, c.a), w.outcome(t, c, c.a), w.outcome(t, c, c.b)
			require.NotContains(t, first+second, "not valid")
			assert.Equal(t, first, again, "nothing but the key makes a difference")
			assert.NotEqual(t, first, second, "nothing reads %s", c.key)
		})
	}
}

// outcome is what people see of a pull request and of the upgrades, but for the
// explanation of the policy itself. Each is in a repository of its own.
func (w *world) outcome(t *testing.T, c keyCase, text string) string {
	t.Helper()
	owner := fmt.Sprintf("acme-%d", w.pulls.Add(1))
	repo, err := w.Install(t.Context(), owner, "shop")
	require.NoError(t, err)
	repo.SetRole("lead", "write")
	repo.SetRole("other", "write")
	own := "version: 1\n" + text + "\n"
	if strings.HasPrefix(c.key, "floors.") {
		org, err := w.Install(t.Context(), owner, ".github")
		require.NoError(t, err)
		_, err = org.Commit("main", "Set", map[string]string{"pullwarden.yml": own})
		require.NoError(t, err)
		own = "version: 1\n" + c.below + "\n"
	}
	_, err = repo.Commit("main", "Set", map[string]string{".github/pullwarden.yml": own})
	require.NoError(t, err)
	if strings.HasPrefix(c.key, "upgrades.") {
		return w.upgrades(t, repo)
	}
	files := c.files
	if files == nil {
		files = map[string]string{"requirements.txt": "example-ledger==4.1.2\n"}
	}
	sha, err := repo.Commit("topic", "Change", files)
	require.NoError(t, err)
	number, err := repo.OpenPull("Change", "", "main", "topic", "dev")
	require.NoError(t, err)
	if c.main != nil {
		_, err := repo.Commit("main", "Merge", c.main)
		require.NoError(t, err)
	}
	for _, login := range []string{"lead", "other"} { // who may be asked to review
		_, err := repo.Say(number, login, "Hello.")
		require.NoError(t, err)
	}
	e, err := repo.PullEvent(number, "opened")
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), e))
	w.settle()
	p, err := repo.Pull(number)
	require.NoError(t, err)
	seen := []any{p.Asked}
	for _, run := range repo.CheckRuns(sha) {
		summary, _, _ := strings.Cut(run.Summary, "<details><summary>The policy in force")
		seen = append(seen, run.Name, run.Conclusion, run.Title, summary)
	}
	for _, thread := range p.Threads {
		seen = append(seen, thread.Path, thread.Line, thread.Comments[0].Body)
	}
	return anonymous.ReplaceAllString(fmt.Sprintf("%q", seen), "")
}

// anonymous is what differs between two pull requests that are alike.
var anonymous = regexp.MustCompile(`[0-9a-f]{7,64}|acme-\d+`)

// upgrades are the pull requests that a push to the default branch leads to.
func (w *world) upgrades(t *testing.T, repo *fakehub.Repo) string {
	t.Helper()
	_, err := repo.Commit("main", "Roll", map[string]string{
		"package.json":      `{"name": "shop", "version": "1.0.0", "dependencies": {"@example/wheel": "^1.0.0"}}` + "\n",
		"package-lock.json": keyLock,
	})
	require.NoError(t, err)
	require.NoError(t, w.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
	w.settle()
	var seen []string
	for _, p := range repo.Pulls() {
		seen = append(seen, fmt.Sprintf("%s %q", p.Title, p.Labels))
	}
	return strings.Join(seen, "\n")
}

// openEgress lets everything out: a note in the recommended profile.
const openEgress = `resource "aws_security_group" "shop" {
  description = "the shop"
  egress {
    description = "everything"
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
`

const keyLock = `{
  "name": "shop",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {"name": "shop", "version": "1.0.0", "dependencies": {"@example/wheel": "^1.0.0"}},
    "node_modules/@example/wheel": {"version": "1.0.0", "integrity": "sha512-a"}
  }
}
`

const keySample = `-- npm/@example/wheel.json --
{
  "name": "@example/wheel",
  "dist-tags": {"latest": "2.0.0"},
  "versions": {
    "1.0.0": {"name": "@example/wheel", "version": "1.0.0", "dist": {"integrity": "[[integrity "@example/wheel" "1.0.0"]]"}},
    "2.0.0": {"name": "@example/wheel", "version": "2.0.0", "dist": {"integrity": "[[integrity "@example/wheel" "2.0.0"]]"}}
  }
}
-- advisory/npm/DEMO-2026-0004.json --
{
  "schema_version": "1.6.0",
  "id": "DEMO-2026-0004",
  "modified": "2026-10-02T00:00:00Z",
  "published": "2026-10-01T00:00:00Z",
  "summary": "The wheel comes off",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{
    "package": {"ecosystem": "npm", "name": "@example/wheel"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]
  }]
}
-- advisory/PyPI/DEMO-2026-0005.json --
{
  "schema_version": "1.6.0",
  "id": "DEMO-2026-0005",
  "modified": "2026-10-03T00:00:00Z",
  "published": "2026-10-02T00:00:00Z",
  "summary": "The gear grinds",
  "affected": [{
    "package": {"ecosystem": "PyPI", "name": "example-gear"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]
  }]
}
-- advisory/PyPI/DEMO-2026-0003.json --
{
  "schema_version": "1.6.0",
  "id": "DEMO-2026-0003",
  "modified": "2026-10-03T00:00:00Z",
  "published": "2026-10-02T00:00:00Z",
  "summary": "SQL injection in the filter of example-ledger",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:N"}],
  "affected": [{
    "package": {"ecosystem": "PyPI", "name": "example-ledger"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "4.1.3"}]}]
  }]
}
`

// schemaKeys are the keys of both schemas that have no keys below them.
func schemaKeys(t *testing.T) (keys []string) {
	t.Helper()
	schema := func(name string) (s map[string]any) {
		b, err := os.ReadFile(filepath.Join("..", "..", "config", name+".schema.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &s))
		return s
	}
	repository, organisation := schema("repository"), schema("organisation")
	var walk func(prefix string, s map[string]any)
	walk = func(prefix string, s map[string]any) {
		if ref, ok := s["$ref"].(string); ok {
			s = repository["$defs"].(map[string]any)[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
		}
		if items, ok := s["items"].(map[string]any); ok && items["properties"] != nil {
			prefix, s = prefix+"[]", items
		}
		below, _ := s["properties"].(map[string]any)
		if below == nil {
			keys = append(keys, prefix)
		}
		for name, p := range below {
			walk(strings.TrimPrefix(prefix+"."+name, "."), p.(map[string]any))
		}
	}
	walk("", repository)
	walk("floors", organisation["properties"].(map[string]any)["floors"].(map[string]any))
	return keys
}
