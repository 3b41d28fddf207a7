package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// talk answers people where they wrote to us.
type talk interface {
	Answer(ctx context.Context, p forge.PullRef, c forge.Command, a forge.Answer) error
	// About returns the keys of what a comment of ours is about; none if it is not one.
	About(ctx context.Context, p forge.PullRef, comment int64) (keys []string, err error)
	// Say writes in the conversation, once for each key since that time.
	Say(ctx context.Context, p forge.PullRef, key string, since time.Time, words string) error
}

// A request is a command with what it needs to be obeyed.
type request struct {
	forge.Event
	pull  forge.Pull
	rules policy.Policy
	verb  string
	words string                // after verb and finding
	about []finding.Fingerprint // what it may be about
	print finding.Fingerprint   // what it is about
	seen  history.Sighting      // zero unless print was found in the latest review
	all   []history.Sighting    // of about, in the latest review
}

// A verb is something that a command may ask for.
type verb struct {
	name   string
	author bool // the author of the pull request may, too, without the right to write
	about  subjectOf
	obey   func(*Bot, context.Context, *request) (a forge.Answer, again bool, err error)
	// meant reports whether it can be about a finding, where a thread has several
	// and it names none. Nil: it is about all of them.
	meant func(r *request, s history.Sighting, excepted []history.Exception) bool
}

// subjectOf says what a command is about.
type subjectOf int

const (
	pullItself  subjectOf = iota
	aFinding              // one of the latest review
	anException           // one finding, whether a review still has it or not, also on a closed pull request
)

// verbs are all commands. Add yours here, and in report.Help.
func verbs() []verb {
	return []verb{
		{"ignore", false, aFinding, (*Bot).except, isOpen},
		{"approve", false, aFinding, (*Bot).approve, waits},
		{"withdraw", false, anException, (*Bot).withdraw, isExcepted},
		{"not-useful", false, aFinding, (*Bot).notUseful, anyOne},
		{"why", true, aFinding, (*Bot).why, nil},
		{"fix", false, pullItself, (*Bot).fixAsked, nil},
		{"rescan", true, pullItself, (*Bot).rescan, nil},
		{"help", true, pullItself, func(*Bot, context.Context, *request) (forge.Answer, bool, error) {
			return forge.Answer{Reaction: forge.Done, Words: report.Help()}, false, nil
		}, nil},
	}
}

// commanded does what somebody wrote to us, if they may, and answers in one
// line at the most. Nothing that the change brings is believed: who may what is
// the host's word and the default branch's.
func (b *Bot) commanded(ctx context.Context, e forge.Event) error {
	if b.Talk == nil || b.Access == nil || b.Accept == nil || b.Conversations == nil {
		return nil
	}
	r := &request{Event: e}
	answer, again, err := b.obey(ctx, r)
	if errors.Is(err, errTooMany) {
		zerolog.Ctx(ctx).Info().Str("sender", e.Sender.Login).Msg("ignored: too many commands by people who may not write here")
		return nil
	}
	if err != nil {
		return fmt.Errorf("obey comment %d on %v#%d: %w", e.Command.Comment, e.Repo, e.Number, err)
	}
	ref := forge.PullRef{Repo: e.Repo, Number: e.Number}
	zerolog.Ctx(ctx).Info().Str("command", r.verb).Str("sender", e.Sender.Login).Str("answer", string(answer.Reaction)).Msg("command")
	err = b.Talk.Answer(ctx, ref, e.Command, answer)
	if errors.Is(err, forge.ErrNotFound) || errors.Is(err, forge.ErrDenied) {
		// Deleted, locked or archived meanwhile: what was asked for is done all the same.
		zerolog.Ctx(ctx).Warn().Err(err).Msg("a command is not answered")
		err = nil
	} else if err != nil {
		err = fmt.Errorf("answer comment %d on %v: %w", e.Command.Comment, ref, err)
	}
	if again { // whatever became of the answer
		err = errors.Join(err, b.judgeAllWith(ctx, r))
	}
	return err
}

var errTooMany = errors.New("too many")

