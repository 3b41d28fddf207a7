package github

import (
	"context"
	"fmt"
	"net/url"
	"regexp"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
)

// maxFile is how much GitHub's contents API gives in full.
const maxFile = 1 << 20

var sha = regexp.MustCompile(`^[0-9a-f]{40}$`)

// ReadFile returns a file at rev, a branch or a SHA; "" is the default
// branch. GitHub follows a symbolic link to a file of the same repository.
func (f *Forge) ReadFile(ctx context.Context, repo forge.Repo, rev, path string) ([]byte, error) {
	what := fmt.Sprintf("read %s of %v at %s", path, repo, rev)
	c, err := f.client(repo, grant{contents: read})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if rev != "" && !sha.MatchString(rev) {
		rev = "refs/heads/" + rev // no tag of that name; and GitHub lets no branch be named like this
	}
	file, _, _, err := c.Repositories.GetContents(ctx, repo.Owner, repo.Name, path, &gh.RepositoryContentGetOptions{Ref: rev})
	if err != nil {
		return nil, f.wrap(err, "%s", what)
	}
	text, err := content(file, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return text, nil
}

// content is that of a file; nil stands for a directory.
func content(file *gh.RepositoryContent, path string) ([]byte, error) {
	switch {
	case file == nil:
		return nil, &forge.IrregularError{Path: path, Type: "directory"}
	case file.GetType() != "file":
		return nil, &forge.IrregularError{Path: path, Type: file.GetType()}
	case file.GetSize() > maxFile || file.GetEncoding() == "none":
		return nil, &forge.IrregularError{Path: path, Type: forge.TooLarge}
	}
	text, err := file.GetContent()
	return []byte(text), err
}

// Tip returns the SHA of a branch; "" is the default branch.
func (f *Forge) Tip(ctx context.Context, repo forge.Repo, branch string) (string, error) {
	c, err := f.client(repo, grant{contents: read})
	if err != nil {
		return "", fmt.Errorf("find the tip of %s: %w", branch, err)
	}
	if branch == "" {
		r, _, err := c.Repositories.Get(ctx, repo.Owner, repo.Name)
		if err != nil {
			return "", f.wrap(err, "find the default branch of %v", repo)
		}
		branch = r.GetDefaultBranch()
	}
	ref, _, err := c.Git.GetRef(ctx, repo.Owner, repo.Name, "heads/"+branch)
	if err != nil {
		return "", f.wrap(err, "find the tip of %s in %v", branch, repo)
	}
	return ref.GetObject().GetSHA(), nil
}

// Remote returns where to fetch repo, with a token that can only read it.
func (f *Forge) Remote(ctx context.Context, repo forge.Repo) (git.Remote, error) {
	if _, err := f.client(repo, grant{}); err != nil {
		return git.Remote{}, fmt.Errorf("fetch %v: %w", repo, err)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	token, err := f.tokens.get(ctx, tokenKey{installation: repo.Installation, repo: repo.ID, grant: grant{contents: read}}, "")
	if err != nil {
		return git.Remote{}, fmt.Errorf("fetch %v: %w", repo, err)
	}
	return git.NewRemote(f.git+"/"+url.PathEscape(repo.Owner)+"/"+url.PathEscape(repo.Name)+".git", token), nil
}
