package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// organisation reads what an organisation sets for all its repositories. A file
// that does not parse, or that we are no longer shown, leaves the last valid
// one in force, and the notices say so: floors do not vanish by mistake. One
// that was taken away is gone. A file that cannot be read is an error.
func (b *Bot) organisation(ctx context.Context, repo forge.Repo) (text []byte, notices []string, err error) {
	text, err = b.ownersFile(ctx, repo, policy.OrganisationPath)
	var irregular *forge.IrregularError
	switch {
	case err == nil:
		if _, err = policy.Compose(policy.Layers{Organisation: text}); err == nil {
			return text, nil, b.Ledger.KeepOrganisation(ctx, repo.Installation, policy.OrganisationPath, text, b.Now())
		}
		notices = []string{report.OrganisationBroken(repo.Owner, err)}
	case errors.Is(err, forge.ErrNotFound):
		return nil, nil, b.Ledger.KeepOrganisation(ctx, repo.Installation, policy.OrganisationPath, nil, b.Now())
	case errors.As(err, &irregular):
		notices = []string{report.OrganisationBroken(repo.Owner, err)}
	case !errors.Is(err, forge.ErrDenied):
		return nil, nil, fmt.Errorf("read the organisation's file: %w", err)
	}
	text, _, err = b.Ledger.LastOrganisation(ctx, repo.Installation, policy.OrganisationPath)
	if err == nil && notices == nil && len(text) > 0 {
		notices = []string{report.OrganisationHidden(repo.Owner, policy.OrganisationPath)}
	}
	return text, notices, err
}

// ownersFile reads a file of the organisation, and all that there are with it,
// so that the forge need not be asked for each.
func (b *Bot) ownersFile(ctx context.Context, repo forge.Repo, path string) ([]byte, error) {
	files := b.Forge.OwnersFiles(ctx, repo, policy.OrganisationRepo, policy.OrganisationPath, policy.OrganisationRules)
	return files[path].Text, files[path].Err
}

// scanners are those for a repository: for secrets, with the rules that its
// organisation brings. digest tells all rules in use. Rules that are wrong are
// left out, and the notices say so. As with the organisation's policy, a file
// of which nothing can be used, or that we are no longer shown, leaves the last
// one in use, and one that cannot be read is an error.
func (b *Bot) scanners(ctx context.Context, repo forge.Repo) (all []scan.Scanner, digest string, notices []string, err error) {
	if b.OrganisationRules == nil {
		return b.Scanners, b.Options.Rules, nil, nil
	}
	const path = policy.OrganisationRules
	text, err := b.ownersFile(ctx, repo, path)
	var own scan.Scanner
	var irregular *forge.IrregularError
	switch {
	case err == nil:
		var wrong error
		if own, wrong = b.OrganisationRules(path, text); wrong != nil {
			notices = []string{report.OrganisationRulesWrong(repo.Owner, wrong)}
		}
	case errors.As(err, &irregular):
		notices = []string{report.OrganisationRulesWrong(repo.Owner, err)}
	case !errors.Is(err, forge.ErrNotFound) && !errors.Is(err, forge.ErrDenied):
		return nil, "", nil, fmt.Errorf("read the organisation's rules: %w", err)
	}
	if own != nil || errors.Is(err, forge.ErrNotFound) {
		err = b.Ledger.KeepOrganisation(ctx, repo.Installation, path, text, b.Now())
	} else if text, _, err = b.Ledger.LastOrganisation(ctx, repo.Installation, path); err == nil && len(text) > 0 {
		own, _ = b.OrganisationRules(path, text)
		if notices == nil {
			notices = []string{report.OrganisationHidden(repo.Owner, path)}
		}
	}
	if err != nil || own == nil {
		return b.Scanners, b.Options.Rules, notices, err
	}
	all = slices.Clone(b.Scanners)
	for i, s := range all {
		if s.Name() == own.Name() {
			all[i] = own
		}
	}
	sum := sha256.Sum256(text)
	return all, b.Options.Rules + hex.EncodeToString(sum[:8]), notices, nil
}

// lastRuling is the policy that was last valid, or the defaults, without
// asking the forge.
func (b *Bot) lastRuling(ctx context.Context, repo forge.Repo) (ruling, error) {
	organisation, _, err := b.Ledger.LastOrganisation(ctx, repo.Installation, policy.OrganisationPath)
	if err != nil {
		return ruling{}, err
	}
	text, _, err := b.Ledger.LastPolicy(ctx, repo)
	if err != nil {
		return ruling{}, err
	}
	return b.composed(policy.Layers{Organisation: organisation, Repository: text})
}
