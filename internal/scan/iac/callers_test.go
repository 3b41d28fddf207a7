package iac

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

const input = "variable \"c\" {\n  default = [\"10.0.0.0/8\"]\n}\n"

// opensTo is a rule that is open to what an expression says.
func opensTo(cidrs string) string {
	return strings.Replace(openRule, `["0.0.0.0/0"]`, cidrs, 1)
}

func calls(source, cidrs string) string {
	return "module \"m\" {\n  source = \"" + source + "\"\n  c = " + cidrs + "\n}\n"
}

func with(tree fstest.MapFS, paths ...string) fstest.MapFS {
	out := maps.Clone(tree)
	maps.Copy(out, files(paths...))
	return out
}

// TestCallers holds that a change in a module counts for whoever calls it,
// wherever that is, and that what callers had wrong before is no news.
func TestCallers(t *testing.T) {
	const world = `["0.0.0.0/0"]`
	closed := input + opensTo(`["10.0.0.0/8"]`)
	own := strings.ReplaceAll(openRule, "ssh", "own")
	for _, c := range []struct {
		name          string
		before, after fstest.MapFS
		want          string
	}{
		{"a caller beside", files("modules/sg/main.tf", closed, "envs/prod/main.tf", calls("../../modules/sg", world)+own),
			files("modules/sg/main.tf", input+opensTo("var.c")), "modules/sg/main.tf:10 high iac/AWS-0107\n"},
		{"a caller of a caller", files("modules/sg/main.tf", closed, "modules/app/main.tf", input+calls("../sg", "var.c"), "envs/prod/main.tf", calls("../../modules/app", world)+own),
			files("modules/sg/main.tf", input+opensTo("var.c")), "modules/sg/main.tf:10 high iac/AWS-0107\n"},
		{"a caller below", files("main.tf", closed, "examples/x/main.tf", calls("../..", world)),
			files("main.tf", input+opensTo("var.c")), "main.tf:10 high iac/AWS-0107\n"},
		{"a source in unusual words", files("modules/sg/main.tf", closed, "envs/prod/main.tf", strings.Replace(calls("../../modules/sg", world), "= \"../..", "= /**/ \"\\u002e./..", 1)),
			files("modules/sg/main.tf", input+opensTo("var.c")), "modules/sg/main.tf:10 high iac/AWS-0107\n"},
		{"a caller in JSON", files("modules/sg/main.tf", closed, "envs/prod/main.tf.json", `{"module": {"m": {"source": "../../modules/sg", "c": ["0.0.0.0/0"]}}}`),
			files("modules/sg/main.tf", input+opensTo("var.c")), "modules/sg/main.tf:10 high iac/AWS-0107\n"},
		{"the first variable", files("modules/sg/main.tf", opensTo(`["10.0.0.0/8"]`), "envs/prod/main.tf", calls("../../modules/sg", world)+own),
			files("modules/sg/main.tf", input+opensTo("var.c")), "modules/sg/main.tf:10 high iac/AWS-0107\n"},
		{"an output", files("modules/x/main.tf", "output \"c\" {\n  value = [\"10.0.0.0/8\"]\n}\n", "envs/prod/main.tf", strings.Replace(calls("../../modules/x", "1"), "  c = 1\n", "", 1)+opensTo("module.m.c")),
			files("modules/x/main.tf", "output \"c\" {\n  value = [\"0.0.0.0/0\"]\n}\n"), "envs/prod/main.tf:10 high iac/AWS-0107\n"},
		{"somebody else", files("modules/sg/main.tf", closed, "envs/prod/main.tf", calls("../../modules/gs", world)+own), files("modules/sg/main.tf", input+opensTo("var.c")), ""},
		{"three calls down", files("main.tf", calls("./a", `["10.0.0.0/8"]`), "a/main.tf", input+calls("./b", "var.c"), "a/b/main.tf", input+calls("./c", "var.c"), "a/b/c/main.tf", input+opensTo("var.c")),
			files("main.tf", calls("./a", world)), "a/b/c/main.tf:10 high iac/AWS-0107\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := maps.Clone(c.before)
			maps.Copy(after, c.after)
			assert.Equal(t, c.want, lines(run(t, c.before, after), "AWS-0107"))
		})
	}
}

// crowd is a tree of many directories with one Terraform file each, listed quickly.
type crowd struct {
	fstest.MapFS
	size int
	text string // of each file
}

func (c crowd) ReadDir(p string) ([]fs.DirEntry, error) {
	if p != "envs" {
		return c.MapFS.ReadDir(p)
	}
	out := make([]fs.DirEntry, c.size)
	for i := range out {
		out[i] = entry{name: fmt.Sprint("e", i), dir: true}
	}
	return out, nil
}

