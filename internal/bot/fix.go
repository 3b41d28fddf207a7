package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// pushes puts commits of ours on the branches of pull requests.
type pushes interface {
	MayPush(ctx context.Context, repo forge.Repo) (bool, error)
	// Granted keeps what an installation lets the App do with contents, so that
	// MayPush need not ask.
	Granted(installation int64, contents string)
	// Pushed returns the commit that answered ask, "" if there is none.
	Pushed(ctx context.Context, p forge.Pull, ask string) (sha string, err error)
	// Push wants the branch where p has it, or it is forge.ErrMoved. What the
	// host does not allow is forge.ErrDenied or a *forge.RefusedError.
	Push(ctx context.Context, p forge.Pull, c forge.Commit) (sha string, err error)
}

const (
	// fixTries is how often the branch may move while we look at it.
	fixTries = 3
	// replayed is how long after the first time a delivery may come again.
	replayed = 4 * 24 * time.Hour
)

// offersFix reports whether the check of r has the button: somebody may then
// have the fixes of the present head pushed, whatever it is by that time.
func (b *Bot) offersFix(ctx context.Context, s *subject, r *report.Report) bool {
	if b.Pushes == nil || b.Talk == nil || b.Access == nil || s.pull == nil || s.pull.Fork {
		return false
	}
	wanted := fixable(r.Verdict)
	if len(wanted) == 0 || len(patchOf(ctx, r, wanted).contents()) == 0 {
		return false
	}
	may, err := b.Pushes.MayPush(ctx, s.repo)
	if err != nil {
		// A review is not held up for a button.
		zerolog.Ctx(ctx).Warn().Err(err).Msg("no button to fix: not known whether the App may push")
	}
	return may && err == nil
}

