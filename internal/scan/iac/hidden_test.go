package iac

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const openPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  hostPID: true\n"

// checkout is a tree as git has it: a link is a file that says where it leads to.
type checkout struct{ fstest.MapFS }

func (c checkout) ReadFile(p string) ([]byte, error) {
	if f := c.MapFS[p]; f != nil {
		return f.Data, nil
	}
	return nil, &fs.PathError{Op: "read", Path: p, Err: fs.ErrNotExist}
}

func (c checkout) Lstat(p string) (fs.FileInfo, error)     { return c.MapFS.Lstat(p) }
func (c checkout) Stat(p string) (fs.FileInfo, error)      { return c.MapFS.Lstat(p) }
func (c checkout) ReadLink(p string) (string, error)       { return c.MapFS.ReadLink(p) }
func (c checkout) ReadDir(p string) ([]fs.DirEntry, error) { return c.MapFS.ReadDir(p) }

// links are files of which those that say "-> x" are links to x.
func links(paths ...string) fstest.MapFS {
	out := files(paths...)
	for _, f := range out {
		if to, ok := strings.CutPrefix(string(f.Data), "-> "); ok {
			f.Data, f.Mode = []byte(to), fs.ModeSymlink|0o777
		}
	}
	return out
}

// pull scans what turns before into after, links included.
func pull(t *testing.T, before, after fstest.MapFS) finding.Result {
	t.Helper()
	plain := func(tree fstest.MapFS) fstest.MapFS {
		out := fstest.MapFS{}
		for p, f := range tree {
			out[p] = &fstest.MapFile{Data: f.Data}
		}
		return out
	}
	c, err := change.Between(t.Context(), plain(before), plain(after))
	require.NoError(t, err)
	c.Before, c.After = checkout{before}, checkout{after}
	for i, f := range c.Files {
		if side := after[f.Path]; side != nil {
			c.Files[i].Mode = side.Mode
		} else {
			c.Files[i].Mode = before[f.Path].Mode
		}
	}
	return scan.Run(t.Context(), []scan.Scanner{loaded}, c, scan.Options{})
}

