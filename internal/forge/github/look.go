package github

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A review takes few calls, because each costs its reader a tenth of a second
// and its installation a point: what a review starts from is one GraphQL query,
// what stands on GitHub when it posts is another. What does not fit on the
// first page of either is asked for as REST does, page by page.

// sight is what Seen.Ours is here.
type sight struct {
	at      int64 // number of the latest write of ours before it
	runs    []run
	allRuns bool // no further pages
	threads []thread
	others  []remark // of other bots
	whole   bool     // the threads were looked at, and there are no further pages
}

// A run is a check run of ours.
type run struct {
	id             int64
	completed      bool
	external       string
	title, summary string
	notes          int
}

func runOf(r *gh.CheckRun) run {
	o := r.GetOutput()
	return run{id: r.GetID(), completed: r.GetStatus() == completed, external: r.GetExternalID(),
		title: o.GetTitle(), summary: o.GetSummary(), notes: o.GetAnnotationsCount()}
}

const runsPart = `checkSuites(first: 5, filterBy: {appId: $app}) {
  pageInfo { hasNextPage }
  nodes { checkRuns(first: 50, filterBy: {appId: $app, checkName: $check, checkType: ALL}) {
    pageInfo { hasNextPage }
    nodes { databaseId name status externalId title summary annotations(first: 1) { totalCount } }
  } }
}`

const pullPart = `fullDatabaseId number title state merged isDraft isCrossRepository url updatedAt
author { login ... on User { databaseId } ... on Bot { databaseId } ... on Organization { databaseId } }
baseRefName baseRefOid headRefName headRefOid repository { databaseId }`

// writtenPart asks when the lines of a file were written. It is a field of its
// own beside the branch: what GitHub cannot tell of a file that does not
// exist is an error there and nowhere else.
const (
	writtenField = "written"
	writtenPart  = writtenField + `: defaultBranchRef { target { ... on Commit {
      blame(path: $path%d) { ranges { startingLine endingLine commit { committedDate } } }
    } } }`
)

type writtenAnswer struct {
	Target *struct {
		Blame *struct {
			Ranges []struct {
				StartingLine, EndingLine int
				Commit                   struct{ CommittedDate time.Time }
			}
		}
	}
}

// longestDated is how many lines of a file have a date.
const longestDated = 100_000

// lines returns when each line was written; nil if that is not known.
func (a *writtenAnswer) lines() (out []time.Time) {
	if a == nil || a.Target == nil || a.Target.Blame == nil {
		return nil
	}
	for _, r := range a.Target.Blame.Ranges {
		for line := r.StartingLine; line <= min(r.EndingLine, longestDated) && line == len(out)+1; line++ {
			out = append(out, r.Commit.CommittedDate)
		}
	}
	return out
}

// What a review of a pull request starts from, and one of a merge group.
const (
	beginPull = `pullRequest(number: $number) {
      ` + pullPart + `
      commits(last: 1) { nodes { commit { oid ` + runsPart + ` } } }
    }`
	beginGroup = `object(oid: $sha) { ... on Commit { ` + runsPart + ` } }`
)

// beginQuery asks for n files as file0, file1 …, and for what begins a review.
func beginQuery(n int, parameter, begins string) string {
	parameters, files := filesPart(n)
	if n > 0 {
		files += "\n    " + fmt.Sprintf(writtenPart, n-1)
	}
	return `query($owner: String!, $name: String!, ` + parameter + `, $app: Int!, $check: String!` + parameters + `) {
  repository(owner: $owner, name: $name) {
    databaseId name owner { login }
    ` + files + `
    ` + begins + `
  }
}`
}

const lookQuery = `query($owner: String!, $name: String!, $number: Int!, $sha: GitObjectID!, $app: Int!, $check: String!, $threads: Boolean!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    databaseId name owner { login } defaultBranchRef { name }
    object(oid: $sha) { ... on Commit {
      associatedPullRequests(first: 50) { pageInfo { hasNextPage } nodes { ` + pullPart + ` } }
      ` + runsPart + `
    } }
    pullRequest(number: $number) @include(if: $threads) { ` + threadsPart + ` }
  }
}`

type page struct {
	HasNextPage bool
	EndCursor   string
}

type runsAnswer struct {
	PageInfo page
	Nodes    []struct {
		CheckRuns struct {
			PageInfo page
			Nodes    []struct {
				DatabaseID     int64 `json:"databaseId"`
				Name, Status   string
				ExternalID     string `json:"externalId"`
				Title, Summary string
				Annotations    struct{ TotalCount int }
			}
		}
	}
}

