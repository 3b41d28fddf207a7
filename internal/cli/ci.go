package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pullwarden/pullwarden/internal/git"
)

// A ciSystem is what a CI system tells a job by its environment. Where a field
// has several variables, the first that is set counts.
type ciSystem struct {
	name   string
	is     string // the variable that all its jobs have, or NAME=VALUE
	pull   string // is set, and not "false", in pull requests alone; "" where target and commit are too
	target string // branch that a pull request is for
	commit string // commit of that branch that a pull request begins at, or the branch's last
	head   string // last commit of a pull request, where the checkout is its merge into the target
	before string // commit that the pushed branch was at before the push, or "BEFORE...AFTER"
	branch string // branch that was pushed
	main   string // default branch
	event  string // file with the payload of GitHub's webhook, which says more
	deepen string // how to have more history fetched
}

// ciSystems is in the order of asking: those whose variables others use too come last.
var ciSystems = []ciSystem{
	{
		name: "GitHub Actions", is: "GITHUB_ACTIONS", target: "GITHUB_BASE_REF", event: "GITHUB_EVENT_PATH",
		deepen: "set `fetch-depth: 0` on actions/checkout",
	}, {
		name: "GitLab CI/CD", is: "GITLAB_CI", target: "CI_MERGE_REQUEST_TARGET_BRANCH_NAME CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME",
		// The first is set in pipelines for merged results alone, where HEAD is a merge of it.
		commit: "CI_MERGE_REQUEST_TARGET_BRANCH_SHA CI_MERGE_REQUEST_DIFF_BASE_SHA CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA",
		before: "CI_COMMIT_BEFORE_SHA", branch: "CI_COMMIT_BRANCH", main: "CI_DEFAULT_BRANCH",
		deepen: "set the variable `GIT_DEPTH: 0` for the job",
	}, {
		name: "Bitbucket Pipelines", is: "BITBUCKET_BUILD_NUMBER", target: "BITBUCKET_PR_DESTINATION_BRANCH", commit: "BITBUCKET_PR_DESTINATION_COMMIT",
		deepen: "set `clone: {depth: full}` in bitbucket-pipelines.yml",
	}, {
		name: "Azure Pipelines", is: "TF_BUILD", target: "SYSTEM_PULLREQUEST_TARGETBRANCH", head: "SYSTEM_PULLREQUEST_SOURCECOMMITID",
		deepen: "set `fetchDepth: 0` on the checkout step",
	}, {
		name: "Buildkite", is: "BUILDKITE", target: "BUILDKITE_MERGE_QUEUE_BASE_BRANCH BUILDKITE_PULL_REQUEST_BASE_BRANCH",
		commit: "BUILDKITE_MERGE_QUEUE_BASE_COMMIT", main: "BUILDKITE_PIPELINE_DEFAULT_BRANCH",
	}, {
		name: "Prow", is: "PROW_JOB_ID", pull: "PULL_NUMBER", target: "PULL_BASE_REF", commit: "PULL_BASE_SHA", head: "PULL_PULL_SHA",
		deepen: "set `clone_depth: 0` for the job",
	}, {
		name: "Cirrus CI", is: "CIRRUS_CI", pull: "CIRRUS_PR", target: "CIRRUS_BASE_BRANCH", commit: "CIRRUS_BASE_SHA",
		branch: "CIRRUS_BRANCH", main: "CIRRUS_DEFAULT_BRANCH", deepen: "remove CIRRUS_CLONE_DEPTH",
	}, {
		name: "Travis CI", is: "TRAVIS", pull: "TRAVIS_PULL_REQUEST", target: "TRAVIS_BRANCH", head: "TRAVIS_PULL_REQUEST_SHA",
		before: "TRAVIS_COMMIT_RANGE", deepen: "set `git: {depth: false}` in .travis.yml",
	}, {
		name: "AppVeyor", is: "APPVEYOR", pull: "APPVEYOR_PULL_REQUEST_NUMBER", target: "APPVEYOR_REPO_BRANCH", head: "APPVEYOR_PULL_REQUEST_HEAD_COMMIT",
		deepen: "remove `clone_depth` from appveyor.yml",
	}, {
		name: "AWS CodeBuild", is: "CODEBUILD_BUILD_ID", target: "CODEBUILD_WEBHOOK_BASE_REF", before: "CODEBUILD_WEBHOOK_PREV_COMMIT", branch: "CODEBUILD_WEBHOOK_HEAD_REF",
		deepen: "set the Git clone depth of the source to Full",
	}, {
		name: "Semaphore", is: "SEMAPHORE", before: "SEMAPHORE_GIT_COMMIT_RANGE",
	}, {
		name: "Codefresh", is: "CF_BUILD_ID", target: "CF_PULL_REQUEST_TARGET", deepen: "remove `depth` from the git-clone step",
	}, {
		name: "Bitrise", is: "BITRISE_IO", target: "BITRISEIO_GIT_BRANCH_DEST",
	}, {
		name: "CircleCI", is: "CIRCLECI",
	}, {
		name: "Woodpecker", is: "CI=woodpecker", pull: "CI_COMMIT_PULL_REQUEST", target: "CI_COMMIT_TARGET_BRANCH", branch: "CI_COMMIT_BRANCH", main: "CI_REPO_DEFAULT_BRANCH",
		deepen: "set `depth: 0` and `partial: false` on the clone step",
	}, {
		name: "Drone", is: "DRONE", pull: "DRONE_PULL_REQUEST", target: "DRONE_TARGET_BRANCH", before: "DRONE_COMMIT_BEFORE", branch: "DRONE_BRANCH", main: "DRONE_REPO_BRANCH",
		deepen: "remove `depth` from the clone settings",
	}, {
		// The variables of its plugins for pull requests of GitHub and GitLab are here, too.
		name: "Jenkins", is: "JENKINS_URL", target: "CHANGE_TARGET ghprbTargetBranch gitlabTargetBranch", head: "ghprbActualCommit",
		deepen: "turn off the shallow clone of the checkout step, and have it fetch the target branch",
	},
}

