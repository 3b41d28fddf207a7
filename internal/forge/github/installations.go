package github

import (
	"context"
	"errors"
	"fmt"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Installations returns the App's installations, the suspended ones included.
func (f *Forge) Installations(ctx context.Context) ([]forge.Installation, error) {
	client := f.appClient(f.apps)()
	var all []forge.Installation
	for page := 1; page != 0; {
		list, resp, err := client.Apps.ListInstallations(ctx, &gh.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return nil, f.wrap(err, "list the App's installations")
		}
		for _, in := range list {
			f.Granted(in.GetID(), in.GetPermissions().GetContents())
			all = append(all, forge.Installation{
				ID: in.GetID(), Account: in.GetAccount().GetLogin(), AccountID: in.GetAccount().GetID(),
				Created: in.GetCreatedAt().Time, Suspended: in.GetSuspendedAt().Time, All: in.GetRepositorySelection() == "all",
			})
		}
		page = resp.NextPage
	}
	return all, nil
}

// Installed reports whether there is an installation of that id.
func (f *Forge) Installed(ctx context.Context, id int64) (bool, error) {
	_, _, err := f.appClient(f.apps)().Apps.GetInstallation(ctx, id)
	err = f.wrap(err, "look for installation %d", id)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Repositories returns the repositories of an installation. To list them, and
// for nothing else, there is a token that is not for one repository: it reads
// metadata alone.
func (f *Forge) Repositories(ctx context.Context, installation int64) ([]forge.Listed, error) {
	if installation <= 0 {
		return nil, fmt.Errorf("list the repositories of installation %d: %w", installation, forge.ErrNotFound)
	}
	client := f.clientOver(&bearer{f.tokens, tokenKey{installation: installation}})
	var all []forge.Listed
	for page := 1; page != 0; {
		list, resp, err := client.Apps.ListRepos(ctx, &gh.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return nil, f.wrap(err, "list the repositories of installation %d", installation)
		}
		for _, r := range list.Repositories {
			all = append(all, forge.Listed{
				Repo: forge.Repo{ID: r.GetID(), Installation: installation, Owner: r.GetOwner().GetLogin(), Name: r.GetName(),
					Default: r.GetDefaultBranch()},
				ReadOnly: r.GetArchived() || r.GetDisabled(), Created: r.GetCreatedAt().Time, Pushed: r.GetPushedAt().Time, Open: r.GetOpenIssuesCount(),
			})
		}
		page = resp.NextPage
	}
	return all, nil
}

// OpenPulls returns the open pull requests of repo.
func (f *Forge) OpenPulls(ctx context.Context, repo forge.Repo) ([]forge.Pull, error) {
	client, err := f.client(repo, grant{pulls: read})
	if err != nil {
		return nil, fmt.Errorf("list the open pull requests of %v: %w", repo, err)
	}
	var all []forge.Pull
	// Oldest first: what is opened meanwhile moves nothing to a page that was read.
	o := &gh.PullRequestListOptions{State: "open", Sort: "created", Direction: "asc", ListOptions: gh.ListOptions{Page: 1, PerPage: pageSize}}
	for o.Page != 0 {
		list, resp, err := client.PullRequests.List(ctx, repo.Owner, repo.Name, o)
		if err != nil {
			return nil, f.wrap(err, "list the open pull requests of %v", repo)
		}
		for _, p := range list {
			if p.GetBase().GetRepo().GetID() != repo.ID {
				// The name belongs to another repository by now.
				return nil, fmt.Errorf("list the open pull requests of %v: %w", repo, forge.ErrNotFound)
			}
			all = append(all, pullOf(repo, p))
		}
		o.Page = resp.NextPage
	}
	return all, nil
}

// Checked reports whether our newest check run on sha is completed.
func (f *Forge) Checked(ctx context.Context, repo forge.Repo, sha string) (bool, error) {
	client, err := f.client(repo, grant{checks: read})
	if err != nil {
		return false, fmt.Errorf("look for our check of %v at %s: %w", repo, sha, err)
	}
	list, _, err := client.Checks.ListCheckRunsForRef(ctx, repo.Owner, repo.Name, sha, &gh.ListCheckRunsOptions{
		CheckName: gh.String(forge.CheckName), Filter: gh.String("latest"), AppID: gh.Int64(f.appID), ListOptions: gh.ListOptions{PerPage: pageSize}})
	if err != nil {
		return false, f.wrap(err, "look for our check of %v at %s", repo, sha)
	}
	var last *gh.CheckRun
	for _, r := range list.CheckRuns {
		if r.GetApp().GetID() == f.appID && r.GetName() == forge.CheckName && (last == nil || r.GetID() > last.GetID()) {
			last = r
		}
	}
	return last.GetStatus() == completed, nil
}

// MayWrite reports whether u may write to repo. A name that belongs to somebody
// else by now may not.
func (f *Forge) MayWrite(ctx context.Context, repo forge.Repo, u forge.User) (bool, error) {
	what := fmt.Sprintf("ask what %d may do in %v", u.ID, repo)
	if !f.repoName.MatchString(u.Login) {
		return false, nil // an App's bot, or nothing that may stand in an address
	}
	client, err := f.client(repo, grant{})
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	level, _, err := client.Repositories.GetPermissionLevel(ctx, repo.Owner, repo.Name, u.Login)
	err = f.wrap(err, "%s", what)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil // no such user
	}
	if err != nil {
		return false, err
	}
	may := level.GetPermission() == "admin" || level.GetPermission() == write
	return may && level.GetUser().GetID() == u.ID, nil
}
