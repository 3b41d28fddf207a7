package hook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Events lists the deliveries that Decode knows. GitHub sends the
// installation ones and ping unasked; app.yml subscribes to the others.
func Events() []string {
	return []string{
		"check_run", "check_suite", "installation", "installation_repositories", "issue_comment",
		"merge_group", "ping", "pull_request", "pull_request_review_comment", "push", "repository",
	}
}

// Decode tells what a delivery says; false if it is none of our business.
func Decode(event, delivery string, body []byte, received time.Time) (forge.Event, bool, error) {
	return decode(event, delivery, body, received, 0)
}

// decode is Decode for one App; with appID 0 for any.
func decode(event, delivery string, body []byte, received time.Time, appID int64) (forge.Event, bool, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Event{}, false, fmt.Errorf("decode %s delivery %s: %w", event, delivery, err)
	}
	e := forge.Event{
		Delivery:     delivery,
		Received:     received,
		Repo:         p.Repository.repo(p.Installation.ID),
		Sender:       p.Sender.user(),
		Installation: p.Installation.ID,
		Account:      p.Installation.Account.user(),
		Contents:     p.Installation.Permissions.Contents,
	}
	ok := p.read(event, appID, &e)
	if !ok {
		return forge.Event{}, false, nil
	}
	return e, true, p.check(e)
}

// read fills in what the event itself says.
func (p *payload) read(event string, appID int64, e *forge.Event) bool {
	switch event + "." + p.Action {
	case "pull_request.opened", "pull_request.synchronize", "pull_request.reopened", "pull_request.ready_for_review":
		e.Kind = forge.PullChanged
	case "pull_request.edited":
		if p.Changes.Base == nil {
			return false // the title, or the words
		}
		e.Kind = forge.PullChanged
	case "pull_request.closed":
		e.Kind = forge.PullClosed
	case "issue_comment.created":
		if p.Issue.PullRequest == nil {
			return false
		}
		e.Number = p.Issue.Number
		return p.command(e)
	case "pull_request_review_comment.created":
		e.Number, e.SHA = p.PullRequest.Number, p.PullRequest.Head.SHA
		p.Comment.ReplyTo = cmp.Or(p.Comment.ReplyTo, p.Comment.ID)
		return p.command(e)
	case "merge_group.checks_requested":
		e.Kind, e.SHA, e.Base = forge.GroupAsked, p.MergeGroup.HeadSHA, p.MergeGroup.BaseSHA
	case "check_run.rerequested":
		if !forge.IsCheckName(p.CheckRun.Name) || !p.CheckRun.App.is(appID) {
			return false
		}
		e.Kind, e.SHA, e.Number = forge.CheckAsked, p.CheckRun.HeadSHA, p.onlyPull(p.CheckRun.PullRequests)
	case "check_run.requested_action":
		if p.CheckRun.Name != forge.CheckName || !p.CheckRun.App.is(appID) {
			return false
		}
		e.Kind, e.SHA, e.Number = forge.ButtonPressed, p.CheckRun.HeadSHA, p.onlyPull(p.CheckRun.PullRequests)
		e.Button = p.RequestedAction.Identifier
	case "check_suite.rerequested":
		if !p.CheckSuite.App.is(appID) {
			return false
		}
		e.Kind, e.SHA, e.Number = forge.CheckAsked, p.CheckSuite.HeadSHA, p.onlyPull(p.CheckSuite.PullRequests)
	case "push.":
		if p.Deleted || p.Repository.DefaultBranch == "" || p.Ref != "refs/heads/"+p.Repository.DefaultBranch {
			return false
		}
		e.Kind, e.SHA = forge.DefaultPushed, p.After
	case "installation.created", "installation.unsuspend", "installation.new_permissions_accepted":
		e.Kind, e.Added = forge.Installed, repos(p.Repositories, e.Installation)
	case "installation.deleted", "installation.suspend":
		// Suspended, the App may do nothing until it is installed anew or unsuspended.
		e.Kind, e.Removed = forge.Uninstalled, repos(p.Repositories, e.Installation)
	case "installation_repositories.added", "installation_repositories.removed":
		e.Kind = forge.Installed
		e.Added, e.Removed = repos(p.Added, e.Installation), repos(p.Removed, e.Installation)
	case "repository.renamed", "repository.transferred":
		e.Kind, e.Moved = forge.RepositoryMoved, p.Action
	case "ping.":
		e.Kind = forge.Pinged
	default:
		return false
	}
	if event == "pull_request" {
		e.Number, e.SHA = p.PullRequest.Number, p.PullRequest.Head.SHA
	}
	return true
}

