package upgrade_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	deps "deps.dev/util/semver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/semver"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/upgrade"
	"github.com/pullwarden/pullwarden/internal/version"
)

// list is an ecosystem whose manifest, "list", has a line "name version" for
// each dependency, "~" before it if it is indirect; "hash" stands beside it.
type list struct {
	name      string
	published map[string]string // versions of each package
	extra     string            // a file that Upgrade reads besides
	asked     []string
}

func (l *list) Name() string                 { return l.name }
func (l *list) Match(p string) bool          { return path.Base(p) == "list" }
func (l *list) Scheme() version.Scheme       { return version.Of(deps.DefaultSystem, false) }
func (l *list) PURLType() string             { return "generic" }
func (l *list) Companions(p string) []string { return []string{path.Join(path.Dir(p), "hash")} }
func (l *list) Compare(a, b string) int      { return semver.Compare("v"+strip(a), "v"+strip(b)) }
func strip(s string) string                  { return strings.TrimPrefix(s, "v") }
func word(tree fs.FS, p string) (string, error) {
	b, err := fs.ReadFile(tree, p)
	return string(b), err
}

func (l *list) Packages(_ context.Context, tree fs.FS, p string) ([]ecosystem.Package, error) {
	text, err := word(tree, p)
	if err != nil {
		return nil, err
	}
	var out []ecosystem.Package
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		name, version, ok := strings.Cut(line, " ")
		if !ok {
			return nil, &ecosystem.SyntaxError{Path: p, Line: i + 1, Text: "no version"}
		}
		name, indirect := strings.CutPrefix(name, "~")
		out = append(out, ecosystem.Package{Name: name, Version: version, Direct: !indirect, At: change.Span{Path: p, Start: i + 1, End: i + 1}})
	}
	return out, nil
}

func (l *list) Versions(_ context.Context, name string) ([]string, error) {
	l.asked = append(l.asked, name)
	switch v := l.published[name]; v {
	case "none":
		return nil, ecosystem.ErrNoRegistry
	case "down":
		return nil, errors.New("the registry is down")
	default:
		return strings.Fields(v), nil
	}
}

func (l *list) Upgrade(_ context.Context, tree fs.FS, p ecosystem.Package, to string) (map[string][]byte, error) {
	if p.Name == "stuck" {
		return nil, &ecosystem.RefusalError{Why: "it is stuck"}
	}
	if l.extra != "" {
		if _, err := word(tree, l.extra); err != nil {
			return nil, fmt.Errorf("read more: %w", err)
		}
	}
	text, err := word(tree, p.At.Path)
	if err != nil {
		return nil, err
	}
	hash, err := word(tree, l.Companions(p.At.Path)[0])
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		p.At.Path:                  []byte(strings.Replace(text, p.Name+" "+p.Version, p.Name+" "+to, 1)),
		l.Companions(p.At.Path)[0]: []byte(hash + "+" + to),
	}, nil
}

// known is a DB of lines "package ID severity affected versions…".
type known []string

func (k known) Affecting(_ context.Context, _, name, version string, _ func(a, b string) int) ([]advisory.Advisory, error) {
	var out []advisory.Advisory
	for _, line := range k {
		f := strings.Fields(line)
		if f[0] != name || !slices.Contains(f[3:], version) {
			continue
		}
		severity, _ := finding.ParseSeverity(f[2])
		out = append(out, advisory.Advisory{ID: f[1], Severity: severity})
	}
	slices.SortStableFunc(out, func(a, b advisory.Advisory) int { return int(b.Severity) - int(a.Severity) })
	return out, nil
}