// runs returns our runs, newest first, and whether they are all.
func (a runsAnswer) runs() (out []run, all bool) {
	all = !a.PageInfo.HasNextPage
	for _, suite := range a.Nodes {
		all = all && !suite.CheckRuns.PageInfo.HasNextPage
		for _, r := range suite.CheckRuns.Nodes {
			if r.Name == forge.CheckName {
				out = append(out, run{id: r.DatabaseID, completed: r.Status == "COMPLETED", external: r.ExternalID,
					title: r.Title, summary: r.Summary, notes: r.Annotations.TotalCount})
			}
		}
	}
	slices.SortFunc(out, func(a, b run) int { return cmp.Compare(b.id, a.id) })
	return out, all
}

type pullAnswer struct {
	FullDatabaseID                     bigInt `json:"fullDatabaseId"`
	Number                             int
	Title, State, URL                  string
	Merged, IsDraft, IsCrossRepository bool
	UpdatedAt                          time.Time
	Author                             *struct {
		Login      string
		DatabaseID int64 `json:"databaseId"`
	}
	BaseRefName, BaseRefOid, HeadRefName, HeadRefOid string
	Repository                                       struct {
		DatabaseID int64 `json:"databaseId"`
	}
}

func (a pullAnswer) pull(repo forge.Repo) forge.Pull {
	p := forge.Pull{
		PullRef: forge.PullRef{Repo: repo, Number: a.Number}, ID: int64(a.FullDatabaseID), Title: a.Title,
		BaseRef: a.BaseRefName, BaseSHA: a.BaseRefOid, HeadRef: a.HeadRefName, HeadSHA: a.HeadRefOid,
		Fork: a.IsCrossRepository, Draft: a.IsDraft, Open: a.State == "OPEN", Merged: a.Merged, URL: a.URL, Updated: a.UpdatedAt,
	}
	if a.Author != nil {
		p.Author = forge.User{ID: a.Author.DatabaseID, Login: a.Author.Login}
	}
	return p
}

// repositoryAnswer is what both queries ask of the repository itself.
type repositoryAnswer struct {
	DatabaseID       int64 `json:"databaseId"`
	Name             string
	Owner            struct{ Login string }
	DefaultBranchRef *struct {
		Name   string
		Target map[string]json.RawMessage // the files, by the names that the query gives them
	}
	Written *writtenAnswer
}

// present returns repo under its present name. The name that was asked for may
// belong to another one by now.
func (a *repositoryAnswer) present(repo forge.Repo) (forge.Repo, error) {
	if a.DatabaseID != repo.ID {
		return repo, fmt.Errorf("%w: %v is repository %d, not %d", forge.ErrNotFound, repo, a.DatabaseID, repo.ID)
	}
	repo.Owner, repo.Name = a.Owner.Login, a.Name
	if a.DefaultBranchRef != nil {
		repo.Default = a.DefaultBranchRef.Name
	}
	return repo, nil
}

// Begin returns at once what a review of ref starts from.
func (f *Forge) Begin(ctx context.Context, ref forge.PullRef, paths ...string) (forge.Opening, error) {
	fail := func(err error) (forge.Opening, error) {
		return forge.Opening{}, f.wrap(err, "begin with pull request %v", ref)
	}
	c, err := f.client(ref.Repo, grant{contents: read, checks: read, pulls: read})
	if err != nil {
		return fail(err)
	}
	var a struct {
		Repository *struct {
			repositoryAnswer
			PullRequest *struct {
				pullAnswer
				Commits struct {
					Nodes []struct {
						Commit struct {
							Oid         string
							CheckSuites runsAnswer
						}
					}
				}
			}
		}
	}
	at := f.writes.now()
	variables := map[string]any{"owner": ref.Repo.Owner, "name": ref.Repo.Name, "number": ref.Number, "app": f.appID, "check": forge.CheckName}
	if err = f.ask(ctx, c, beginQuery(len(paths), "$number: Int!", beginPull), withPaths(variables, paths), &a); err != nil {
		return fail(err)
	}
	if a.Repository == nil || a.Repository.PullRequest == nil {
		return fail(forge.ErrNotFound)
	}
	repo, err := a.Repository.present(ref.Repo)
	if err != nil {
		return fail(err)
	}
	o := forge.Opening{Pull: a.Repository.PullRequest.pull(repo)}
	s := sight{at: at}
	for _, n := range a.Repository.PullRequest.Commits.Nodes {
		if n.Commit.Oid == o.Pull.HeadSHA { // by date another commit can be the last
			s.runs, s.allRuns = n.Commit.CheckSuites.runs()
		}
	}
	o.Seen = s.seen(nil)
	if o.Files, err = f.openingFiles(ctx, repo, &a.Repository.repositoryAnswer, paths); err != nil {
		return fail(err)
	}
	return o, nil
}

