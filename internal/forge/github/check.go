package github

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

const completed = "completed"

// PutCheck makes our newest check run of that name on c.SHA what c says.
//
// Under way, a run that is not completed is taken up, and a completed one is
// left alone unless c.Again asks for a new one. Completing, a run that is not
// completed is completed, a completed one with c.Digest is left as it stands
// (annotations that a crash cut off are added) unless it does not answer c.Ask,
// and anything else gets a new run, unless c is for what was left under way
// only. Older runs of ours that nobody completed are put to rest then.
func (f *Forge) PutCheck(ctx context.Context, repo forge.Repo, c forge.Check) (forge.CheckID, error) {
	what := fmt.Sprintf("put the check of %v at %s", repo, c.SHA)
	client, err := f.client(repo, grant{checks: write})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	release, err := f.locks.take(ctx, fmt.Sprintf("check/%d/%s", repo.ID, c.SHA))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	place := fmt.Sprintf("check/%d/%s/%s", repo.ID, c.SHA, c.Name())
	seen, current := f.sightOf(c.Seen, place)
	defer f.writes.note(place)
	p := checkPut{Forge: f, client: client, repo: repo, check: c}
	runs := seen.runs
	if !current || !seen.allRuns {
		if runs, err = p.runs(ctx); err != nil {
			return 0, f.wrap(err, "%s", what)
		}
	}
	var last *run
	if len(runs) > 0 {
		last = &runs[0]
	}
	var id int64
	if c.Conclusion == "" {
		id, err = p.begin(ctx, last)
	} else if id, err = p.complete(ctx, last); err == nil {
		err = p.rest(ctx, runs, id)
	}
	return forge.CheckID(id), f.wrap(err, "%s", what)
}

type checkPut struct {
	*Forge
	client *gh.Client
	repo   forge.Repo
	check  forge.Check
}

// runs returns our check runs on the SHA, newest first.
func (p *checkPut) runs(ctx context.Context) ([]run, error) {
	o := &gh.ListCheckRunsOptions{
		CheckName: gh.String(p.check.Name()), Filter: gh.String("all"), AppID: gh.Int64(p.appID),
		ListOptions: gh.ListOptions{Page: 1, PerPage: pageSize},
	}
	var ours []run
	for o.Page != 0 {
		list, resp, err := p.client.Checks.ListCheckRunsForRef(ctx, p.repo.Owner, p.repo.Name, p.check.SHA, o)
		if err != nil {
			return nil, err
		}
		for _, r := range list.CheckRuns {
			// Any workflow can post a run of our name.
			if r.GetApp().GetID() == p.appID && r.GetName() == p.check.Name() {
				ours = append(ours, runOf(r))
			}
		}
		o.Page = resp.NextPage
	}
	slices.SortFunc(ours, func(a, b run) int { return cmp.Compare(b.id, a.id) })
	return ours, nil
}

// externalID is what tells the outcome, and the request that it answers if there was one.
func (p *checkPut) externalID() string {
	if p.check.Ask == "" {
		return p.check.Digest
	}
	return p.check.Digest + asked + p.check.Ask
}

// asked stands between the digest of an outcome and the request that it answers.
const asked = "/"

// answers reports whether r is the answer to the request that p is about.
func (p *checkPut) answers(r *run) bool {
	return p.check.Ask != "" && strings.HasSuffix(r.external, asked+p.check.Ask)
}

// says reports whether r says already what is to be said.
func (p *checkPut) says(r *run) bool {
	digest, _, _ := strings.Cut(r.external, asked)
	return r.external == p.externalID() || p.check.Ask == "" && digest == p.check.Digest
}

func (p *checkPut) begin(ctx context.Context, last *run) (int64, error) {
	output, _ := p.output()
	if last != nil && last.completed && (!p.check.Again || p.answers(last)) {
		return last.id, nil
	}
	if last != nil && !last.completed {
		if last.title == output.GetTitle() && last.summary == output.GetSummary() {
			return last.id, nil
		}
		return last.id, p.update(ctx, last.id, gh.UpdateCheckRunOptions{
			Status: gh.String("in_progress"), DetailsURL: p.details(), Output: output})
	}
	return p.create(ctx, last, gh.CreateCheckRunOptions{
		Name: p.check.Name(), HeadSHA: p.check.SHA, Status: gh.String("in_progress"),
		StartedAt: p.time(), DetailsURL: p.details(), Output: output,
	})
}

