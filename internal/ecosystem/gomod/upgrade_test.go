package gomod_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/gomod"
)

// TestUpgrade compares each upgrade with what the go command makes of it.
func TestUpgrade(t *testing.T) {
	files, err := filepath.Glob("testdata/upgrade/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := load(t, file)
			proxy := httptest.NewServer(http.FileServer(http.Dir(c.proxy)))
			defer proxy.Close()
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, c.main))
			c.gotool(t, dir, "mod", "tidy")

			name, to, _ := strings.Cut(c.upgrade, " ")
			e := gomod.Ecosystem{Registry: gomod.NewRegistry("direct,"+proxy.URL+"|off", nil)}
			p := find(t, e, os.DirFS(dir), name)
			got, err := e.Upgrade(t.Context(), os.DirFS(dir), p, to)
			require.NoError(t, err)
			require.Len(t, got, 2)

			oracle := t.TempDir()
			require.NoError(t, os.CopyFS(oracle, os.DirFS(dir)))
			c.gotool(t, oracle, "get", name+"@"+to)
			c.gotool(t, oracle, "mod", "tidy")
			for _, f := range []string{"go.mod", "go.sum"} {
				want, err := os.ReadFile(filepath.Join(oracle, f))
				require.NoError(t, err)
				assert.Equal(t, string(want), string(got[f]), f)
				require.NoError(t, os.WriteFile(filepath.Join(dir, f), got[f], 0o644))
			}
			c.gotool(t, dir, "mod", "verify")
			c.gotool(t, dir, "build", "-mod=readonly", "./...")
			c.gotool(t, dir, "mod", "tidy", "-diff")

			f, err := modfile.Parse("go.mod", got["go.mod"], nil)
			require.NoError(t, err)
			stated := map[string]bool{}
			for _, r := range f.Require {
				stated[r.Mod.Path+" "+r.Mod.Version] = true
			}
			for want := range strings.Lines(c.want) {
				assert.True(t, stated[strings.TrimSpace(want)], "%s is not required", want)
			}
		})
	}
}

func TestUpgradeFromDirectory(t *testing.T) {
	c := load(t, "testdata/upgrade/direct.txtar")
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, c.main))
	c.gotool(t, dir, "mod", "tidy")
	e := gomod.Ecosystem{Registry: gomod.NewRegistry("file://"+filepath.ToSlash(c.proxy), nil)}
	versions, err := e.Versions(t.Context(), "example.com/lib")
	require.NoError(t, err)
	assert.Equal(t, []string{"v1.0.0", "v1.1.0"}, versions)
	got, err := e.Upgrade(t.Context(), os.DirFS(dir), find(t, e, os.DirFS(dir), "example.com/lib"), "v1.1.0")
	require.NoError(t, err)
	assert.Contains(t, string(got["go.mod"]), "// What this module is for.\n")
	assert.Contains(t, string(got["go.mod"]), "\t// lib does the work.\n\texample.com/lib v1.1.0 // pinned by the team\n")
}

func TestUpgradeRefused(t *testing.T) {
	const sum = "example.com/lib v1.0.0 h1:x=\n"
	const require1 = "module example.com/main\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n"
	for name, c := range map[string]struct {
		tree fstest.MapFS
		why  string
	}{
		"vendor": {fstest.MapFS{
			"a/go.mod": file(require1), "a/go.sum": file(sum), "a/vendor/modules.txt": file("# \n"),
		}, "dependencies are vendored: run go get and go mod vendor"},
		"workspace": {fstest.MapFS{
			"a/go.mod": file(require1), "a/go.sum": file(sum), "go.work": file("go 1.21\n"),
		}, "the module is part of a workspace (go.work): run go get and go work sync"},
		"replace": {fstest.MapFS{
			"a/go.mod": file(require1 + "\nreplace example.com/lib => ../lib\n"), "a/go.sum": file(sum),
		}, "a replace directive of go.mod decides on the version of example.com/lib"},
		"old go": {fstest.MapFS{
			"a/go.mod": file(strings.Replace(require1, "1.21", "1.16", 1)), "a/go.sum": file(sum),
		}, "go.mod has no go line of 1.17 or later, so it does not list all that the build needs: run go mod tidy -go=1.17"},
		"no go line": {fstest.MapFS{
			"a/go.mod": file(strings.Replace(require1, "go 1.21", "", 1)), "a/go.sum": file(sum),
		}, "go.mod has no go line of 1.17 or later, so it does not list all that the build needs: run go mod tidy -go=1.17"},
		"no go.sum": {fstest.MapFS{"a/go.mod": file(require1)}, "there is no go.sum: run go mod tidy"},
		"indirect": {fstest.MapFS{
			"a/go.mod": file(strings.TrimSpace(require1) + " // indirect\n"), "a/go.sum": file(sum),
		}, "example.com/lib is an indirect dependency"},
		"excluded": {fstest.MapFS{
			"a/go.mod": file(require1 + "\nexclude example.com/lib v1.1.0\n"), "a/go.sum": file(sum),
		}, "an exclude directive of go.mod rules out example.com/lib v1.1.0"},
		"directory outside": {fstest.MapFS{
			"a/go.mod": file(require1 + "\nrequire example.com/x v1.0.0\nreplace example.com/x => ../../x\n"), "a/go.sum": file(sum),
		}, "go.mod replaces example.com/x by a directory outside the repository"},
		"broken go.sum": {fstest.MapFS{
			"a/go.mod": file(require1), "a/go.sum": file("<<<<<<< HEAD x y\n"),
		}, "line 1 of go.sum cannot be read: run go mod tidy"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeModule(t, dir, module.Version{Path: "example.com/lib", Version: "v1.0.0"}, map[string][]byte{"go.mod": []byte("module example.com/lib\n")})
			e := gomod.Ecosystem{Registry: gomod.NewRegistry("file://"+dir, nil)}
			p := ecosystem.Package{Name: "example.com/lib", Version: "v1.0.0", Direct: true, At: change.Span{Path: "a/go.mod", Start: 5, End: 5}}
			_, err := e.Upgrade(t.Context(), c.tree, p, "v1.1.0")
			var refused *ecosystem.RefusalError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, c.why, refused.Why)
		})
	}
}