func lines(r finding.Result, rules ...string) string {
	var b strings.Builder
	for line := range strings.Lines(summary(r)) {
		if strings.HasPrefix(line, "error: ") || slices.ContainsFunc(rules, func(id string) bool { return strings.HasSuffix(line, " iac/"+id+"\n") }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestLinks holds that a link is what it leads to, within the repository.
func TestLinks(t *testing.T) {
	const all = "AWS-0107 DS-0002 KSV-0010"
	for _, c := range []struct {
		name          string
		before, after fstest.MapFS
		want          string
	}{
		{"new files under other names", nil, links("live/main.tf", "-> ../net.txt", "net.txt", openRule,
			"Dockerfile", "-> docker/df.txt", "docker/df.txt", "FROM a:1\nUSER root\n", "pod.yaml", "-> ./pod.txt", "pod.txt", openPod),
			"docker/df.txt:2 high iac/DS-0002\nnet.txt:7 high iac/AWS-0107\npod.txt:5 high iac/KSV-0010\n"},
		{"links to what was there", links("net.txt", openRule, "pod.txt", openPod), links("main.tf", "-> net.txt", "net.txt", openRule, "pod.yaml", "-> pod.txt", "pod.txt", openPod),
			"main.tf:1 high iac/AWS-0107\npod.yaml:1 high iac/KSV-0010\n"},
		{"a link to a link through a linked directory", links("real/deep/p", openPod), links("real/deep/p", openPod, "dir", "-> real/deep", "b", "-> dir/p", "pod.yaml", "-> b"),
			"pod.yaml:1 high iac/KSV-0010\n"},
		{"a module behind a linked directory", nil, links("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n", "m", "-> hidden/x", "hidden/x/net.tf", "-> ../net", "hidden/net", openRule),
			"hidden/net:7 high iac/AWS-0107\n"},
		{"the same twice", nil, links("a.yaml", openPod, "b.yaml", "-> a.yaml"), "a.yaml:5 high iac/KSV-0010\n"},
		{"a file that becomes a link", links("pod.yaml", openPod), links("pod.yaml", "-> p.txt", "p.txt", openPod), "p.txt:5 high iac/KSV-0010\n"},
		{"a link that becomes a file", links("pod.yaml", "-> p.txt", "p.txt", openPod), links("pod.yaml", openPod, "p.txt", openPod), ""},
		{"untouched links in a touched module", links("live/main.tf", "-> ../net.txt", "net.txt", openRule, "live/a.tf", "# a\n"), links("live/main.tf", "-> ../net.txt", "net.txt", openRule, "live/a.tf", "# b\n"), ""},
		{"links out of the repository", nil, links("main.tf", "-> /etc/net.tf", "pod.yaml", "-> ../pod.yaml", "a/Dockerfile", "-> ../../x/../Dockerfile"),
			"error: a/Dockerfile: a symbolic link out of the repository, not inspected\nerror: pod.yaml: a symbolic link out of the repository, not inspected\nerror: main.tf: a symbolic link out of the repository, not inspected\n"},
		{"links to nothing", nil, links("main.tf", "-> net.txt", "pod.yaml", "-> dir", "dir/x", ""),
			"error: pod.yaml: a symbolic link to nothing in the repository, not inspected\nerror: main.tf: a symbolic link to nothing in the repository, not inspected\n"},
		{"links to themselves", nil, links("main.tf", "-> main.tf", "a.yaml", "-> b.yaml", "b.yaml", "-> a.yaml"),
			"error: a.yaml: a symbolic link to itself or through too many others, not inspected\nerror: b.yaml: a symbolic link to itself or through too many others, not inspected\nerror: main.tf: a symbolic link to itself or through too many others, not inspected\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, lines(pull(t, c.before, c.after), strings.Fields(all)...))
		})
	}
	f := only(t, pull(t, links("net.txt", openRule), links("main.tf", "-> net.txt", "net.txt", openRule)), "iac/AWS-0107")
	assert.Contains(t, f.Message, "(net.txt:7)")
}

// TestWantsOfLinks holds that what links lead to is asked for.
func TestWantsOfLinks(t *testing.T) {
	after := links("live/main.tf", "-> ../net.txt", "net.txt", openRule, "live/a.tf", "# b\n", "pod.yaml", "-> p/q", "p", "-> r", "r/q", openPod, "other.txt", "")
	c := &change.Change{Before: change.Empty(), After: checkout{after}, Files: []change.File{
		{Path: "live/a.tf", Kind: change.Added}, {Path: "pod.yaml", Kind: change.Added, Mode: fs.ModeSymlink}}}
	assert.Equal(t, []string{"live/a.tf", "live/main.tf", "net.txt", "r/q"}, loaded.Wants(c))
}

// TestBooleans holds that manifests are read by YAML 1.1, as Kubernetes reads them.
func TestBooleans(t *testing.T) {
	for value, open := range map[string]bool{
		"true": true, "True": true, "TRUE": true, "yes": true, "Yes": true, "YES": true, "y": true, "Y": true, "on": true, "On": true, "ON": true,
		"!!bool yes": true, `!!bool "on"`: true, "&a yes": true,
		"false": false, "no": false, "off": false, "n": false, `"yes"`: false, "'true'": false, "!!str yes": false, "yeS": false, "1": false,
	} {
		got := lines(run(t, change.Empty(), files("pod.yaml", strings.Replace(openPod, "true", value, 1))), "KSV-0010")
		if assert.NotContains(t, got, "error", value); open {
			assert.Equal(t, "pod.yaml:5 high iac/KSV-0010\n", got, value)
		} else {
			assert.Empty(t, got, value)
		}
	}
}

// TestNamed holds that what could be a manifest or a Dockerfile is looked at,
// or else named; and that what is neither is left alone.
func TestNamed(t *testing.T) {
	indent := func(s string) string { return strings.ReplaceAll("  "+s, "\n", "\n  ") }
	list := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  -\n" + indent(indent(openPod))
	const root = "FROM a:1\nUSER root\n"
	const broken = "name: {{ .Values.name\n"
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"JSON", files("pod.json", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},`+"\n\t"+`"spec": {"hostPID": true}}`), "pod.json:2 high iac/KSV-0010\n"},
		{"a list in a list", files("l.yaml", list), "l.yaml:12 high iac/KSV-0010\n"},
		{"a list that is not called one", files("l.yaml", "apiVersion: v1\nkind: All\nitems:\n-\n"+indent(openPod)), "l.yaml:9 high iac/KSV-0010\n"},
		{"a list of pods", files("l.yaml", "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n  spec: {hostPID: true}\n"), "l.yaml:5 high iac/KSV-0010\n"},
		{"Dockerfiles of many names", files("Dockerfile-prod", root, "Dockerfile_prod", root, "a/dockerfile", root, "containerfile.x", root, "x.Dockerfile", root),
			"Dockerfile-prod:2 high iac/DS-0002\nDockerfile_prod:2 high iac/DS-0002\na/dockerfile:2 high iac/DS-0002\ncontainerfile.x:2 high iac/DS-0002\nx.Dockerfile:2 high iac/DS-0002\n"},
		{"a user by argument", files("Dockerfile", "FROM a:1\nARG U=root\nUSER ${U}\n"), "Dockerfile:3 high iac/DS-0002\n"},
		{"broken Dockerfiles", files("Dockerfile", "COPY", "x.Dockerfile", "hello world", "a/Containerfile", "?"),
			"error: Dockerfile:1: cannot be read as a Dockerfile\nerror: a/Containerfile:1: cannot be read as a Dockerfile\nerror: x.Dockerfile:1: cannot be read as a Dockerfile\n"},
		{"what is named after Dockerfiles", files("Dockerfile.j2", "{{ x }}", "Dockerfile.md", "# How", "dockerfile.txtar", "-- a --\n", "Dockerfile.prod", "{% if %}", "dockerfile-notes", "hello", "dockerfile_test.go", "package a"), ""},
		{"braces in a comment", files("pod.yaml", "# {{\n"+openPod+"x: y: [\n"), "error: pod.yaml:7: cannot be read as YAML\n"},
		{"a directory called templates", files("templates/pod.yaml", openPod+broken), "error: templates/pod.yaml:5: cannot be read as YAML\n"},
		{"a chart", files("c/Chart.yaml", "apiVersion: v2\nname: c\n", "c/templates/a/pod.yaml", openPod+broken, "c/templates/b.yaml", openPod+"x: {{ .Values.x }}\n"), ""},
		{"a key that is no word", files("p.yaml", openPod+"? [a]\n: b\n"), "error: p.yaml:1: YAML with keys that are no words, not inspected\n"},
		{"prose about manifests", files("p.yaml", "text: |\n  set apiVersion: and kind\n- [\n"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, lines(run(t, change.Empty(), c.files), "KSV-0010", "DS-0002"))
		})
	}
}

// TestRemoteModules holds that what is not in the repository is named once, quietly.
func TestRemoteModules(t *testing.T) {
	secret := "hunter2" + "hunter2"
	call := func(name, source string) string {
		return "module \"" + name + "\" {\n  source = \"" + source + "\"\n}\n"
	}
	before := files("main.tf", call("old", "acme/old/aws"))
	r := run(t, before, files("main.tf", call("old", "acme/old/aws")+call("a", "git::https://dev:"+secret+"@git.example/a.git")+call("b", "acme/b/aws")+call("c", "./c"),
		"c/main.tf", "# empty\n"))
	assert.Equal(t, "main.tf:5 info iac/remote-module\nmain.tf:8 info iac/remote-module\n", summary(r))
	for _, f := range r.Findings {
		assert.NotContains(t, f.Message, secret)
	}
}

// TestMessagesAreWhole holds that a message is long enough for a secret in it to be recognised.
func TestMessagesAreWhole(t *testing.T) {
	end := "the" + "end"
	name := strings.Repeat("x", 400) + end
	r := run(t, change.Empty(), files("pod.yaml", strings.Replace(openPod, "name: a", "name: "+name, 1)))
	assert.Contains(t, only(t, r, "iac/KSV-0010").Message, end)
}
