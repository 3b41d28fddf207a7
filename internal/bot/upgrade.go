package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/upgrade"
)

// upgrade proposes the upgrades that settle known vulnerabilities of the
// default branch, as many as policy and operator allow.
func (b *Bot) upgrade(ctx context.Context, e forge.Event) error {
	if b.Planner == nil {
		return nil
	}
	if err := b.propose(ctx, e.Repo); err != nil {
		return fmt.Errorf("upgrade the dependencies of %v: %w", e.Repo, err)
	}
	return nil
}

func (b *Bot) propose(ctx context.Context, repo forge.Repo) error {
	rules, err := b.policy(ctx, repo)
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	want := rules.Upgrades
	if !want.Enabled || want.Open <= 0 {
		return nil
	}
	sha, err := b.Forge.Tip(ctx, repo, repo.Default) // the present tip, whatever the delivery said
	if err != nil {
		return fmt.Errorf("find the tip of %s: %w", repo.Default, err)
	}
	remote, err := b.Forge.Remote(ctx, repo)
	if err != nil {
		return fmt.Errorf("ask for a token to fetch: %w", err)
	}
	tree, err := b.Source.Tree(ctx, remote, sha)
	if err != nil {
		return fmt.Errorf("fetch the tree: %w", err)
	}
	plans, refused, planErr := b.Planner.Plan(ctx, tree.After, want, upgrade.Loader(tree.After, tree.Contents))
	for _, r := range refused {
		entry := history.Upgrade{Ecosystem: r.Ecosystem, Package: r.Package, From: r.From, To: r.To, Why: report.UpgradeRefused(r), At: b.Now()}
		for _, a := range r.Known {
			entry.Advisories = append(entry.Advisories, a.ID)
		}
		if err := b.Ledger.Proposed(ctx, repo, entry); err != nil {
			return err
		}
	}
	open, err := b.Forge.Proposals(ctx, repo)
	if err != nil {
		return fmt.Errorf("list our open pull requests: %w", err)
	}
	limit, err := b.allowed(ctx, repo, want.Open)
	if err != nil {
		return err
	}
	for _, p := range plans {
		_, known := open[p.Branch()]
		entry := entryFor(p, b.Now())
		if !known && len(open) >= limit {
			entry.Why = fmt.Sprintf("%d upgrade pull requests are open or allowed now", limit)
		} else if ref, err := b.put(ctx, repo, p, sha, want.Labels); errors.Is(err, forge.ErrDenied) {
			entry.Why = "GitHub refused it: " + err.Error()
			zerolog.Ctx(ctx).Warn().Err(err).Str("branch", p.Branch()).Msg("upgrade refused")
		} else if err != nil {
			return err
		} else {
			open[p.Branch()], entry.Pull = ref, ref.Number
			zerolog.Ctx(ctx).Info().Stringer("proposal", ref).Str("package", p.Package).Str("to", p.To).Msg("upgrade proposed")
		}
		if err := b.Ledger.Proposed(ctx, repo, entry); err != nil {
			return err
		}
	}
	return planErr
}

func (b *Bot) put(ctx context.Context, repo forge.Repo, p upgrade.Plan, sha string, labels []string) (forge.PullRef, error) {
	proposal, err := b.Options.Texts.Proposal(p, repo.Default, sha, labels)
	if err != nil {
		return forge.PullRef{}, err
	}
	ref, err := b.Forge.PutProposal(ctx, repo, proposal)
	if err != nil {
		return ref, fmt.Errorf("propose %s: %w", strings.ToLower(proposal.Title), err)
	}
	return ref, nil
}

// allowed bounds how many of our pull requests may be open: on the first day
// of an installation only as many as the operator said. Nobody wants to be
// greeted with a pile of pull requests.
func (b *Bot) allowed(ctx context.Context, repo forge.Repo, open int) (int, error) {
	since, err := b.Ledger.InstalledAt(ctx, repo)
	if err != nil {
		return 0, err
	}
	if since.IsZero() || b.Now().Sub(since) < 24*time.Hour {
		return min(open, b.Options.FirstDay), nil
	}
	return open, nil
}

func entryFor(p upgrade.Plan, now time.Time) history.Upgrade {
	u := history.Upgrade{Ecosystem: p.Ecosystem, Package: p.Package, From: p.From, To: p.To, At: now}
	for _, a := range p.Settles {
		u.Advisories = append(u.Advisories, a.ID)
	}
	return u
}
