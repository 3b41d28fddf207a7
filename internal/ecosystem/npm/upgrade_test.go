package npm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
)

// A fixture is a project and the registry that it is upgraded from. In its
// files the registry is registry.example; the test serves it elsewhere.
type fixture struct {
	name, to string
	tree     fstest.MapFS
	want     map[string]string
	registry map[string]string
	asked    []string
}

func load(t *testing.T, file string) *fixture {
	t.Helper()
	a, err := txtar.ParseFile(file)
	require.NoError(t, err)
	f := &fixture{tree: fstest.MapFS{}, want: map[string]string{}, registry: map[string]string{}}
	for _, x := range a.Files {
		dir, rest, _ := strings.Cut(x.Name, "/")
		switch dir {
		case "upgrade":
			f.name, f.to, _ = strings.Cut(strings.TrimSpace(string(x.Data)), " ")
		case "registry":
			f.registry["/"+rest] = string(x.Data)
		case "before":
			f.tree[rest] = &fstest.MapFile{Data: x.Data}
		case "want":
			f.want[rest] = string(x.Data)
		}
	}
	return f
}

// upgrade answers for registry.example.
func (f *fixture) upgrade(t *testing.T) (map[string][]byte, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked = append(f.asked, r.Host+r.URL.EscapedPath())
		body, ok := f.registry[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}
	e := npm.Ecosystem{Registry: npm.Registry{Base: "http://registry.example/", Client: client}}
	return e.Upgrade(t.Context(), f.tree, f.find(t, e), f.to)
}

func (f *fixture) find(t *testing.T, e npm.Ecosystem) ecosystem.Package {
	t.Helper()
	all, _ := e.Packages(t.Context(), f.tree, "package-lock.json") // with an error if an entry is odd
	for _, p := range all {
		if p.Name == f.name && p.Direct {
			return p
		}
	}
	t.Fatalf("no package %s", f.name)
	return ecosystem.Package{}
}

func TestUpgrade(t *testing.T) {
	files, err := filepath.Glob("testdata/upgrade/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".txtar"), func(t *testing.T) {
			f := load(t, file)
			got, err := f.upgrade(t)
			require.NoError(t, err)
			assert.Len(t, got, len(f.want))
			for name, want := range f.want {
				assert.Equal(t, want, string(got[name]), name)
			}
			assert.Equal(t, []string{"registry.example/" + url.PathEscape(f.name)}, f.asked)

			for name, b := range got {
				f.tree[name] = &fstest.MapFile{Data: b}
			}
			assert.Equal(t, f.to, f.find(t, npm.Ecosystem{}).Version)
		})
	}
}

// Windows line ends stay.
func TestUpgradeCarriageReturns(t *testing.T) {
	f := load(t, "testdata/upgrade/v3.txtar")
	for _, x := range f.tree {
		x.Data = []byte(strings.ReplaceAll(string(x.Data), "\n", "\r\n"))
	}
	got, err := f.upgrade(t)
	require.NoError(t, err)
	for name, want := range f.want {
		assert.Equal(t, strings.ReplaceAll(want, "\n", "\r\n"), string(got[name]), name)
	}
}

func TestUpgradeRanges(t *testing.T) {
	for spec, want := range map[string]string{
		"^2.0.0": "^2.1.0", "~2.0.0": "~2.1.0", "2.0.0": "2.1.0", ">=2.0.0": ">=2.1.0", "=2.0.0": "=2.1.0",
		"2.x": "2.x", "*": "*", "": "", "^2.0": "^2.0", ">=1.5.0 <3": ">=1.5.0 <3",
		"~2.0": "", "2.0.x": "", "latest": "", "npm:web-kit@^2.0.0": "", "git+https://host.example/web-kit.git": "",
	} {
		t.Run(spec, func(t *testing.T) {
			f := load(t, "testdata/upgrade/v3.txtar")
			f.edit(`"web-kit": "^2.0.0"`, `"web-kit": "`+spec+`"`)
			got, err := f.upgrade(t)
			if want == "" {
				assert.ErrorAs(t, err, new(*ecosystem.RefusalError))
				return
			}
			require.NoError(t, err)
			assert.Contains(t, string(got["package-lock.json"]), `"web-kit": "`+want+`"`)
			if b, changed := got["package.json"]; changed {
				assert.Contains(t, string(b), `"web-kit": "`+want+`"`)
			}
			assert.Equal(t, spec != want, got["package.json"] != nil)
		})
	}
}

