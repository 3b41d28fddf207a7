package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// backtested is how many pull requests a changed policy is tried on.
const backtested = 200

// policyChange tells what the policy that a change brings would come to: the
// values that differ from those in force, and how many of the last pull
// requests it would have blocked. It says nothing of a file that is not valid:
// report.PolicyNotices does.
func (b *Bot) policyChange(ctx context.Context, s *subject, in ruling, diff *change.Change) ([]string, error) {
	if !report.BringsPolicy(diff) {
		return nil, nil
	}
	brought := in.layers
	text, err := fs.ReadFile(diff.After, policy.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		brought.Repository = nil
	case err != nil:
		return nil, nil
	default:
		brought.Repository = text
		if _, err := policy.ParseChange(in.current, text); err != nil {
			return nil, nil
		}
	}
	next, err := policy.Compose(brought)
	if err != nil {
		return nil, nil
	}
	before, err := policy.Explain(in.layers)
	if err != nil {
		return nil, fmt.Errorf("explain the policy in force: %w", err)
	}
	after, err := policy.Explain(brought)
	if err != nil {
		return nil, fmt.Errorf("explain the policy that the change brings: %w", err)
	}
	past, err := b.Ledger.Past(ctx, s.repo, backtested)
	if err != nil {
		return nil, err
	}
	return []string{report.PolicyChange(policy.Differences(before, after), len(past),
		in.Blocked(past, b.Now()), b.defaults(next).Blocked(past, b.Now()))}, nil
}