// obey returns the answer, and whether the pull requests with the finding are to be judged again.
func (b *Bot) obey(ctx context.Context, r *request) (forge.Answer, bool, error) {
	may, err := b.Access.MayWrite(ctx, r.Repo, r.Sender)
	if err != nil {
		return forge.Answer{}, false, err
	}
	if !may && !b.strangers.allow(r.Repo, r.Sender, b.Now()) {
		return forge.Answer{}, false, errTooMany
	}
	ref := forge.PullRef{Repo: r.Repo, Number: r.Number}
	opening, err := b.Forge.Begin(ctx, ref, append(policy.OwnersPaths(), policy.Path)...)
	if err != nil {
		return forge.Answer{}, false, err
	}
	r.pull = opening.Pull
	name, rest := cutWord(r.Command.Words)
	asked, known := verb{}, false
	for _, v := range verbs() {
		if strings.EqualFold(v.name, name) {
			asked, known = v, true
		}
	}
	r.verb, r.words = asked.name, rest
	switch author := r.pull.Author.ID == r.Sender.ID; {
	case !may && !(author && (asked.author || !known)):
		return refused(report.MayNot()), false, nil
	case !known:
		return unclear(report.NoSuchCommand()), false, nil
	case !r.pull.Open && asked.about != anException:
		return unclear(report.PullIsClosed()), false, nil
	}
	if asked.about != pullItself {
		if words, err := b.about(ctx, r, asked); err != nil || words != "" {
			return unclear(words), false, err
		}
	}
	in, err := b.policyFor(ctx, &subject{repo: r.pull.Repo, pull: &r.pull, opening: &opening})
	if err != nil {
		return forge.Answer{}, false, fmt.Errorf("read the policy: %w", err)
	}
	r.rules = in.Policy
	return asked.obey(b, ctx, r)
}

// cutWord cuts off the first word, at whatever space follows it.
func cutWord(s string) (word, rest string) {
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[:i], strings.TrimSpace(s[i:])
	}
	return s, ""
}

func refused(words string) forge.Answer { return forge.Answer{Reaction: forge.Refused, Words: words} }
func unclear(words string) forge.Answer { return forge.Answer{Reaction: forge.Unclear, Words: words} }

// named finds out which finding r names, or its thread is about. words says
// what is wrong, if anything is.
func (b *Bot) named(ctx context.Context, r *request) (words string, err error) {
	if first, rest := cutWord(r.words); policy.IsFingerprint(strings.Trim(first, "`")) {
		r.about, r.words = []finding.Fingerprint{finding.Fingerprint(strings.Trim(first, "`"))}, rest
	} else if r.Command.Thread != 0 {
		if r.about, err = b.Conversations.About(ctx, r.Repo, r.Command.Thread); err != nil {
			return "", err
		}
		if len(r.about) == 0 { // it was posted by the latest review, or is not ours
			keys, err := b.Talk.About(ctx, forge.PullRef{Repo: r.Repo, Number: r.Number}, r.Command.Thread)
			if err != nil {
				return "", err
			}
			for _, key := range keys {
				if policy.IsFingerprint(key) {
					r.about = append(r.about, finding.Fingerprint(key))
				}
			}
		}
	}
	if len(r.about) == 0 {
		return report.WhichFinding(r.verb), nil
	}
	return "", nil
}

// about finds out which finding of the latest review r is about.
func (b *Bot) about(ctx context.Context, r *request, v verb) (words string, err error) {
	if words, err := b.named(ctx, r); err != nil || words != "" {
		return words, err
	}
	for _, print := range r.about {
		seen, ok, err := b.Conversations.Sighted(ctx, forge.PullRef{Repo: r.Repo, Number: r.Number}, print)
		if err != nil {
			return "", err
		}
		if ok && !slices.ContainsFunc(r.all, func(s history.Sighting) bool { return s.Print == seen.Print }) {
			r.all = append(r.all, seen)
		}
	}
	if len(r.all) == 0 {
		r.print = r.about[0]
		if v.about == anException {
			return "", nil
		}
		return report.NotFoundHere(string(r.print)), nil
	}
	r.seen = r.all[0]
	if len(r.all) > 1 && v.meant != nil {
		if words, err = b.choose(ctx, r, v); err != nil || words != "" {
			return words, err
		}
	}
	r.print = r.seen.Print // it may have been named by its former one
	return "", nil
}