// check refuses an event that lacks what identifies its subject.
func (p *payload) check(e forge.Event) error {
	missing := ""
	switch e.Kind {
	case forge.Pinged:
		return nil
	case forge.Installed, forge.Uninstalled:
	case forge.PullChanged, forge.PullClosed, forge.Commanded:
		if e.Number <= 0 {
			missing = "number of the pull request"
		}
		fallthrough
	default:
		if (e.Kind == forge.ButtonPressed || e.Kind == forge.Commanded) && (e.Sender.ID <= 0 || e.Sender.Login == "") {
			missing = "sender"
		}
		if e.Repo.ID <= 0 || e.Repo.Owner == "" || e.Repo.Name == "" {
			missing = "repository"
		} else if e.SHA == "" && e.Kind != forge.RepositoryMoved && e.Kind != forge.Commanded {
			missing = "SHA"
		}
	}
	if e.Installation <= 0 {
		missing = "installation"
	}
	if missing != "" {
		return fmt.Errorf("decode %s delivery %s: it has no %s", e.Kind, e.Delivery, missing)
	}
	return nil
}

// onlyPull returns the number of the only pull request of this repository
// among them. With several, or none as for forks, the SHA has to do.
func (p *payload) onlyPull(pulls []pullRequest) int {
	number := 0
	for _, pr := range pulls {
		if id := pr.Base.Repo.ID; id != 0 && id != p.Repository.ID {
			continue
		}
		if number != 0 {
			return 0
		}
		number = pr.Number
	}
	return number
}

// A payload is the part of GitHub's webhook bodies that we read.
type payload struct {
	Action       string       `json:"action"`
	Repository   repository   `json:"repository"`
	Sender       account      `json:"sender"`
	Installation installation `json:"installation"`

	PullRequest pullRequest `json:"pull_request"`
	Changes     struct {
		Base *struct{} `json:"base"`
	} `json:"changes"`
	MergeGroup struct {
		HeadSHA string `json:"head_sha"`
		BaseSHA string `json:"base_sha"`
	} `json:"merge_group"`
	CheckRun        check `json:"check_run"`
	CheckSuite      check `json:"check_suite"`
	RequestedAction struct {
		Identifier string `json:"identifier"`
	} `json:"requested_action"`

	Issue struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"` // nil for an issue
	} `json:"issue"`
	Comment comment `json:"comment"`

	Ref     string `json:"ref"`
	After   string `json:"after"`
	Deleted bool   `json:"deleted"`

	Repositories []repository `json:"repositories"`
	Added        []repository `json:"repositories_added"`
	Removed      []repository `json:"repositories_removed"`
}

type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"` // User, Bot, Organization …
	Name  string `json:"name"` // of a push's repository owner, if it has no login
}

func (a account) user() forge.User { return forge.User{ID: a.ID, Login: a.Login} }

type installation struct {
	ID          int64   `json:"id"`
	Account     account `json:"account"`
	Permissions struct {
		Contents string `json:"contents"`
	} `json:"permissions"`
}

type repository struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	FullName      string  `json:"full_name"`
	Owner         account `json:"owner"`
	DefaultBranch string  `json:"default_branch"`
}

func (r repository) repo(installation int64) forge.Repo {
	if r.ID == 0 {
		return forge.Repo{}
	}
	owner := r.Owner.Login
	if owner == "" {
		owner = r.Owner.Name
	}
	if owner == "" { // in lists of an installation
		owner, _, _ = strings.Cut(r.FullName, "/")
	}
	return forge.Repo{ID: r.ID, Installation: installation, Owner: owner, Name: r.Name, Default: r.DefaultBranch}
}

func repos(list []repository, installation int64) []forge.Repo {
	var out []forge.Repo
	for _, r := range list {
		out = append(out, r.repo(installation))
	}
	return out
}

type pullRequest struct {
	Number int `json:"number"`
	Head   struct {
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Repo struct {
			ID int64 `json:"id"`
		} `json:"repo"`
	} `json:"base"`
}

type check struct {
	Name         string        `json:"name"`
	HeadSHA      string        `json:"head_sha"`
	App          app           `json:"app"`
	PullRequests []pullRequest `json:"pull_requests"`
}

type app struct {
	ID int64 `json:"id"`
}

func (a app) is(id int64) bool { return id == 0 || a.ID == id }
