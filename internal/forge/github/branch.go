package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// putBranch makes p.Branch one commit of ours on p.BaseSHA. A branch whose tip
// is anybody else's commit is forge.ErrDenied.
func (f *Forge) putBranch(ctx context.Context, c *gh.Client, repo forge.Repo, p forge.Proposal) error {
	ref := "refs/heads/" + p.Branch
	tip, err := f.branchTip(ctx, c, repo, p.Branch)
	if err != nil {
		return err
	}
	base, _, err := c.Git.GetCommit(ctx, repo.Owner, repo.Name, p.BaseSHA)
	if err != nil {
		return f.wrap(err, "read commit %s", p.BaseSHA)
	}
	tree, err := f.tree(ctx, c, repo, base.GetTree().GetSHA(), p.Files, nil)
	if err != nil {
		return err
	}
	if tip != nil && tip.GetTree().GetSHA() == tree && tip.Parents[0].GetSHA() == p.BaseSHA {
		return nil
	}
	message := strings.TrimRight(clean(p.Message), " \t\r\n") + "\n\nPullwarden-Branch: " +
		branchMAC(f.key, repo, p.Branch, tree, p.BaseSHA) + "\n"
	// Without an author GitHub names our App, and signs.
	commit, _, err := c.Git.CreateCommit(ctx, repo.Owner, repo.Name, &gh.Commit{
		Message: &message, Tree: &gh.Tree{SHA: &tree}, Parents: []*gh.Commit{{SHA: &p.BaseSHA}},
	}, nil)
	if err != nil {
		return f.wrap(err, "make the commit")
	}
	to := &gh.Reference{Ref: &ref, Object: &gh.GitObject{SHA: commit.SHA}}
	if tip == nil {
		_, _, err = c.Git.CreateRef(ctx, repo.Owner, repo.Name, to)
		return f.wrap(err, "make branch %s", p.Branch)
	}
	_, _, err = c.Git.UpdateRef(ctx, repo.Owner, repo.Name, to, true)
	return f.wrap(err, "move branch %s", p.Branch)
}

// branchTip returns the commit a branch of ours points to, or nil if there is
// no such branch.
func (f *Forge) branchTip(ctx context.Context, c *gh.Client, repo forge.Repo, branch string) (*gh.Commit, error) {
	ref, _, err := c.Git.GetRef(ctx, repo.Owner, repo.Name, "refs/heads/"+branch)
	if err = f.wrap(err, "read branch %s", branch); errors.Is(err, forge.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	tip, _, err := c.Git.GetCommit(ctx, repo.Owner, repo.Name, ref.GetObject().GetSHA())
	if err != nil {
		return nil, f.wrap(err, "read the tip of branch %s", branch)
	}
	if m := f.branchMarker.FindStringSubmatch(tip.GetMessage()); len(m) == 2 && len(tip.Parents) == 1 &&
		f.confirms(m[1], func(k finding.Key) string {
			return branchMAC(k, repo, branch, tip.GetTree().GetSHA(), tip.Parents[0].GetSHA())
		}) {
		return tip, nil
	}
	return nil, fmt.Errorf("branch %s is not ours: %w", branch, forge.ErrDenied)
}

// tree makes base with files written over it, some of them executable, and returns its SHA.
func (f *Forge) tree(ctx context.Context, c *gh.Client, repo forge.Repo, base string, files map[string][]byte, executable map[string]bool) (string, error) {
	var entries []*gh.TreeEntry
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if !takesPath(path) {
			return "", fmt.Errorf("GitHub takes no file named %q", path)
		}
		e := &gh.TreeEntry{Path: gh.String(path), Mode: gh.String("100644"), Type: gh.String("blob")}
		if executable[path] {
			e.Mode = gh.String("100755")
		}
		if content := files[path]; utf8.Valid(content) {
			e.Content = gh.String(string(content))
		} else {
			sha, err := f.blob(ctx, c, repo, content)
			if err != nil {
				return "", fmt.Errorf("store %s: %w", path, err)
			}
			e.SHA = &sha
		}
		entries = append(entries, e)
	}
	tree, _, err := c.Git.CreateTree(ctx, repo.Owner, repo.Name, base, entries)
	if err != nil {
		return "", f.wrap(err, "make the tree")
	}
	return tree.GetSHA(), nil
}

func (f *Forge) blob(ctx context.Context, c *gh.Client, repo forge.Repo, content []byte) (string, error) {
	b, _, err := c.Git.CreateBlob(ctx, repo.Owner, repo.Name, &gh.Blob{
		Content: gh.String(base64.StdEncoding.EncodeToString(content)), Encoding: gh.String("base64")})
	if err != nil {
		return "", f.wrap(err, "make a blob")
	}
	return b.GetSHA(), nil
}