// BeginGroup returns at once what a review of the merge group at sha starts from.
func (f *Forge) BeginGroup(ctx context.Context, repo forge.Repo, sha string, paths ...string) (forge.Opening, error) {
	fail := func(err error) (forge.Opening, error) {
		return forge.Opening{}, f.wrap(err, "begin with the merge group at %s of %v", sha, repo)
	}
	c, err := f.client(repo, grant{contents: read, checks: read})
	if err != nil {
		return fail(err)
	}
	var a struct {
		Repository *struct {
			repositoryAnswer
			Object *struct{ CheckSuites runsAnswer }
		}
	}
	s := sight{at: f.writes.now()}
	variables := map[string]any{"owner": repo.Owner, "name": repo.Name, "sha": sha, "app": f.appID, "check": forge.CheckName}
	if err = f.ask(ctx, c, beginQuery(len(paths), "$sha: GitObjectID!", beginGroup), withPaths(variables, paths), &a); err != nil {
		return fail(err)
	}
	if a.Repository == nil || a.Repository.Object == nil {
		return fail(forge.ErrNotFound)
	}
	if repo, err = a.Repository.present(repo); err != nil {
		return fail(err)
	}
	s.runs, s.allRuns = a.Repository.Object.CheckSuites.runs()
	o := forge.Opening{Pull: forge.Pull{PullRef: forge.PullRef{Repo: repo}}, Seen: s.seen(nil)}
	if o.Files, err = f.openingFiles(ctx, repo, &a.Repository.repositoryAnswer, paths); err != nil {
		return fail(err)
	}
	return o, nil
}

// openingFiles are the files of an answer to beginQuery, the last one dated.
func (f *Forge) openingFiles(ctx context.Context, repo forge.Repo, a *repositoryAnswer, paths []string) (map[string]forge.File, error) {
	files, err := a.files(paths, func(path string) ([]byte, error) { return f.ReadFile(ctx, repo, repo.Default, path) })
	if len(paths) > 0 && err == nil {
		last := paths[len(paths)-1]
		if file := files[last]; file.Err == nil {
			files[last] = forge.File{Text: file.Text, Written: a.Written.lines()}
		}
	}
	return files, err
}

func (s sight) seen(pulls []forge.Pull) forge.Seen {
	return forge.Seen{Pulls: pulls, Ours: s, Completed: slices.ContainsFunc(s.runs, func(r run) bool { return r.completed })}
}

// Look returns at once what stands on sha, and on pull request number unless that is 0.
func (f *Forge) Look(ctx context.Context, repo forge.Repo, number int, sha string) (forge.Seen, error) {
	fail := func(err error) (forge.Seen, error) {
		return forge.Seen{}, f.wrap(err, "look at %s of %v", sha, repo)
	}
	c, err := f.client(repo, grant{contents: read, checks: read, pulls: read})
	if err != nil {
		return fail(err)
	}
	var a struct {
		Viewer     struct{ Login string }
		Repository *struct {
			repositoryAnswer
			Object *struct {
				AssociatedPullRequests struct {
					PageInfo page
					Nodes    []pullAnswer
				}
				CheckSuites runsAnswer
			}
			PullRequest *threadsOfPull
		}
	}
	at := f.writes.now()
	err = f.ask(ctx, c, lookQuery, map[string]any{"owner": repo.Owner, "name": repo.Name, "number": number, "sha": sha,
		"app": f.appID, "check": forge.CheckName, "threads": number > 0}, &a)
	if err != nil {
		return fail(err)
	}
	if a.Repository == nil || a.Repository.Object == nil || number > 0 && a.Repository.PullRequest == nil {
		return fail(forge.ErrNotFound)
	}
	present, err := a.Repository.present(repo)
	if err != nil {
		return fail(err)
	}
	s := sight{at: at}
	s.runs, s.allRuns = a.Repository.Object.CheckSuites.runs()
	if number > 0 {
		threads := a.Repository.PullRequest.ReviewThreads
		login := strings.TrimSuffix(a.Viewer.Login, "[bot]")
		if login == "" {
			return fail(errNoName) // no comment would be known as ours, and each would be posted again
		}
		if s.threads, err = f.ownThreads(ctx, forge.PullRef{Repo: repo, Number: number}, login, threads.Nodes); err != nil {
			return fail(err)
		}
		s.others = f.remarks(forge.PullRef{Repo: repo, Number: number}, login, threads.Nodes)
		s.whole = !threads.PageInfo.HasNextPage
	}
	list := a.Repository.Object.AssociatedPullRequests
	if list.PageInfo.HasNextPage {
		pulls, err := f.pullsAt(ctx, repo, sha)
		return s.seen(pulls), err
	}
	var pulls []forge.Pull
	for _, p := range list.Nodes {
		if p.State == "OPEN" && p.HeadRefOid == sha && p.Repository.DatabaseID == repo.ID {
			pulls = append(pulls, p.pull(present))
		}
	}
	return s.seen(pulls), nil
}

// sightOf returns what seen tells of place, if we wrote nothing there since.
func (f *Forge) sightOf(seen *forge.Seen, place string) (sight, bool) {
	if seen == nil {
		return sight{}, false
	}
	s, ok := seen.Ours.(sight)
	return s, ok && !f.writes.since(place, s.at)
}

var errNoName = errors.New("the answer does not say who we are")