// A registry that serves something else than go.sum knows is an error, not a reason to upgrade.
func TestUpgradeChecksumMismatch(t *testing.T) {
	c := load(t, "testdata/upgrade/direct.txtar")
	for _, line := range []string{"example.com/other v1.0.0/go.mod ", "example.com/lib v1.1.0/go.mod ", "example.com/lib v1.1.0 "} {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, c.main))
		c.gotool(t, dir, "mod", "tidy")
		b, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		require.NoError(t, err)
		var kept []string
		for l := range strings.Lines(string(b)) {
			if !strings.HasPrefix(l, line) {
				kept = append(kept, l)
			}
		}
		kept = append(kept, line+"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), []byte(strings.Join(kept, "")), 0o644))
		e := gomod.Ecosystem{Registry: gomod.NewRegistry("file://"+c.proxy, nil)}
		_, err = e.Upgrade(t.Context(), os.DirFS(dir), find(t, e, os.DirFS(dir), "example.com/lib"), "v1.1.0")
		require.ErrorContains(t, err, "checksum mismatch of "+strings.TrimSpace(line))
		assert.False(t, errors.As(err, new(*ecosystem.RefusalError)))
	}
}

// A replaced directory whose go.mod is not at hand is a *change.MissingError: the caller can bring it.
func TestUpgradeMissingBlob(t *testing.T) {
	c := load(t, "testdata/upgrade/replaced.txtar")
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, c.main))
	c.gotool(t, dir, "mod", "tidy")
	tree := lacking{os.DirFS(dir), "local/go.mod"}
	e := gomod.Ecosystem{Registry: gomod.NewRegistry("file://"+c.proxy, nil)}
	_, err := e.Upgrade(t.Context(), tree, find(t, e, tree, "example.com/lib"), "v1.1.0")
	var missing *change.MissingError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "local/go.mod", missing.Path)
}

type lacking struct {
	fs.FS
	path string
}

func (l lacking) Open(name string) (fs.File, error) {
	if name == l.path {
		return nil, &change.MissingError{Path: name, Why: "not fetched"}
	}
	return l.FS.Open(name)
}

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func find(t *testing.T, e gomod.Ecosystem, tree fs.FS, name string) ecosystem.Package {
	t.Helper()
	all, err := e.Packages(t.Context(), tree, "go.mod")
	require.NoError(t, err)
	for _, p := range all {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no package %s", name)
	return ecosystem.Package{}
}

// A fixture is a main module and a registry with all that it can come to need.
type fixture struct {
	upgrade, want string
	main          fs.FS
	proxy         string // directory in the layout of the module proxy protocol
}

func load(t *testing.T, name string) fixture {
	t.Helper()
	a, err := txtar.ParseFile(name)
	require.NoError(t, err)
	c := fixture{proxy: t.TempDir()}
	main := fstest.MapFS{}
	mods := map[module.Version]map[string][]byte{}
	for _, f := range a.Files {
		switch first, rest, _ := strings.Cut(f.Name, "/"); {
		case f.Name == "upgrade":
			c.upgrade = strings.TrimSpace(string(f.Data))
		case f.Name == "want":
			c.want = string(f.Data)
		case first == "main":
			main[rest] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		default:
			p, rest, _ := strings.Cut(f.Name, "@")
			v, rest, _ := strings.Cut(rest, "/")
			m := module.Version{Path: p, Version: v}
			if mods[m] == nil {
				mods[m] = map[string][]byte{}
			}
			mods[m][rest] = f.Data
		}
	}
	c.main = main
	for m, files := range mods {
		writeModule(t, c.proxy, m, files)
	}
	return c
}

func writeModule(t *testing.T, proxy string, m module.Version, files map[string][]byte) {
	t.Helper()
	escaped, err := module.EscapePath(m.Path)
	require.NoError(t, err)
	dir := filepath.Join(proxy, escaped, "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	list, err := os.OpenFile(filepath.Join(dir, "list"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = list.WriteString(m.Version + "\n")
	require.NoError(t, errors.Join(err, list.Close()))
	var content []zip.File
	for name, b := range files {
		content = append(content, memFile{name, b})
	}
	var z bytes.Buffer
	// A fork keeps the path of what it stands in for.
	require.NoError(t, zip.Create(&z, m, content))
	for ext, b := range map[string][]byte{
		".zip": z.Bytes(), ".mod": files["go.mod"],
		".info": []byte(`{"Version":"` + m.Version + `","Time":"2026-01-01T00:00:00Z"}`),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, m.Version+ext), b, 0o644))
	}
}

type memFile struct {
	name string
	data []byte
}

func (f memFile) Path() string { return f.name }
func (f memFile) Lstat() (fs.FileInfo, error) {
	return fs.Stat(fstest.MapFS{f.name: {Data: f.data, Mode: 0o644}}, f.name)
}
func (f memFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }

// gotool runs the go command against the fixture's registry and nothing else.
func (c fixture) gotool(t *testing.T, dir string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"GOPROXY=file://"+filepath.ToSlash(c.proxy), "GONOSUMDB=*", "GOSUMDB=off", "GOFLAGS=-mod=mod -modcacherw",
		"GOMODCACHE="+path.Join(filepath.ToSlash(c.proxy), "cache"), "GOTOOLCHAIN=local", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
}