// A ciChange is what the environment tells of the change to scan.
type ciChange struct {
	git.Told
	target string // the branch that Bases are of; "" if it is not known
	deepen string
}

// mayJudge reports whether the policy of the base may stand in for the one of
// the default branch: whoever opens a pull request can choose another base.
func (c ciChange) mayJudge() bool {
	return c.target != "" && (c.Default == "" || c.Default == c.target)
}

// toldByCI reads what the CI system that this process runs under tells; the
// zero value if there is none. Nothing is read from the repository.
func toldByCI(env func(string) string, dir string) (ciChange, error) {
	for _, s := range ciSystems {
		c := s.told(env)
		name, value, one := strings.Cut(s.is, "=")
		if v := env(name); len(c.Bases) == 0 && (v == "" || v == "false" || one && v != value) && env(s.event) == "" {
			continue
		}
		var err error
		if path := env(s.event); path != "" {
			err = c.readEvent(inDir(dir, path))
		}
		return c, err
	}
	return ciChange{}, nil
}

func (s ciSystem) told(env func(string) string) ciChange {
	get := func(names string) string {
		for _, name := range strings.Fields(names) {
			if v := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	c := ciChange{Told: git.Told{By: s.name, Default: get(s.main)}, deepen: s.deepen}
	target, commit := get(s.target), get(s.commit)
	if pull := get(s.pull); (target != "" || commit != "") && (s.pull == "" || pull != "" && pull != "false") {
		c.pulled(target, get(s.head), git.Base{Commit: commit}, git.Base{Branch: target})
		return c
	}
	before, _, _ := strings.Cut(get(s.before), "...")
	c.pushed(get(s.branch), before)
	return c
}

// pulled notes the base of a pull request into target, with the last commit head.
func (c *ciChange) pulled(target, head string, bases ...git.Base) {
	c.target = branchName(target)
	c.Bases = nil
	for _, b := range append([]git.Base{{MergeOf: head}}, bases...) {
		if b.Branch = branchName(b.Branch); b != (git.Base{}) {
			c.Bases = append(c.Bases, b)
		}
	}
}

// pushed notes the base of a push to a branch. What a branch adds to the
// default branch is more than one push, and after a rebase there is nothing
// else to compare with.
func (c *ciChange) pushed(branch, before string) {
	branch = branchName(branch)
	if c.Default != "" && branch != c.Default {
		c.Bases = append(c.Bases, git.Base{Branch: c.Default})
	}
	if strings.Trim(before, "0") != "" {
		if branch == c.Default {
			c.target = branch
		}
		c.Bases = append(c.Bases, git.Base{Commit: before})
	}
}

func branchName(ref string) string { return strings.TrimPrefix(ref, "refs/heads/") }

// An event is what we read of the file that GITHUB_EVENT_PATH names: the
// payload of the webhook.
type event struct {
	Ref, Before string
	Repository  struct {
		DefaultBranch string `json:"default_branch"`
	}
	PullRequest *struct {
		Base, Head struct{ Ref, SHA string }
	} `json:"pull_request"`
	MergeGroup *struct {
		BaseRef string `json:"base_ref"`
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`
}

func (c *ciChange) readEvent(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && c.target != "" {
		return nil // in a container of one's own, for example: the branch is known
	}
	var e event
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return fmt.Errorf("read the event of the CI system, %s: %w; use --base REV to name what to compare with", path, err)
	}
	c.Default = e.Repository.DefaultBranch
	switch {
	case e.PullRequest != nil:
		p := e.PullRequest
		c.pulled(p.Base.Ref, p.Head.SHA, git.Base{Branch: p.Base.Ref}, git.Base{Commit: p.Base.SHA})
	case e.MergeGroup != nil:
		c.pulled(e.MergeGroup.BaseRef, "", git.Base{Commit: e.MergeGroup.BaseSHA}, git.Base{Branch: e.MergeGroup.BaseRef})
	case c.target == "":
		c.pushed(e.Ref, e.Before)
	}
	return nil
}

// whatToType completes an error about the base of a change, in a work tree
// with so many files that are not staged.
func (c ciChange) whatToType(err error, unstaged int) error {
	var base *git.BaseError
	var missing *git.MissingError
	var to []string
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w; run `git fetch --refetch --no-filter`, or clone without --filter", err)
	case !errors.As(err, &base), base.Problem == git.NotInClone && base.By == "" && !base.Shallow:
		return err
	case base.Problem == git.Same, base.Problem == git.Empty:
		if unstaged > 0 {
			to = append(to, fmt.Sprintf("run `git add` to have files scanned that are not staged (%d)", unstaged))
		}
		if base.Problem == git.Same {
			to = append(to, "use --all for the whole tree, or --base REV to compare with another commit")
		}
		return fmt.Errorf("%w; %s", err, strings.Join(to, ", "))
	}
	if base.Shallow && c.deepen != "" {
		to = append(to, c.deepen)
	}
	const all = "origin '+refs/heads/*:refs/remotes/origin/*'"
	switch {
	case base.Shallow:
		to = append(to, "run `git fetch --unshallow "+all+"`")
	case base.Problem == git.NotInClone:
		to = append(to, "run `git fetch "+all+"`")
	case base.Problem == git.NoDefault:
		to = append(to, "run `git remote set-head origin --auto`")
	}
	return fmt.Errorf("%w; %s, or use --base REV to name what to compare with", err, strings.Join(to, ", "))
}
