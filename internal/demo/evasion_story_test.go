package demo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// A story is a history of commits, written down before it becomes one of git.
// Commits have labels; the branch that is to be merged ends with the latest.
type story struct {
	chapters []*chapter
	by       map[string]*chapter
	onto     string // label of the base branch's tip
	at       string // label of the present commit; "" before the first
}

// A chapter is one commit.
type chapter struct {
	label   string
	parents []string
	puts    tree
	modes   modes
	gone    []string
	tree    tree // all that is there afterwards
	sha     string
}

// tree are contents by path, any bytes.
type tree map[string]string

// modes are the modes of paths that are no plain files.
type modes map[string]string

const (
	runnable  = "100755"
	symlink   = "120000"
	submodule = "160000"
)

func newStory() *story { return &story{by: map[string]*chapter{}} }

// base begins the story: what the base branch has when the pull request parts from it.
func (s *story) base(files tree) *story {
	s.commit("base", files)
	s.onto = "base"
	return s
}

// commit adds a commit on the present one. Beside files it takes modes, and
// paths to delete as gone.
func (s *story) commit(label string, files tree, more ...any) *story {
	var parents []string
	if s.at != "" {
		parents = []string{s.at}
	}
	return s.merge(label, parents, files, more...)
}

// gone are paths that a commit deletes; a directory goes with all in it.
type gone []string

// merge adds a commit with any parents, none for a root. Its tree is that of
// the first one, with files.
func (s *story) merge(label string, parents []string, files tree, more ...any) *story {
	c := &chapter{label: label, parents: parents, puts: files, tree: tree{}}
	if len(parents) > 0 {
		maps.Copy(c.tree, s.by[parents[0]].tree)
	}
	for _, m := range more {
		switch m := m.(type) {
		case modes:
			c.modes = m
		case gone:
			c.gone = m
		}
	}
	for _, g := range c.gone {
		maps.DeleteFunc(c.tree, func(p, _ string) bool { return p == g || strings.HasPrefix(p, g+"/") })
	}
	maps.Copy(c.tree, files)
	if s.by[label] != nil {
		panic("two commits " + label)
	}
	s.chapters, s.by[label], s.at = append(s.chapters, c), c, label
	return s
}

// from makes another commit the present one; "" goes before the first.
func (s *story) from(label string) *story {
	s.at = label
	return s
}

// moved puts commits on the base branch after the pull request parted from it.
func (s *story) moved(files tree) *story {
	head := s.at
	s.from(s.onto).commit("moved", files)
	s.onto, s.at = "moved", head
	return s
}

// lineOf returns the line of the first occurrence of text in a file of a commit.
func (s *story) lineOf(t *testing.T, label, path, text string) int {
	content, ok := s.by[label].tree[path]
	require.True(t, ok, "%s has no %q", label, path)
	before, _, ok := strings.Cut(content, text)
	require.True(t, ok, "%q is not in %s", text, path)
	return strings.Count(before, "\n") + 1
}

// write makes git commits of the story in the bare repository at dir.
func (s *story) write(t *testing.T, dir, ref string) {
	var in bytes.Buffer
	marks := map[string]int{}
	for i, c := range s.chapters {
		n := i + 1
		marks[c.label] = n
		if len(c.parents) == 0 {
			fmt.Fprintf(&in, "reset refs/told/%s\n", ref)
		}
		fmt.Fprintf(&in, "commit refs/told/%s\nmark :%d\n", ref, n)
		fmt.Fprintf(&in, "author dev <dev@example.com> %d +0000\ncommitter dev <dev@example.com> %d +0000\n", 1750000000+60*n, 1750000000+60*n)
		fmt.Fprintf(&in, "data %d\n%s\n", len(c.label), c.label)
		for j, p := range c.parents {
			fmt.Fprintf(&in, "%s :%d\n", []string{"from", "merge"}[min(j, 1)], marks[p])
		}
		for _, g := range c.gone {
			fmt.Fprintf(&in, "D %s\n", quotedPath(g))
		}
		for _, p := range slices.Sorted(maps.Keys(c.puts)) {
			mode := c.modes[p]
			if mode == submodule {
				fmt.Fprintf(&in, "M %s %s %s\n", mode, c.puts[p], quotedPath(p))
				continue
			}
			if mode == "" {
				mode = "100644"
			}
			fmt.Fprintf(&in, "M %s inline %s\ndata %d\n%s\n", mode, quotedPath(p), len(c.puts[p]), c.puts[p])
		}
		in.WriteByte('\n')
	}
	list := filepath.Join(t.TempDir(), "marks")
	cmd := exec.Command("git", "-c", "safe.directory=*", "-c", "fastimport.unpackLimit=500", "-C", dir,
		"fast-import", "--quiet", "--force", "--export-marks="+list)
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	cmd.Stdin = &in
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for line := range strings.Lines(readText(t, list)) {
		var n int
		var sha string
		_, err := fmt.Sscanf(line, ":%d %s", &n, &sha)
		require.NoError(t, err)
		s.chapters[n-1].sha = sha
	}
}

// quotedPath writes a path for fast-import, which takes any byte in octal.
func quotedPath(p string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(p) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03o", c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}

// Secrets are made from a seed, so that they differ from case to case and are
// no literals of this repository.

// awsKey is an access key id of the shape that AWS gives out.
func awsKey(seed string) string {
	sum := sha256.Sum256([]byte("aws" + seed))
	sum[0] = sum[0]&0x3f | 0x80 // of a low account
	return "AKI" + "A" + base32.StdEncoding.EncodeToString(sum[:10])
}

// githubToken is a personal access token of the shape that GitHub gives out.
func githubToken(seed string) string {
	sum := sha256.Sum256([]byte("github" + seed))
	body := hex.EncodeToString(sum[:15])
	return "gh" + "p_" + body + demo.Checksum(body)
}

// privateKey are the lines of a private key, the first and last ones included:
// of one that is encrypted, so that nobody can tell it from random bytes.
func privateKey(seed string) []string {
	lines := []string{"-----BEGIN RSA " + "PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,4F1C2D3E4B5A69788796A5B4C3D2E1F0", ""}
	for i := range 10 {
		sum := sha256.Sum256(fmt.Append(nil, "key", seed, i))
		more := sha256.Sum256(sum[:])
		lines = append(lines, base64.StdEncoding.EncodeToString(append(sum[:], more[:16]...)))
	}
	return append(lines, "-----END RSA "+"PRIVATE KEY-----")
}

// numbered is a file of n lines that say nothing.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d says nothing\n", i+1)
	}
	return b.String()
}