// TestCallersOfManyDirectories holds that callers are found among thousands of
// directories, and that only callers beyond the bounds make a run incomplete.
func TestCallersOfManyDirectories(t *testing.T) {
	inspect := func(c crowd) scan.Report {
		for i := range c.size {
			c.MapFS[fmt.Sprintf("envs/e%d/main.tf", i)] = &fstest.MapFile{Data: []byte(c.text)}
		}
		blob := change.HashBlob(c.MapFS["modules/sg/main.tf"].Data)
		contents := &contents{blobs: map[string][]byte{blob: c.MapFS["modules/sg/main.tf"].Data}, fetched: map[string]bool{blob: true}}
		report, err := loaded.Inspect(t.Context(), scan.Snapshot{Side: scan.After, Tree: c, Contents: contents, Touched: []string{"modules/sg/main.tf"},
			Files: []change.File{{Path: "modules/sg/main.tf", NewBlob: blob}}})
		require.NoError(t, err)
		return report
	}
	tree := func() fstest.MapFS {
		return files("modules/sg/main.tf", input+opensTo("var.c"), "zone/prod/main.tf", calls("../../modules/sg", `["0.0.0.0/0"]`))
	}
	report := inspect(crowd{tree(), 600, "# nothing\n"})
	assert.Empty(t, report.Incomplete)
	require.NotEmpty(t, report.Findings, "the caller after them is found")
	assert.Equal(t, "modules/sg/main.tf:10", report.Findings[0].At.String())

	report = inspect(crowd{tree(), maxOthers + 1, "# nothing\n"})
	assert.Equal(t, []change.Skip{{Path: "modules/sg", Why: whyOthers}}, report.Incomplete)

	report = inspect(crowd{tree(), maxCallers + 2, calls("../../modules/sg", "[]")})
	assert.Equal(t, []change.Skip{{Path: "modules/sg", Why: whyCallers}}, report.Incomplete)
}

// TestNestedTooDeeply holds that a module is named that is called through so
// many others that it was not fetched.
func TestNestedTooDeeply(t *testing.T) {
	tree := files("main.tf", "module \"m\" {\n  source = \"./a\"\n}\n")
	for _, dir := range []string{"a", "a/b", "a/b/c", "a/b/c/d"} {
		tree[dir+"/main.tf"] = &fstest.MapFile{Data: []byte(calls("./"+dir[len(dir)-1:], "1"))}
	}
	for from, to := range map[string]string{"a": "b", "a/b": "c", "a/b/c": "d"} {
		tree[from+"/main.tf"] = &fstest.MapFile{Data: []byte(calls("./"+to, "1"))}
	}
	tree["a/b/c/d/main.tf"] = &fstest.MapFile{Data: []byte(openRule)}
	fetched := map[string]bool{}
	blobs := &contents{blobs: map[string][]byte{}, fetched: fetched}
	for p, f := range tree {
		blobs.blobs[change.HashBlob(f.Data)] = f.Data
		fetched[change.HashBlob(f.Data)] = !strings.HasPrefix(p, "a/b/c/")
	}
	report, _ := loaded.Inspect(t.Context(), scan.Snapshot{Side: scan.After, Tree: remote{tree, fetched}, Contents: blobs, Touched: []string{"main.tf"},
		Files: []change.File{{Path: "main.tf", NewBlob: change.HashBlob(tree["main.tf"].Data)}}})
	assert.Equal(t, []change.Skip{{Path: "a/b/c", Why: "modules nested deeper than 2 are not inspected"}}, report.Incomplete)
}

// unlisted is a tree of which most directories were not fetched.
type unlisted struct{ fstest.MapFS }

func (u unlisted) ReadDir(p string) ([]fs.DirEntry, error) {
	if strings.HasPrefix(p, "far") {
		return nil, &change.MissingError{Path: p, Why: "was not fetched"}
	}
	return u.MapFS.ReadDir(p)
}

// TestCallersOfLargeRepositories holds that a repository whose directories are
// fetched as they are needed is not fetched whole to find callers.
func TestCallersOfLargeRepositories(t *testing.T) {
	after := files("near/main.tf", input, "near/x/main.tf", calls("..", "1"), "far/main.tf", calls("../near", "1"), "other/main.tf", "")
	c := &change.Change{Before: change.Empty(), After: unlisted{after}, Files: []change.File{{Path: "near/main.tf", Kind: change.Added}}}
	assert.NotContains(t, loaded.Wants(c), "other/main.tf")
}
