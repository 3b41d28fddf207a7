package dependency

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem/pypi"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A gitTree is a tree as git has it: no link is followed, and the content of
// one is where it leads to. Texts that begin with "-> " are links.
type gitTree struct{ files fstest.MapFS }

func newGitTree(files map[string]string) gitTree {
	t := gitTree{fstest.MapFS{}}
	for name, text := range files {
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			t.files[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink}
			continue
		}
		t.files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return t
}

func (t gitTree) Open(name string) (fs.File, error)          { return t.files.Open(name) }
func (t gitTree) ReadDir(name string) ([]fs.DirEntry, error) { return t.files.ReadDir(name) }
func (t gitTree) Stat(name string) (fs.FileInfo, error)      { return t.files.Lstat(name) }

func (t gitTree) ReadFile(name string) ([]byte, error) {
	if f, ok := t.files[name]; ok {
		return f.Data, nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// between makes a change of two trees with links.
func between(before, after map[string]string) *change.Change {
	all := contents{}
	c := &change.Change{Before: newGitTree(before), After: newGitTree(after), Contents: all}
	file := func(name, text string) change.File {
		f := change.File{Path: name}
		data := []byte(text)
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			data, f.Mode = []byte(to), fs.ModeSymlink
		}
		f.NewBlob = change.HashBlob(data)
		all[f.NewBlob] = data
		return f
	}
	for name, text := range after {
		if old, ok := before[name]; ok && old == text {
			file(name, text)
			continue
		} else if f := file(name, text); ok {
			f.OldBlob = file(name, old).NewBlob
			c.Files = append(c.Files, f)
		} else {
			f.Kind = change.Added
			c.Files = append(c.Files, f)
		}
	}
	for name, text := range before {
		if _, ok := after[name]; !ok {
			f := file(name, text)
			f.Kind, f.OldBlob, f.NewBlob = change.Deleted, f.NewBlob, ""
			c.Files = append(c.Files, f)
		}
	}
	return c
}

const (
	weakLock = `{"lockfileVersion":3,"packages":{"":{"dependencies":{"merge-all":"2"}},"node_modules/merge-all":{"version":"2.0.1"}}}`
	goodLock = `{"lockfileVersion":3,"packages":{"":{"dependencies":{"merge-all":"2"}},"node_modules/merge-all":{"version":"2.0.5"}}}`
)

// found runs the scanner and returns the places of findings, and the error or
// what could not be understood.
func found(t *testing.T, before, after map[string]string) ([]string, error) {
	t.Helper()
	r := scan.Run(t.Context(), []scan.Scanner{New(fixture(t), ecosystems())}, between(before, after), scan.Options{})
	places := []string{}
	for _, f := range r.Findings {
		places = append(places, f.At.String()+" "+named(f))
	}
	err := r.Statuses[0].Err
	for _, s := range r.Statuses[0].Incomplete {
		err = errors.Join(err, fmt.Errorf("%s: %s", change.Span{Path: s.Path, Start: s.Line, End: s.Line}, s.Why))
	}
	return places, err
}

func TestManifestBehindALink(t *testing.T) {
	const weak = "dependency/GHSA-aaaa-bbbb-0001"
	type tree = map[string]string
	for _, c := range []struct {
		name          string
		before, after tree
		want          string
		says          string
	}{
		{"to a file beside it", nil, tree{"package-lock.json": "-> l.bin", "l.bin": weakLock}, "package-lock.json:1", ""},
		{"over directories and links", nil, tree{"web/package-lock.json": "-> ../x/./l", "x": "-> y/z", "y/z/l": "-> ../../l.bin", "l.bin": weakLock}, "web/package-lock.json:1", ""},
		{"to a file that was there", tree{"l.bin": weakLock}, tree{"l.bin": weakLock, "package-lock.json": "-> l.bin"}, "package-lock.json:1", ""},
		{"the file it leads to changes", tree{"package-lock.json": "-> a/l.bin", "a/l.bin": goodLock}, tree{"package-lock.json": "-> a/l.bin", "a/l.bin": weakLock}, "package-lock.json:1", ""},
		{"a link on the way changes", tree{"package-lock.json": "-> a/l", "a/l": "-> good", "good": goodLock, "a/good": goodLock, "a/weak": weakLock},
			tree{"package-lock.json": "-> a/l", "a/l": "-> weak", "good": goodLock, "a/good": goodLock, "a/weak": weakLock}, "package-lock.json:1", ""},
		{"the file becomes a link to what it was", tree{"package-lock.json": weakLock}, tree{"package-lock.json": "-> l.bin", "l.bin": weakLock}, "", ""},
		{"the link becomes what it led to", tree{"package-lock.json": "-> l.bin", "l.bin": weakLock}, tree{"package-lock.json": weakLock, "l.bin": weakLock}, "", ""},
		{"out of the tree", nil, tree{"a/package-lock.json": "-> ../../l"}, "", "a/package-lock.json: it leads out of the repository"},
		{"out of the tree and back", nil, tree{"package-lock.json": "-> ../r/l.bin", "l.bin": weakLock}, "", "it leads out of the repository"},
		{"to the machine", nil, tree{"package-lock.json": "-> /etc/l"}, "", "it leads out of the repository"},
		{"to nothing", nil, tree{"package-lock.json": "-> l"}, "", "package-lock.json"},
		{"to itself", nil, tree{"package-lock.json": "-> package-lock.json"}, "", "more than 16 links"},
		{"to a directory", nil, tree{"package-lock.json": "-> a", "a/b": "x"}, "", "package-lock.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := found(t, c.before, c.after)
			if c.want == "" {
				assert.Empty(t, got)
			} else {
				assert.Equal(t, []string{c.want + " " + weak}, got)
			}
			if c.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.says)
			}
		})
	}
}