func (known) Info() advisory.Info { return advisory.Info{} }

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func ids(list []advisory.Advisory) string {
	var out []string
	for _, a := range list {
		out = append(out, a.ID)
	}
	return strings.Join(out, " ")
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name, system, have, published string
		known                         known
		major                         bool
		want                          string // version: settled / remaining; or why not
	}{
		{"smallest without any", "Go", "v1.0.0", "v0.9.0 v1.0.0 v1.0.1 v1.0.2 v1.1.0 v1.2.0",
			known{"p A high v1.0.0 v1.0.1", "p B low v1.0.0 v1.0.2"}, false, "v1.1.0: A B / "},
		{"nothing known", "Go", "v1.0.0", "v1.1.0", known{"q A high v1.0.0"}, false, ""},
		{"the worst first", "Go", "v1.0.0", "v1.1.0 v1.2.0 v1.3.0",
			known{"p A high v1.0.0 v1.1.0", "p B low v1.0.0 v1.2.0 v1.3.0"}, false, "v1.2.0: A / B"},
		{"better than nothing", "Go", "v1.0.0", "v1.1.0",
			known{"p A high v1.0.0 v1.1.0", "p B low v1.0.0"}, false, "v1.1.0: B / A"},
		{"one that brings another is none", "Go", "v1.0.0", "v1.1.0",
			known{"p A high v1.0.0", "p B low v1.1.0"}, false, "no published version is without A"},
		{"no fix", "Go", "v1.0.0", "v1.0.0 v1.1.0", known{"p A high v1.0.0 v1.1.0"}, false, "no published version is without A"},
		{"never down", "Go", "v1.0.0", "v0.9.0", known{"p A high v1.0.0"}, false, "no published version is without A"},
		{"major", "npm", "1.0.0", "1.1.0 2.0.0 3.0.0", known{"p A high 1.0.0 1.1.0"}, false,
			"the lowest version with a fix is 2.0.0, which crosses a major version"},
		{"major allowed", "npm", "1.0.0", "1.1.0 2.0.0 3.0.0", known{"p A high 1.0.0 1.1.0"}, true, "2.0.0: A /  major"},
		{"minor of 0.x in npm", "npm", "0.1.0", "0.1.1 0.2.0", known{"p A high 0.1.0 0.1.1"}, false,
			"the lowest version with a fix is 0.2.0, which crosses a major version"},
		{"minor of v0 in Go", "Go", "v0.1.0", "v0.1.1 v0.2.0", known{"p A high v0.1.0 v0.1.1"}, false, "v0.2.0: A / "},
		{"no pre-release", "Go", "v1.0.0", "v1.1.0-rc.1 v1.1.0", known{"p A high v1.0.0"}, false, "v1.1.0: A / "},
		{"pre-release after one", "Go", "v1.1.0-rc.1", "v1.1.0-rc.1 v1.1.0-rc.2 v1.1.0", known{"p A high v1.1.0-rc.1"}, false, "v1.1.0-rc.2: A / "},
		{"a pseudo-version is no pre-release", "Go", "v0.0.0-20210101000000-0123456789ab", "v0.1.0-rc.1 v0.1.0",
			known{"p A high v0.0.0-20210101000000-0123456789ab"}, false, "v0.1.0: A / "},
		{"no registry", "Go", "v1.0.0", "none", known{"p A high v1.0.0"}, false, "no registry is configured for this ecosystem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &list{name: c.system, published: map[string]string{"p": c.published}}
			p := upgrade.Planner{Advisories: c.known, Ecosystems: []ecosystem.Ecosystem{e}}
			files := tree(map[string]string{"a/list": "other v1.0.0\np " + c.have + "\n", "a/hash": "h"})
			plans, refused, err := p.Plan(t.Context(), files, policy.Upgrades{Major: c.major}, nil)
			require.NoError(t, err)
			got := ""
			for _, r := range refused {
				got += r.Why
				assert.Equal(t, "p", r.Package)
				assert.Equal(t, "a/list", r.Manifest)
			}
			for _, p := range plans {
				got += fmt.Sprintf("%s: %s / %s", p.To, ids(p.Settles), ids(p.Remains))
				if p.Major {
					got += " major"
				}
				assert.Equal(t, "other v1.0.0\np "+p.To+"\n", string(p.Files["a/list"]))
				assert.Equal(t, "h+"+p.To, string(p.Files["a/hash"]))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// One registry that does not answer, one broken manifest and one refusal do
// not keep the rest from being planned; the most urgent comes first.
func TestPlanMany(t *testing.T) {
	e := &list{name: "Go", published: map[string]string{
		"low": "v1.1.0", "high": "v1.1.0", "two": "v1.1.0", "down": "down", "stuck": "v1.1.0", "indirect": "v1.1.0",
	}}
	db := known{
		"low A low v1.0.0", "high B high v1.0.0", "two C high v1.0.0", "two D low v1.0.0",
		"down E critical v1.0.0", "stuck F critical v1.0.0", "indirect G critical v1.0.0",
	}
	p := upgrade.Planner{Advisories: db, Ecosystems: []ecosystem.Ecosystem{e}}
	plans, refused, err := p.Plan(t.Context(), tree(map[string]string{
		"list": "low v1.0.0\nstuck v1.0.0\nhigh v1.0.0\n~indirect v1.0.0\ndown v1.0.0\n", "hash": "",
		"z/list": "two v1.0.0\nhigh v1.0.0\n", "z/hash": "",
		"broken/list": "nothing\n", "broken/hash": "",
		"vendor/list": "high v1.0.0\n", "z/node_modules/x/list": "high v1.0.0\n", "z/testdata/list": "high v1.0.0\n",
	}), policy.Upgrades{}, nil)
	require.ErrorContains(t, err, "plan upgrades of list: down: the registry is down")

	var got []string
	for _, p := range plans {
		got = append(got, p.Manifest+" "+p.Package)
	}
	assert.Equal(t, []string{"z/list two", "list high", "z/list high", "list low"}, got)
	got = nil
	for _, r := range refused {
		got = append(got, r.Manifest+" "+r.Package+" "+r.To+" "+r.Why)
	}
	assert.Equal(t, []string{"broken/list   broken/list:1: no version", "list stuck v1.1.0 it is stuck"}, got)
	assert.Len(t, e.asked, 5, "a package is asked for once, and only if it is vulnerable")
}

// remote is a tree that lists all files but has no content until it is loaded.
type remote struct {
	fstest.MapFS
	loads [][]string
	have  map[string]bool
}

type info struct {
	fs.FileInfo
	path string
}

func (i info) Sys() any { return change.BlobID("id of " + i.path) }

func (r *remote) Stat(name string) (fs.FileInfo, error) {
	i, err := r.MapFS.Stat(name)
	return info{i, name}, err
}

func (r *remote) ReadFile(name string) ([]byte, error) {
	if _, err := r.MapFS.Stat(name); err == nil && !r.have["id of "+name] {
		return nil, &change.MissingError{Path: name, Blob: "id of " + name, Why: "not fetched"}
	}
	return r.MapFS.ReadFile(name)
}

func (r *remote) Blob(string) ([]byte, error) { panic("not used") }

func (r *remote) Load(_ context.Context, ids ...string) error {
	r.loads = append(r.loads, ids)
	for _, id := range ids {
		r.have[id] = id != "id of big"
	}
	return nil
}

func TestPlanLoads(t *testing.T) {
	r := &remote{MapFS: tree(map[string]string{
		"a/list": "p v1.0.0\n", "a/hash": "", "b/list": "p v1.0.0\n", "extra": "", "big": "", "c.txt": "",
	}), have: map[string]bool{}}
	e := &list{name: "Go", published: map[string]string{"p": "v1.1.0"}, extra: "extra"}
	p := upgrade.Planner{Advisories: known{"p A high v1.0.0"}, Ecosystems: []ecosystem.Ecosystem{e}}
	plans, refused, err := p.Plan(t.Context(), r, policy.Upgrades{}, upgrade.Loader(r, r))
	require.ErrorContains(t, err, "b/list", "it has no file hash beside it")
	assert.Len(t, plans, 1)
	assert.Empty(t, refused)
	assert.Equal(t, [][]string{{"id of a/hash", "id of a/list", "id of b/list"}, {"id of extra"}}, r.loads)

	// What cannot be brought is a reason, and is asked for once.
	r.loads, e.extra = nil, "big"
	plans, refused, _ = p.Plan(t.Context(), r, policy.Upgrades{}, upgrade.Loader(r, r))
	assert.Empty(t, plans)
	require.NotEmpty(t, refused)
	assert.Equal(t, "big: not fetched", refused[0].Why)
	assert.Len(t, r.loads, 3)
}

func TestPlanCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := upgrade.Planner{Advisories: known{}, Ecosystems: []ecosystem.Ecosystem{&list{name: "Go"}}}
	_, _, err := p.Plan(ctx, tree(map[string]string{"list": "p v1.0.0\n"}), policy.Upgrades{}, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestBranch(t *testing.T) {
	of := func(manifest, name, to string) string {
		return upgrade.Plan{Ecosystem: "Go", Package: name, Manifest: manifest, To: to}.Branch()
	}
	assert.Regexp(t, `^pullwarden/go/example\.com-foo-[0-9a-f]{6}$`, of("go.mod", "example.com/foo", "v1.0.0"))
	assert.Regexp(t, `^pullwarden/go/tools-gen-example\.com-foo-[0-9a-f]{6}$`, of("tools/gen/go.mod", "example.com/foo", "v1.0.0"))
	assert.Equal(t, of("go.mod", "example.com/foo", "v1.0.0"), of("go.mod", "example.com/foo", "v1.1.0"))
	assert.NotEqual(t, of("go.mod", "a/b", ""), of("go.mod", "a-b", ""))
	for _, name := range []string{"..", "@{x}", "a..b.lock", "-x", "", "ä ö", "x\ny", "a/../b", "~^:?*[\\", strings.Repeat("long/", 100)} {
		assert.Regexp(t, `^pullwarden/go/[A-Za-z0-9_][A-Za-z0-9._-]*-[0-9a-f]{6}$`, of("go.mod", name, ""))
		assert.NotContains(t, of("go.mod", name, ""), "..")
		assert.Less(t, len(of("go.mod", name, "")), 120)
	}
}