// edit replaces text in every file of the project.
func (f *fixture) edit(old, new string) {
	for _, x := range f.tree {
		x.Data = []byte(strings.ReplaceAll(string(x.Data), old, new))
	}
}

func TestUpgradeRefused(t *testing.T) {
	lock := func(old, new string) func(*fixture) {
		return func(f *fixture) {
			x := f.tree["package-lock.json"]
			x.Data = []byte(strings.Replace(string(x.Data), old, new, 1))
		}
	}
	serve := func(old, new string) func(*fixture) {
		return func(f *fixture) {
			f.registry["/web-kit"] = strings.Replace(f.registry["/web-kit"], old, new, 1)
		}
	}
	for name, c := range map[string]struct {
		edit func(*fixture)
		why  string
	}{
		"other host": {lock("https://registry.example/web-kit/", "https://mirror.example/web-kit/"),
			"the lockfile takes web-kit from another host than the registry that pullwarden asks"},
		"other form": {lock("/-/web-kit-2.0.0.tgz", "/download/2.0.0"),
			"the lockfile takes web-kit from an address of an unusual form"},
		"dependency too low": {serve(`"tiny": "^1.2.0"`, `"tiny": "^1.3.0"`),
			"web-kit 2.1.0 needs tiny ^1.3.0, and the lockfile has tiny@1.2.9"},
		"new dependency": {serve(`"tiny": "^1.2.0"`, `"fresh": "^1.2.0"`),
			"web-kit 2.1.0 needs fresh ^1.2.0, which the lockfile does not have"},
		"peer": {serve(`"^5 || ^6"`, `"^6"`),
			"web-kit 2.1.0 needs host ^6, and the lockfile has host@5.0.3"},
		"install script": {serve(`"hasInstallScript": false`, `"hasInstallScript": true`),
			"web-kit 2.1.0 runs a script when it is installed, which 2.0.0 did not: look at it first"},
		"bundle": {serve(`"hasInstallScript": false`, `"bundleDependencies": ["tiny"]`),
			"web-kit 2.1.0 bundles other packages"},
		"no checksum": {serve(`"sha512-new"`, `""`),
			"the registry has no SHA-512 checksum of web-kit 2.1.0"},
		"no such version": {serve(`"2.1.0": {`, `"2.1.1": {`),
			"the registry does not have web-kit 2.1.0"},
		"another needs the old one": {lock(`"version": "5.0.3",`, `"version": "5.0.3", "dependencies": {"web-kit": "~2.0.0"},`),
			"host@5.0.3 needs web-kit ~2.0.0"},
		"flags change": {lock(`"integrity": "sha512-a",
      "optional": true`, `"integrity": "sha512-a",
      "dependencies": {"tiny": "*"},
      "optional": true`), ""},
		"out of step": {lock(`"web-kit": "^2.0.0"`, `"web-kit": "^1.0.0"`),
			"package.json and the lockfile differ on web-kit: run npm install"},
		"override": {func(f *fixture) {
			f.edit(`"private": true,`, `"private": true, "overrides": {"other@1": {"tiny": "1"}},`)
		}, "overrides in package.json decide on the version of tiny"},
		"deep overrides": {func(f *fixture) {
			f.edit(`"private": true,`, `"private": true, "overrides": `+strings.Repeat(`{"a":`, 5_000)+"1"+strings.Repeat("}", 5_000)+",")
		}, "overrides in package.json are nested too deep"},
		"alias": {lock(`"integrity": "sha512-old",`, `"integrity": "sha512-old", "name": "kit",`), "-"},
		"no package.json": {func(f *fixture) { delete(f.tree, "package.json") },
			"there is no package.json beside the lockfile"},
		"broken package.json": {func(f *fixture) { f.tree["package.json"].Data = []byte(`{"a":1,"a":2}`) },
			"package.json cannot be edited: it is not one JSON object with unique keys"},
		"unknown to the registry": {func(f *fixture) { clear(f.registry) },
			"the registry does not have web-kit"},
	} {
		t.Run(name, func(t *testing.T) {
			f := load(t, "testdata/upgrade/v3.txtar")
			c.edit(f)
			switch c.why {
			case "":
				_, err := f.upgrade(t)
				require.NoError(t, err)
			case "-":
				p := ecosystem.Package{Name: "web-kit", Version: "2.0.0", Direct: true}
				p.At.Path = "package-lock.json"
				_, err := npm.Ecosystem{Registry: npm.Registry{Base: "http://registry.example"}}.Upgrade(t.Context(), f.tree, p, "2.1.0")
				assert.ErrorContains(t, err, "web-kit is an alias of another package")
			default:
				_, err := f.upgrade(t)
				var refused *ecosystem.RefusalError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, c.why, refused.Why)
			}
		})
	}
}