func TestLinkWhoseNameIsNotUTF8(t *testing.T) {
	const path = "\xff/go.mod"
	blob := []byte("../go.mod")
	id := change.HashBlob(blob)
	_, err := New(fixture(t), ecosystems()).Inspect(t.Context(), scan.Snapshot{
		Side: scan.After, Files: []change.File{{Path: path, Mode: fs.ModeSymlink, NewBlob: id}}, Touched: []string{path},
		Tree: change.Empty(), Contents: contents{id: blob},
	})
	require.ErrorContains(t, err, "follow the symbolic link")
}

func TestFilesTakenIn(t *testing.T) {
	const weak = " dependency/PYSEC-2024-9001"
	type tree = map[string]string
	for _, c := range []struct {
		name          string
		before, after tree
		want          []string
	}{
		{"with the manifest", nil, tree{"requirements.txt": "-r deps.in\n", "deps.in": "tiny-templates==2.0\n"}, []string{"deps.in:1" + weak}},
		{"by the manifest alone", tree{"requirements.txt": "a==1\n", "deps.in": "tiny-templates==2.0\n"},
			tree{"requirements.txt": "-c deps.in\n", "deps.in": "tiny-templates==2.0\n"}, []string{"deps.in:1" + weak}},
		{"changed alone", tree{"requirements.txt": "-r sub/deps.in\n", "sub/deps.in": "tiny-templates==2.1\n"},
			tree{"requirements.txt": "-r sub/deps.in\n", "sub/deps.in": "tiny-templates==2.0\n"}, []string{"sub/deps.in:1" + weak}},
		{"changed alone, above", tree{"requirements/dev.txt": "-r ../deps.in\n", "deps.in": "tiny-templates==2.1\n"},
			tree{"requirements/dev.txt": "-r ../deps.in\n", "deps.in": "tiny-templates==2.0\n"}, []string{"deps.in:1" + weak}},
		{"of two manifests", nil, tree{"requirements.txt": "-r deps.in\n", "requirements-b.txt": "-r deps.in\n", "deps.in": "tiny-templates==2.0\n"}, []string{"deps.in:1" + weak}},
		{"through a link", tree{"requirements.txt": "-r deps.in\n", "deps.in": "-> d.data", "d.data": "tiny-templates==2.1\n", "x.txt": "1"},
			tree{"requirements.txt": "-r deps.in\n", "deps.in": "-> d.data", "d.data": "tiny-templates==2.0\n", "x.txt": "2"}, []string{"deps.in:1" + weak}},
		{"of nobody", nil, tree{"deps.in": "tiny-templates==2.0\n"}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := found(t, c.before, c.after)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// TestWhatIsWantedComesStepByStep holds that the runner's rounds are enough to
// fetch what a link leads to and what a file takes in.
func TestWhatIsWantedComesStepByStep(t *testing.T) {
	c := between(
		map[string]string{"requirements.txt": "-r deps.in\n", "deps.in": "tiny-templates==2.1\n", "web/package-lock.json": "-> l.bin", "web/l.bin": goodLock, "a.txt": "1"},
		map[string]string{"requirements.txt": "-r deps.in\n", "deps.in": "tiny-templates==2.0\n", "web/package-lock.json": "-> l.bin", "web/l.bin": weakLock, "a.txt": "1"},
	)
	s := New(fixture(t), ecosystems())
	assert.Equal(t, []string{"requirements.txt", "web/package-lock.json"}, s.Wants(c))
	c = between(map[string]string{"web/l.bin": weakLock, "d.in": "a==1"}, map[string]string{
		"web/l.bin": weakLock, "d.in": "a==1", "web/package-lock.json": "-> l.bin", "requirements.txt": "-r d.in",
	})
	assert.Equal(t, []string{"d.in", "web/l.bin"}, s.Wants(c))
}

func TestGoWorkspaceReplaces(t *testing.T) {
	got, err := found(t, nil, map[string]string{"go.mod": "module x\nrequire example.com/parser v0.99.0\n", "go.work": "use .\nreplace example.com/parser => example.com/parser v0.1.0\n"})
	require.NoError(t, err)
	assert.Equal(t, []string{"go.work:2 dependency/GO-2024-9001"}, got)
}

func TestFindingsBesideAnError(t *testing.T) {
	got, err := found(t, nil, map[string]string{"package-lock.json": `{"lockfileVersion":3,"packages":{
"node_modules/merge-all":{"version":"2.0.5","resolved":"https://registry.example/merge-all/-/merge-all-2.0.1.tgz"}}}`})
	require.ErrorContains(t, err, `package-lock.json:2: "node_modules/merge-all" says that it is version "2.0.5", but is resolved to "2.0.1"`)
	assert.Equal(t, []string{"package-lock.json:2 dependency/source-changed", "package-lock.json:2 dependency/GHSA-aaaa-bbbb-0001"}, got, "what npm would install is looked up")
}

func TestSourceThatNobodyCanCheckIsNamed(t *testing.T) {
	got, err := found(t, nil, map[string]string{
		"package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","resolved":"git+ssh://git@registry.example/a.git#01"}}}`,
		"requirements.txt":  "tiny-templates @ https://registry.example/Tiny-Templates-2.0.tar.gz\n",
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"package-lock.json:1 dependency/unchecked", "requirements.txt:1 dependency/unchecked"}, got)
}

func TestAnotherPlaceIsAnotherFinding(t *testing.T) {
	const weak = "dependency/GHSA-aaaa-bbbb-0001"
	lock := func(direct string, entries ...string) map[string]string {
		return map[string]string{"package-lock.json": `{"lockfileVersion":3,"packages":{` + "\n" + `"":{` + direct + "},\n" + strings.Join(entries, ",\n") + "}}"}
	}
	const (
		needs  = `"dependencies":{"merge-all":"2","a":"1"}`
		nested = `"node_modules/a/node_modules/merge-all":{"version":"2.0.1","dev":true}`
		top    = `"node_modules/merge-all":{"version":"2.0.1"}`
		newer  = `"node_modules/merge-all":{"version":"2.0.2"}`
		forDev = `"node_modules/merge-all":{"version":"2.0.1","dev":true}`
		a      = `"node_modules/a":{"version":"1.0.0","dependencies":{"merge-all":"2"}}`
	)
	for _, c := range []struct {
		name          string
		before, after map[string]string
		want          []string
	}{
		{"a direct copy beside a nested one", lock(needs, nested), lock(needs, nested, top), []string{"package-lock.json:4 " + weak}},
		{"a nested copy beside a direct one", lock(needs, top), lock(needs, nested, top), []string{"package-lock.json:3 " + weak}},
		{"another version", lock(needs, top), lock(needs, newer), nil},
		{"no longer for development only", lock(needs, forDev), lock(needs, top), []string{"package-lock.json:3 " + weak}},
		{"for development only from now on", lock(needs, top), lock(needs, forDev), nil},
		{"direct now", lock(`"dependencies":{"a":"1"}`, a, top), lock(needs, a, top), []string{"package-lock.json:4 " + weak}},
		{"no longer direct", lock(needs, a, top), lock(`"dependencies":{"a":"1"}`, a, top), nil},
		{"no longer direct, for development only", lock(needs, a, top), lock(`"dependencies":{"a":"1"}`, a, forDev), nil},
		{"one copy less", lock(needs, nested, top), lock(needs, top), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := found(t, c.before, c.after)
			require.NoError(t, err)
			if c.want == nil {
				c.want = []string{}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// TestTextsAreNotCutEarly: a secret that is cut in two is no longer known to
// the redactor.
func TestTextsAreNotCutEarly(t *testing.T) {
	long := strings.Repeat("x", 900)
	assert.Equal(t, long, clean(long, messageRunes))
	assert.Equal(t, long, clean(long, detailRunes))
	_, err := found(t, nil, map[string]string{"requirements.txt": "see " + long + " there!\n", "package-lock.json": `{"lockfileVersion":3,"packages":{"node_modules/` + long + `":{}}}`})
	assert.Equal(t, 2, strings.Count(err.Error(), long))
}

var _ includer = pypi.Ecosystem{} // the scanner asks for it by its methods