// choose takes the one of several findings that can be meant, if just one can.
func (b *Bot) choose(ctx context.Context, r *request, v verb) (words string, err error) {
	excepted, err := b.Conversations.Exceptions(ctx, r.Repo, b.Now())
	if err != nil {
		return "", err
	}
	var meant []history.Sighting
	for _, s := range r.all {
		names, err := b.Conversations.Names(ctx, r.Repo, s.Print)
		if err != nil {
			return "", err
		}
		of := slices.DeleteFunc(slices.Clone(excepted), func(e history.Exception) bool { return !slices.Contains(names, e.Print) })
		if v.meant(r, s, of) {
			meant = append(meant, s)
		}
	}
	if len(meant) != 1 {
		return report.WhichOfSeveral(r.verb, r.all), nil
	}
	r.seen = meant[0]
	return "", nil
}

func anyOne(*request, history.Sighting, []history.Exception) bool { return true }

func isOpen(_ *request, s history.Sighting, _ []history.Exception) bool {
	return s.Action != policy.Ignored.String()
}

func isExcepted(_ *request, _ history.Sighting, of []history.Exception) bool { return len(of) > 0 }

// waits also takes what the same command has approved before: it may come again.
func waits(r *request, _ history.Sighting, of []history.Exception) bool {
	return slices.ContainsFunc(of, func(e history.Exception) bool { return e.Approved.IsZero() || e.Approval == r.Key() })
}

// judgeAllWith has every pull request judged again that has the finding of r.
func (b *Bot) judgeAllWith(ctx context.Context, r *request) error {
	numbers, err := b.Conversations.With(ctx, r.Repo, r.print)
	if err != nil {
		return err
	}
	return b.judgeAgain(ctx, r.Event, numbers...)
}

// judgeAgain has pull requests judged again because of e.
func (b *Bot) judgeAgain(ctx context.Context, e forge.Event, numbers ...int) error {
	for _, n := range numbers {
		again := forge.Event{Kind: forge.PullChanged, Delivery: e.Delivery, Received: b.Now(), Repo: e.Repo, Number: n,
			SHA: e.SHA, Sender: e.Sender, Installation: e.Installation}
		if err := b.Accept(ctx, again, again.Key()); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bot) why(_ context.Context, r *request) (forge.Answer, bool, error) {
	return forge.Answer{Reaction: forge.Done, Words: report.Why(r.all...)}, false, nil
}

// rescan asks for another check of the present head, as the host's own button does.
func (b *Bot) rescan(ctx context.Context, r *request) (forge.Answer, bool, error) {
	again := r.Event
	again.Kind, again.Command, again.SHA, again.Received = forge.CheckAsked, forge.Command{}, r.pull.HeadSHA, b.Now()
	return forge.Answer{Reaction: forge.Done}, false, b.Accept(ctx, again, again.Key())
}

// notUseful keeps what somebody thinks of a finding, for the quality of its
// rule. It changes no verdict, and no rule either: a rule that too many find of
// no use is proposed to people.
func (b *Bot) notUseful(ctx context.Context, r *request) (forge.Answer, bool, error) {
	if words, err := b.badReason(ctx, r, r.words); err != nil || words != "" {
		return unclear(words), false, err
	}
	first, err := b.Conversations.Tell(ctx, r.Repo, history.Feedback{
		Said: r.Key(), Pull: r.Number, Print: r.print, KeyID: r.seen.KeyID, Rule: r.seen.Rule, Reason: r.words, By: r.Sender, At: r.Received,
	})
	if err != nil {
		return forge.Answer{}, false, err
	}
	if first && b.Meter != nil {
		scanner, _, _ := strings.Cut(r.seen.Rule, "/")
		b.Meter.NotUseful(scanner)
	}
	signal, proposed, err := b.Conversations.Weigh(ctx, r.Repo, r.seen.Rule, r.Key(), r.Received)
	if err != nil {
		return forge.Answer{}, false, err
	}
	words := report.Thanks()
	if proposed {
		words = report.Demotion(signal, r.rules.Security.Reviewers)
	}
	return forge.Answer{Reaction: forge.Done, Words: words}, false, nil
}