// create makes a run newer than last. Without an answer GitHub may have made it
// all the same: it is looked for then, so that there is never a second one.
func (p *checkPut) create(ctx context.Context, last *run, o gh.CreateCheckRunOptions) (int64, error) {
	made, _, err := p.client.Checks.CreateCheckRun(ctx, p.repo.Owner, p.repo.Name, o)
	if err == nil || !unanswered(err, p.now()) {
		return made.GetID(), err
	}
	runs, lookErr := p.runs(ctx)
	if lookErr != nil || len(runs) == 0 || last != nil && runs[0].id <= last.id {
		return 0, err
	}
	if r := runs[0]; r.external == o.GetExternalID() && r.completed == (o.GetStatus() == completed) {
		return r.id, nil
	}
	return 0, err
}

func (p *checkPut) complete(ctx context.Context, last *run) (int64, error) {
	output, notes := p.output()
	first := notes[:min(len(notes), annotationsPerCall)]
	var id int64
	sent := len(first)
	switch {
	case last != nil && !last.completed:
		id = last.id
		output.Annotations = first
		if err := p.update(ctx, id, gh.UpdateCheckRunOptions{
			Status: gh.String(completed), Conclusion: gh.String(string(p.check.Conclusion)), CompletedAt: p.time(),
			ExternalID: gh.String(p.externalID()), DetailsURL: p.details(), Output: output, Actions: p.actions(),
		}); err != nil {
			return id, err
		}
	case p.check.Leftover && last == nil:
		return 0, nil
	case p.check.Leftover:
		return last.id, nil // it stands; older ones that do not are put to rest
	case last != nil && p.says(last):
		// Annotations append, so their number says where a crash cut them off.
		id, sent = last.id, last.notes
	default:
		output.Annotations = first
		var err error
		if id, err = p.create(ctx, last, gh.CreateCheckRunOptions{
			Name: p.check.Name(), HeadSHA: p.check.SHA, Status: gh.String(completed),
			Conclusion: gh.String(string(p.check.Conclusion)), StartedAt: p.time(), CompletedAt: p.time(),
			ExternalID: gh.String(p.externalID()), DetailsURL: p.details(), Output: output, Actions: p.actions(),
		}); err != nil {
			return 0, err
		}
	}
	for sent < len(notes) {
		batch := notes[sent:min(len(notes), sent+annotationsPerCall)]
		more := *output
		more.Annotations = batch
		if err := p.update(ctx, id, gh.UpdateCheckRunOptions{Output: &more}); err != nil {
			return id, fmt.Errorf("add annotations from %d on: %w", sent+1, err)
		}
		sent += len(batch)
	}
	return id, nil
}

// rest completes the runs beside id that were left under way by a crash or
// another process: a check never stays pending.
func (p *checkPut) rest(ctx context.Context, runs []run, id int64) error {
	for _, r := range runs {
		if r.id == id || r.completed {
			continue
		}
		if err := p.update(ctx, r.id, gh.UpdateCheckRunOptions{
			Status: gh.String(completed), Conclusion: gh.String(string(forge.Neutral)), CompletedAt: p.time(),
			Output: &gh.CheckRunOutput{Title: gh.String("Superseded"), Summary: gh.String("A newer run of this check has the result.")},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (p *checkPut) update(ctx context.Context, id int64, o gh.UpdateCheckRunOptions) error {
	o.Name = p.check.Name()
	_, _, err := p.client.Checks.UpdateCheckRun(ctx, p.repo.Owner, p.repo.Name, id, o)
	return err
}

func (p *checkPut) time() *gh.Timestamp { return &gh.Timestamp{Time: p.now().UTC()} }

// actions are the check's buttons, in words as long as GitHub takes them.
func (p *checkPut) actions() []*gh.CheckRunAction {
	var out []*gh.CheckRunAction
	for _, a := range p.check.Actions[:min(len(p.check.Actions), maxActions)] {
		out = append(out, &gh.CheckRunAction{Label: cutLine(a.Label, maxButton),
			Description: cutLine(a.Description, maxDescription), Identifier: a.Identifier})
	}
	return out
}

func (p *checkPut) details() *string {
	if p.check.DetailsURL == "" {
		return nil
	}
	return &p.check.DetailsURL
}

// output returns the words of the check, without annotations, and the annotations.
func (p *checkPut) output() (*gh.CheckRunOutput, []*gh.CheckRunAnnotation) {
	notes, text := annotations(p.check.Notes)
	title := cutLine(p.check.Title, maxTitle)
	if title == "" {
		title = p.check.Name()
	}
	summary := cut(p.check.Summary, maxText)
	if summary == "" {
		summary = title
	}
	o := &gh.CheckRunOutput{Title: &title, Summary: &summary}
	if text != "" {
		o.Text = gh.String(cut(text, maxText))
	}
	return o, notes
}
