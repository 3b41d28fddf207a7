package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// rekey has what the run saw and the ledger knows by the key before go on under
// the present one, with all that was said of it.
func (w *writer) rekey(ctx context.Context, seen []sighted) error {
	for _, s := range seen {
		if s.Was == "" {
			continue
		}
		var id int64
		err := w.tx.QueryRowContext(ctx, `SELECT id FROM findings WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
			w.r.Repo.ID, w.r.OldKeyID, string(s.Was)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		for _, statement := range []string{
			// One that was found anew before the old key was named stays the one it is.
			`UPDATE findings SET key_id = $4, fingerprint = $5, former = $3 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3
				AND NOT EXISTS (SELECT 1 FROM findings WHERE repository = $1 AND key_id = $4 AND fingerprint = $5)`,
			`UPDATE exceptions SET key_id = $4, fingerprint = $5 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
			`UPDATE feedback SET key_id = $4, fingerprint = $5 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
		} {
			if _, err := w.tx.ExecContext(ctx, statement, w.r.Repo.ID, w.r.OldKeyID, string(s.Was), w.r.KeyID, string(s.Print)); err != nil {
				return err
			}
		}
		if _, err := w.tx.ExecContext(ctx, `UPDATE comments SET fingerprint = $3 WHERE repository = $1 AND fingerprint = $2`,
			w.r.Repo.ID, string(s.Was), string(s.Print)); err != nil {
			return err
		}
		if err := w.rekeyUses(ctx, s.Finding); err != nil {
			return err
		}
	}
	return nil
}

// rekeyUses does the same for what is known of the exceptions of f that were
// asked for in comments. Those of a file change when somebody writes it anew.
func (w *writer) rekeyUses(ctx context.Context, f finding.Finding) error {
	renew := func(all []policy.Exception) []policy.Exception {
		all = slices.Clone(all)
		for i, e := range all {
			if e.Layer == policy.Conversation && e.Fingerprint == f.Was {
				all[i].Fingerprint = f.Print
			}
		}
		return all
	}
	before := w.r.Policy.Ignore
	w.r.Policy.Ignore, w.r.Verdict.InForce = renew(before), renew(w.r.Verdict.InForce)
	for i, e := range before {
		next := w.r.Policy.Ignore[i].ID()
		if e.ID() == next {
			continue
		}
		_, err := w.tx.ExecContext(ctx, `UPDATE exception_uses SET exception = $3 WHERE repository = $1 AND exception = $2
			AND NOT EXISTS (SELECT 1 FROM exception_uses WHERE repository = $1 AND exception = $3)`, w.r.Repo.ID, e.ID(), next)
		if err != nil {
			return err
		}
	}
	return nil
}

// present returns the fingerprint that a finding has now, whichever key made the one it is named by.
func (l *ledger) present(ctx context.Context, repo forge.Repo, print finding.Fingerprint) (finding.Fingerprint, error) {
	now := print
	err := l.sql.QueryRowContext(ctx, `SELECT fingerprint FROM findings WHERE repository = $1 AND former = $2`, repo.ID, string(print)).Scan(&now)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	return now, nil
}
