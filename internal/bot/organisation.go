package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// organisation reads what an organisation sets for all its repositories. A file
// that does not parse, or that we are no longer shown, leaves the last valid
// one in force, and the notices say so: floors do not vanish by mistake. One
// that was taken away is gone. A file that cannot be read is an error.
func (b *Bot) organisation(ctx context.Context, repo forge.Repo) (text []byte, notices []string, err error) {
	text, err = b.Forge.OwnersFile(ctx, repo, policy.OrganisationRepo, policy.OrganisationPath)
	var irregular *forge.IrregularError
	switch {
	case err == nil:
		if _, err = policy.Compose(policy.Layers{Organisation: text}); err == nil {
			return text, nil, b.Ledger.KeepOrganisation(ctx, repo.Installation, text, b.Now())
		}
		notices = []string{report.OrganisationBroken(repo.Owner, err)}
	case errors.Is(err, forge.ErrNotFound):
		return nil, nil, b.Ledger.KeepOrganisation(ctx, repo.Installation, nil, b.Now())
	case errors.As(err, &irregular):
		notices = []string{report.OrganisationBroken(repo.Owner, err)}
	case !errors.Is(err, forge.ErrDenied):
		return nil, nil, fmt.Errorf("read the organisation's file: %w", err)
	}
	text, _, err = b.Ledger.LastOrganisation(ctx, repo.Installation)
	if err == nil && notices == nil && len(text) > 0 {
		notices = []string{report.OrganisationHidden(repo.Owner)}
	}
	return text, notices, err
}

// lastRuling is the policy that was last valid, or the defaults, without
// asking the forge.
func (b *Bot) lastRuling(ctx context.Context, repo forge.Repo) (ruling, error) {
	organisation, _, err := b.Ledger.LastOrganisation(ctx, repo.Installation)
	if err != nil {
		return ruling{}, err
	}
	text, _, err := b.Ledger.LastPolicy(ctx, repo)
	if err != nil {
		return ruling{}, err
	}
	return b.composed(policy.Layers{Organisation: organisation, Repository: text})
}
