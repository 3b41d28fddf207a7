package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// policy reads the policy at the default branch's tip: a pull request does not
// choose its own judge. A file that does not parse leaves the last valid policy
// in force, and the notices say so. A file that cannot be read is an error: an
// unreadable policy is never read as a lax one.
func (b *Bot) policy(ctx context.Context, repo forge.Repo) (policy.Policy, []string, error) {
	text, err := b.Forge.ReadFile(ctx, repo, repo.Default, policy.Path)
	return b.rules(ctx, repo, text, err)
}

// policyFor is policy for a review, which may have the file already.
func (b *Bot) policyFor(ctx context.Context, s *subject) (policy.Policy, []string, error) {
	if s.opening == nil {
		return b.policy(ctx, s.repo)
	}
	file := s.opening.Files[policy.Path]
	rules, notices, err := b.rules(ctx, s.repo, file.Text, file.Err)
	if err != nil {
		return rules, notices, err
	}
	for _, path := range policy.OwnersPaths() {
		file, asked := s.opening.Files[path]
		if !asked || errors.Is(file.Err, forge.ErrNotFound) {
			continue
		}
		var wrong []string
		if file.Err == nil {
			rules.Owners, wrong = policy.ParseOwners(file.Text)
		} else {
			wrong = []string{"it cannot be read"} // who is named in a finding is no verdict
		}
		return rules, append(notices, report.OwnersWrong(path, wrong)...), nil
	}
	return rules, notices, nil
}

// rules reads text; err is that of getting it.
func (b *Bot) rules(ctx context.Context, repo forge.Repo, text []byte, err error) (policy.Policy, []string, error) {
	if errors.Is(err, forge.ErrNotFound) {
		return b.defaults(policy.Default()), nil, nil
	}
	var irregular *forge.IrregularError
	if err != nil && !errors.As(err, &irregular) {
		return policy.Policy{}, nil, err
	}
	var rules policy.Policy
	if err == nil {
		if rules, err = policy.Parse(text); err == nil {
			if err := b.Ledger.KeepPolicy(ctx, repo, text, b.Now()); err != nil {
				return policy.Policy{}, nil, err
			}
			return b.defaults(rules), nil, nil
		}
	}
	notice := report.PolicyBroken(repo.Default, err)
	last, ok, err := b.Ledger.LastPolicy(ctx, repo)
	if err != nil {
		return policy.Policy{}, nil, err
	}
	rules = policy.Default()
	if ok {
		if rules, err = policy.Parse(last); err != nil {
			return policy.Policy{}, nil, fmt.Errorf("the policy that was last valid: %w", err)
		}
	}
	return b.defaults(rules), []string{notice}, nil
}

// defaults fills in what a repository leaves to the operator.
func (b *Bot) defaults(p policy.Policy) policy.Policy {
	if p.Mode == "" {
		p.Mode = b.Options.Mode
	}
	return p
}
