package fakehub

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gitRunner runs git with a configuration of its own, whatever the machine has.
type gitRunner struct {
	dir string
	env []string
}

// configuration holds for all repositories, ours and those we import from.
const configuration = `[safe]
	directory = *
[init]
	defaultBranch = main
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[protocol]
	version = 2
[core]
	quotePath = false
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[diff]
	renames = true
[fetch]
	unpackLimit = 100000
[fastimport]
	unpackLimit = 100000
[user]
	name = GitHub
	email = noreply@github.example
`

func newGitRunner(dir string) (gitRunner, error) {
	file := filepath.Join(dir, "gitconfig")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		return gitRunner{}, fmt.Errorf("write git's configuration: %w", err)
	}
	return gitRunner{dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TMPDIR=" + os.TempDir(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + file, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1",
	}}, nil
}

// command prepares git in the repository at dir.
func (g gitRunner) command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(append([]string{}, g.env...), env...)
	return cmd
}

// run runs git in dir and returns what it printed; in may be nil.
func (g gitRunner) run(dir string, env []string, in io.Reader, args ...string) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd := g.command(context.Background(), dir, env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(msg.String()))
	}
	return out.Bytes(), nil
}

// git runs git in the repository.
func (r *Repo) git(args ...string) ([]byte, error) { return r.hub.git.run(r.dir, nil, nil, args...) }

// line runs git in the repository and returns its one line of output.
func (r *Repo) line(args ...string) (string, error) {
	out, err := r.git(args...)
	return strings.TrimSpace(string(out)), err
}

// lines runs git and returns its lines of output, none if it failed.
func (r *Repo) lines(args ...string) []string {
	out, err := r.git(args...)
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// isSHA reports whether s is a full object id.
func isSHA(s string) bool {
	if len(s) != 40 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// object returns the type of the object sha, or "".
func (r *Repo) object(sha string) string {
	if !isSHA(sha) {
		return ""
	}
	if t, ok := r.types[sha]; ok {
		return t
	}
	t, err := r.line("cat-file", "-t", sha)
	if err != nil {
		return ""
	}
	r.types[sha] = t
	return t
}

// tip returns the commit of a branch, or "".
func (r *Repo) tip(branch string) string {
	if branch == "" {
		return ""
	}
	return r.stored("refs/heads/" + branch)
}

// stored reads a reference where git keeps it: on its own, or packed with
// others. Asking git would be a process for each.
func (r *Repo) stored(ref string) string {
	if !filepath.IsLocal(ref) {
		return ""
	}
	if b, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(ref))); err == nil {
		if sha := strings.TrimSpace(string(b)); isSHA(sha) {
			return sha
		}
		return ""
	}
	packed, err := os.ReadFile(filepath.Join(r.dir, "packed-refs"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(packed)) {
		if sha, name, _ := strings.Cut(strings.TrimSpace(line), " "); name == ref && isSHA(sha) {
			return sha
		}
	}
	return ""
}

// resolve returns the commit that a branch, a tag, a full reference or a SHA names, or "".
func (r *Repo) resolve(rev string) string {
	if strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "^~:@{ \x00") || rev == "" {
		return ""
	}
	if sha := r.stored("refs/heads/" + rev); sha != "" {
		return sha
	}
	names := []string{"refs/tags/" + rev}
	if rev == "HEAD" || strings.HasPrefix(rev, "refs/") {
		names = append(names, rev)
	} else if strings.HasPrefix(rev, "heads/") || strings.HasPrefix(rev, "tags/") {
		names = append(names, "refs/"+rev)
	}
	if isSHA(rev) && r.stored(names[0]) == "" {
		names = nil
		if r.object(rev) == "commit" {
			return rev
		}
	}
	if len(rev) >= 7 && len(rev) <= 40 && strings.Trim(rev, "0123456789abcdef") == "" {
		names = append(names, rev)
	}
	for _, name := range names {
		if sha, err := r.line("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}"); err == nil && r.object(sha) == "commit" {
			return sha
		}
	}
	return ""
}

// mergeBase returns where two commits parted, "" if they share nothing.
func (r *Repo) mergeBase(a, b string) string {
	key := a + " " + b
	if sha, ok := r.bases[key]; ok {
		return sha
	}
	sha, err := r.line("merge-base", a, b)
	if err != nil {
		return ""
	}
	r.bases[key] = sha
	return sha
}