// Only what the change decides may move: a package that turns from "for
// development" to "in production" is more than one upgrade.
func TestUpgradeChangesFlags(t *testing.T) {
	f := load(t, "testdata/upgrade/v3.txtar")
	f.edit(`"host": "~5.0.1",
        "web-kit": "^2.0.0"
      }
    },`, `"host": "~5.0.1",
        "web-kit": "^2.0.0"
      },
      "devDependencies": {"tool": "*"}
    },
    "node_modules/tool": {"version": "1.0.0", "dev": true},`)
	f.registry["/web-kit"] = strings.Replace(f.registry["/web-kit"], `"tiny": "^1.2.0"`, `"tiny": "^1.2.0", "tool": "1"`, 1)
	_, err := f.upgrade(t)
	var refused *ecosystem.RefusalError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "with web-kit 2.1.0, tool@1.0.0 would be needed in other ways (for development, optionally) than before", refused.Why)
}

// TestUpgradeAgainstNpm compares with what npm itself makes of a project.
func TestUpgradeAgainstNpm(t *testing.T) {
	bin, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed: apt-get install npm")
	}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	defer s.Close()
	for name, versions := range map[string]map[string]string{
		"kit": {
			"1.0.0": `"dependencies": {"leaf": "^1.0.0", "dropped": "1"}, "peerDependencies": {"host": ">=1"}`,
			"1.1.0": `"dependencies": {"leaf": "^1.0.0"}, "peerDependencies": {"host": ">=1"}, "bin": {"kit": "./kit.js"}, "engines": {"node": ">=1"}`,
		},
		"leaf": {"1.2.0": ``}, "dropped": {"1.0.0": `"dependencies": {"leaf": "1"}`},
		"host": {"1.0.0": ``},
		"user": {"1.0.0": `"dependencies": {"kit": "^1.0.0"}`},
	} {
		all := map[string]json.RawMessage{}
		latest := ""
		for v, more := range versions {
			if more != "" {
				more = "," + more
			}
			all[v] = json.RawMessage(fmt.Sprintf(`{"name":%q,"version":%q,"dist":{"integrity":"sha512-%s","tarball":"%s/%s/-/%s-%s.tgz"}%s}`,
				name, v, strings.Repeat("A", 86)+"==", s.URL, name, name, v, more))
			latest = max(latest, v)
		}
		b, err := json.Marshal(map[string]any{"name": name, "versions": all, "dist-tags": map[string]string{"latest": latest}})
		require.NoError(t, err)
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) })
	}
	home := t.TempDir()
	run := func(dir string, args ...string) {
		cmd := exec.CommandContext(t.Context(), bin, append([]string{"install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"}, args...)...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "npm_config_registry=" + s.URL, "npm_config_update_notifier=false"}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	for version, sections := range map[string][]string{
		"2": {"devDependencies"}, "3": {"dependencies", "devDependencies", "optionalDependencies"},
	} {
		for _, section := range sections {
			t.Run(section+version, func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{
  "name": "site",
  "`+section+`": {
    "host": "^1.0.0",
    "kit": "1.0.0",
    "user": "^1.0.0"
  }
}
`), 0o644))
				run(dir, "--lockfile-version="+version)
				e := npm.Ecosystem{Registry: npm.Registry{Base: s.URL}}
				f := &fixture{name: "kit", tree: fstest.MapFS{}}
				for _, name := range []string{"package.json", "package-lock.json"} {
					b, err := os.ReadFile(filepath.Join(dir, name))
					require.NoError(t, err)
					f.tree[name] = &fstest.MapFile{Data: b}
				}
				got, err := e.Upgrade(t.Context(), f.tree, f.find(t, e), "1.1.0")
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), got["package.json"], 0o644))
				run(dir, "--lockfile-version="+version)
				want, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
				require.NoError(t, err)
				assert.Equal(t, string(want), string(got["package-lock.json"]))
				assert.Contains(t, string(want), "/kit-1.1.0.tgz")
				assert.NotContains(t, string(want), "dropped")
			})
		}
	}
}