// fixPressed fixes what can be fixed of the pull request that the button was
// pressed on. All that is taken from the event is where that was.
func (b *Bot) fixPressed(ctx context.Context, e forge.Event) error {
	refs, err := b.pressedOn(ctx, e)
	if err != nil {
		return fmt.Errorf("find the pull requests at %s: %w", e.SHA, err)
	}
	key := "press/" + e.Delivery
	for _, ref := range refs {
		m := report.Mended{Why: report.FixWhich()} // one press, one commit
		if len(refs) == 1 {
			if m, err = b.fix(ctx, e, ref, key, nil); err != nil {
				return err
			}
		}
		words := m.PressWords(e.Sender.Login)
		if words == "" {
			continue
		}
		err := b.Talk.Say(ctx, ref, key, e.Received.Add(-replayed), words)
		if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied) {
			zerolog.Ctx(ctx).Warn().Err(err).Str("words", words).Msg("a press is not answered")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// pressedOn returns the pull requests that a button on a check may have been
// meant for. GitHub names only those that have that head now; ours is the
// memory of those that had it.
func (b *Bot) pressedOn(ctx context.Context, e forge.Event) ([]forge.PullRef, error) {
	if e.Number > 0 {
		return []forge.PullRef{{Repo: e.Repo, Number: e.Number}}, nil
	}
	seen, err := b.Forge.Look(ctx, e.Repo, 0, e.SHA)
	if err != nil {
		return nil, err
	}
	var refs []forge.PullRef
	branches := map[string]bool{}
	for _, p := range seen.Pulls {
		if !p.Fork && !branches[p.HeadRef] {
			branches[p.HeadRef] = true
			refs = append(refs, p.PullRef)
		}
	}
	if len(seen.Pulls) > 0 {
		return refs, nil
	}
	standings, err := b.Ledger.At(ctx, e.Repo, e.SHA)
	for _, o := range standings {
		if o.Pull > 0 {
			refs = append(refs, forge.PullRef{Repo: e.Repo, Number: o.Pull})
		}
	}
	return refs, err
}

// fixAsked fixes the finding that r names or those whose thread it was written in;
// in the conversation without a name, all that can be fixed.
func (b *Bot) fixAsked(ctx context.Context, r *request) (forge.Answer, bool, error) {
	if b.Pushes == nil {
		return refused(report.FixNeedsWriting()), false, nil
	}
	if r.Command.Thread != 0 || r.words != "" {
		if words, err := b.named(ctx, r); err != nil || words != "" {
			return unclear(words), false, err
		}
	}
	m, err := b.fix(ctx, r.Event, forge.PullRef{Repo: r.Repo, Number: r.Number}, r.Key(), r.about)
	switch {
	case err != nil:
		return forge.Answer{}, false, err
	case m.SHA != "":
		return forge.Answer{Reaction: forge.Done, Words: m.Words()}, false, nil
	case m.Refused:
		return refused(m.Words()), false, nil
	}
	return unclear(m.Words()), false, nil
}

// fix pushes one commit with the fixes of what stands at the present head of
// ref, or of the named findings alone. They are taken from a scan of that head, made
// now: not from an earlier review, and from nothing that anybody wrote. It
// makes one commit for each ask, however often it is called.
func (b *Bot) fix(ctx context.Context, e forge.Event, ref forge.PullRef, ask string, only []finding.Fingerprint) (report.Mended, error) {
	work, stop := context.WithTimeoutCause(ctx, b.Options.Deadline, errDeadline)
	defer stop()
	for range fixTries {
		m, err := b.fixHead(work, e, ref, ask, only)
		switch {
		case err == nil:
			if m.SHA != "" {
				zerolog.Ctx(ctx).Info().Stringer("pull", ref).Str("commit", m.SHA).Int("findings", len(m.Fixed)).Bool("earlier", m.Earlier).Msg("fix pushed")
			}
			return m, nil
		case ctx.Err() != nil:
			return m, err
		case errors.Is(context.Cause(work), errDeadline):
			return report.Mended{Why: report.FixUnlooked(reason(errDeadline))}, nil
		case !errors.Is(err, forge.ErrMoved) && !errors.Is(err, git.ErrGone):
			return m, fmt.Errorf("fix %v: %w", ref, err)
		}
	}
	return report.Mended{Why: report.FixMoving()}, nil
}

// fixHead is one attempt of fix. The branch may move under it, which is forge.ErrMoved.
func (b *Bot) fixHead(ctx context.Context, e forge.Event, ref forge.PullRef, ask string, only []finding.Fingerprint) (report.Mended, error) {
	none := func(why string) (report.Mended, error) { return report.Mended{Why: why}, nil }
	never := func(why string) (report.Mended, error) { return report.Mended{Why: why, Refused: true}, nil }
	opening, err := b.Forge.Begin(ctx, ref, append(policy.OwnersPaths(), policy.Path)...)
	if err != nil {
		return report.Mended{}, err
	}
	pull := opening.Pull
	switch {
	case !pull.Open:
		return none(report.PullIsClosed())
	case pull.Fork:
		return never(report.FixForks())
	}
	if sha, err := b.Pushes.Pushed(ctx, pull, ask); err != nil || sha != "" {
		return report.Mended{SHA: sha, Earlier: true}, err
	}
	if may, err := b.Pushes.MayPush(ctx, pull.Repo); err != nil {
		return report.Mended{}, err
	} else if !may {
		return never(report.FixNeedsWriting())
	}
	s := &subject{event: e, repo: pull.Repo, pull: &pull, opening: &opening, started: b.Now(), base: pull.BaseSHA, head: pull.HeadSHA}
	r, err := b.look(ctx, s)
	switch {
	case err != nil && final(err) && !errors.Is(err, git.ErrGone):
		zerolog.Ctx(ctx).Warn().Err(err).Msg("not fixed: the present head could not be looked at")
		return none(report.FixUnlooked(reason(err)))
	case err != nil:
		return report.Mended{}, err
	}
	wanted, why := wantedOf(r.Verdict, only)
	if why != "" {
		return none(why)
	}
	p := patchOf(ctx, r, wanted)
	m := report.Mended{Of: r, Fixed: p.fixed, Left: p.left}
	files := p.contents()
	if len(files) == 0 {
		m.Why = report.FixNothing()
		return m, nil
	}
	m.SHA, err = b.Pushes.Push(ctx, pull, forge.Commit{Ask: ask, Message: m.Message(e.Sender.Login), Files: files})
	var denied *forge.RefusedError
	switch {
	case errors.As(err, &denied):
		return never(report.FixRefused(pull.HeadRef, denied.Why))
	case errors.Is(err, forge.ErrDenied):
		return never(report.FixNeedsWriting())
	}
	return m, err
}

// wantedOf returns what is to be fixed: what stands and can be, or of that the
// findings that were asked for. why says what is in the way, if anything is.
func wantedOf(v policy.Verdict, only []finding.Fingerprint) (wanted []policy.Decision, why string) {
	wanted = fixable(v)
	if len(only) == 0 {
		if len(wanted) == 0 {
			return nil, report.FixNothing()
		}
		return wanted, ""
	}
	asked := func(d policy.Decision) bool {
		return slices.ContainsFunc(only, func(p finding.Fingerprint) bool { return d.Finding.Is(p) || slices.Contains(d.Finding.Joined, p) })
	}
	if wanted = slices.DeleteFunc(wanted, func(d policy.Decision) bool { return !asked(d) }); len(wanted) > 0 {
		return wanted, ""
	}
	why = report.FixGone(string(only[0]))
	for _, d := range v.Decisions {
		switch {
		case !asked(d):
		case d.Action == policy.Ignored:
			why = report.FixAccepted()
		default:
			return nil, report.FixUnknown()
		}
	}
	return nil, why
}
