package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
)

// A ruling is the policy in force, the texts that it was made of, and what its
// readers have to be told of them.
type ruling struct {
	policy.Policy
	layers  policy.Layers
	current []byte // the file at the default branch's tip, valid or not; nil if there is none
	notices []string
}

// policy reads the policy at the default branch's tip: a pull request does not
// choose its own judge. A file that does not parse leaves the last valid policy
// in force, and the notices say so. A file that cannot be read is an error: an
// unreadable policy is never read as a lax one.
func (b *Bot) policy(ctx context.Context, repo forge.Repo) (ruling, error) {
	text, err := b.Forge.ReadFile(ctx, repo, repo.Default, policy.Path)
	return b.rules(ctx, repo, text, err)
}

// policyFor is policy for a review, which may have the file already.
func (b *Bot) policyFor(ctx context.Context, s *subject) (ruling, error) {
	defer b.step("policy")()
	if s.opening == nil {
		return b.policy(ctx, s.repo)
	}
	file := s.opening.Files[policy.Path]
	in, err := b.rules(ctx, s.repo, file.Text, file.Err)
	if err != nil {
		return in, err
	}
	if bytes.Equal(in.layers.Repository, file.Text) { // else it is the one that last was valid
		in.Date(file.Text, file.Written)
	}
	for _, path := range policy.OwnersPaths() {
		file, asked := s.opening.Files[path]
		if !asked || errors.Is(file.Err, forge.ErrNotFound) {
			continue
		}
		var wrong []string
		if file.Err == nil {
			in.Owners, wrong = policy.ParseOwners(file.Text)
		} else {
			wrong = []string{"it cannot be read"} // who is named in a finding is no verdict
		}
		in.notices = append(in.notices, report.OwnersWrong(path, wrong)...)
		break
	}
	return in, nil
}

// rules makes a policy of text; err is that of getting it.
func (b *Bot) rules(ctx context.Context, repo forge.Repo, text []byte, err error) (ruling, error) {
	missing := errors.Is(err, forge.ErrNotFound)
	var irregular *forge.IrregularError
	if err != nil && !missing && !errors.As(err, &irregular) {
		return ruling{}, err
	}
	organisation, notices, orgErr := b.organisation(ctx, repo)
	if orgErr != nil {
		return ruling{}, orgErr
	}
	layers := policy.Layers{Organisation: organisation}
	var current []byte
	if err == nil {
		current = text
		_, err = policy.Parse(text)
	}
	switch {
	case missing:
	case err == nil:
		layers.Repository = text
		if err := b.Ledger.KeepPolicy(ctx, repo, text, b.Now()); err != nil {
			return ruling{}, err
		}
	default:
		notices = append(notices, report.PolicyBroken(repo.Default, err))
		if layers.Repository, _, err = b.Ledger.LastPolicy(ctx, repo); err != nil { // none: the defaults
			return ruling{}, err
		}
	}
	in, err := b.composed(layers)
	if err != nil {
		return ruling{}, fmt.Errorf("the policy that was last valid: %w", err)
	}
	in.current, in.notices = current, append(notices, report.UnsupportedKeys(in.Unsupported)...)
	return in, nil
}

func (b *Bot) composed(l policy.Layers) (ruling, error) {
	p, err := policy.Compose(l)
	return ruling{Policy: b.defaults(p), layers: l}, err
}

// explain tells each value of a ruling and where it comes from.
func (b *Bot) explain(in ruling) ([]policy.Setting, error) {
	all, err := policy.Explain(in.layers)
	for i, s := range all {
		if s.Key == "mode" && s.From == "default" && b.Options.Mode != "" {
			all[i].Value, all[i].From = string(b.Options.Mode), "operator"
		}
	}
	return all, err
}

// defaults fills in what a repository leaves to the operator.
func (b *Bot) defaults(p policy.Policy) policy.Policy {
	if p.Mode == "" {
		p.Mode = b.Options.Mode
	}
	return p
}
