package doctor

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// repositories chooses those to look at: a share of each installation.
func repositories(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noList(o, f, "the repositories"); lines != nil {
		return f, lines
	}
	f.counted = true
	if len(f.active) == 0 {
		return f, nil
	}
	share := max(1, o.Repositories/len(f.active))
	var failed []Line
	var found []forge.Repo
	total, asked := 0, 0
	for _, in := range f.active {
		room := min(share, o.Repositories-len(found))
		if room <= 0 || ctx.Err() != nil {
			break
		}
		asked++
		list, all, err := o.GitHub.Repositories(ctx, in.ID, room)
		if err != nil {
			f.counted = false
			failed = append(failed, Line{Status: Unseen, Seen: fmt.Sprintf("the repositories of %s: %s", in.Account, reason(err))})
			continue
		}
		found = append(found, list...)
		total += all
	}
	f.repos = found
	lines := some(failed, "account")
	if total > 0 || failed == nil {
		lines = append(lines, Line{Status: OK, Seen: "the App sees " + count(total, "repository") + " of " + count(asked, "account")})
	}
	if rest := total - len(found); rest > 0 {
		lines = append(lines, Line{Status: Note, Seen: count(rest, "further repository") + " of these were not looked at",
			Do: fmt.Sprintf("--repositories %d looks at all of them", total)})
	}
	if rest := len(f.active) - asked; rest > 0 {
		status := Note // by choice
		if ctx.Err() != nil {
			status = Unseen
		}
		lines = append(lines, Line{Status: status, Seen: "the repositories of " + count(rest, "more account") + " were not looked at",
			Do: "a higher --repositories, and --timeout, look at more"})
	}
	return f, lines
}

// required sees, for each repository, whether the default branch requires our
// check, and from whom: any workflow that may write checks can post one of our name.
func required(ctx context.Context, o *Options, f facts) (facts, []Line) {
	if lines := noList(o, f, "required checks"); lines != nil {
		return f, lines
	}
	if len(f.repos) == 0 && !f.counted {
		return f, blind("required checks", "the repositories could not be listed")
	}
	rules := make([][]forge.RequiredCheck, len(f.repos))
	failed := make([]error, len(f.repos))
	var group errgroup.Group
	group.SetLimit(atATime)
	for i, repo := range f.repos {
		group.Go(func() error {
			rules[i], failed[i] = o.GitHub.Required(ctx, repo)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	var problems, warnings, dark []Line
	var pinned, free []string
	for i, repo := range f.repos {
		list := rules[i]
		from := func(match func(int64) bool) int {
			return slices.IndexFunc(list, func(c forge.RequiredCheck) bool { return match(c.App) })
		}
		ours := from(func(app int64) bool { return app == o.AppID })
		others := from(func(app int64) bool { return app != o.AppID && app != 0 })
		switch {
		case failed[i] != nil:
			dark = append(dark, Line{Status: Unseen, Seen: fmt.Sprintf("whether %v requires the check: %s", repo, reason(failed[i]))})
		case others >= 0:
			problems = append(problems, Line{Status: Problem,
				Seen: fmt.Sprintf("%v requires a check %s of App %d, which is not this one (%d): what we post does not count", repo, forge.CheckName, list[others].App, o.AppID),
				Do:   fmt.Sprintf("on %s, at the check %s, choose %q as its source", list[others].Page, forge.CheckName, f.app.Slug)})
		case ours >= 0:
			pinned = append(pinned, repo.String())
		case len(list) > 0:
			warnings = append(warnings, Line{Status: Warning,
				Seen: fmt.Sprintf("%v requires the check %s from any source: a workflow that may write checks can post it as well", repo, forge.CheckName),
				Do:   fmt.Sprintf("on %s, at the check %s, choose %q instead of \"any source\"", list[0].Page, forge.CheckName, f.app.Slug)})
		default:
			free = append(free, repo.String())
		}
	}
	lines := slices.Concat(problems, warnings)
	if pinned != nil {
		lines = append(lines, Line{Status: OK, Seen: "the check is required, and from this App alone, in " + names(pinned, mostNamed)})
	}
	if free != nil {
		lines = append(lines, Line{Status: Note, Seen: "the check informs and does not block, since the default branch does not require it, in " + names(free, mostNamed),
			Do: fmt.Sprintf("where it should block: Settings → Rules → Rulesets, require the status check %s, and choose %q as its source", forge.CheckName, f.app.Slug)})
	}
	return f, append(lines, dark...)
}
