package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// rekey has what the run saw and the ledger knows by the key before go on under
// the present one, with all that was said of it.
func (w *writer) rekey(ctx context.Context, seen []sighted) error {
	for _, s := range seen {
		for was, is := range s.Renamed() {
			if err := w.rename(ctx, was, is); err != nil {
				return err
			}
		}
		if s.Was == "" {
			continue
		}
		if err := w.rekeyUses(ctx, s.Finding); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) rename(ctx context.Context, was, is finding.Fingerprint) error {
	var id int64
	err := w.tx.QueryRowContext(ctx, `SELECT id FROM findings WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
		w.r.Repo.ID, w.r.OldKeyID, string(was)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, statement := range []string{
		// One that was found anew before the old key was named stays the one it is.
		`UPDATE findings SET key_id = $4, fingerprint = $5 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3
			AND NOT EXISTS (SELECT 1 FROM findings WHERE repository = $1 AND key_id = $4 AND fingerprint = $5)`,
		`UPDATE exceptions SET key_id = $4, fingerprint = $5 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
		`UPDATE feedback SET key_id = $4, fingerprint = $5 WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
	} {
		if _, err := w.tx.ExecContext(ctx, statement, w.r.Repo.ID, w.r.OldKeyID, string(was), w.r.KeyID, string(is)); err != nil {
			return err
		}
	}
	if err := w.called(ctx, was, `SELECT id FROM findings WHERE repository = $1 AND key_id = $3 AND fingerprint = $4`, w.r.KeyID, string(is)); err != nil {
		return err
	}
	return w.comments(ctx, was, is)
}

// called keeps that a finding, which the query returns, was called was.
func (w *writer) called(ctx context.Context, was finding.Fingerprint, query string, args ...any) error {
	_, err := w.tx.ExecContext(ctx, `INSERT INTO former_fingerprints (repository, fingerprint, finding) SELECT $1, $2, id FROM (`+query+`) present
		WHERE TRUE ON CONFLICT (repository, fingerprint) DO UPDATE SET finding = excluded.finding`, append([]any{w.r.Repo.ID, string(was)}, args...)...)
	return err
}

// comments makes those about one finding be about another.
func (w *writer) comments(ctx context.Context, was, is finding.Fingerprint) error {
	for _, statement := range []string{
		`DELETE FROM comments WHERE repository = $1 AND fingerprint = $2
			AND id IN (SELECT id FROM comments WHERE repository = $1 AND fingerprint = $3)`,
		`UPDATE comments SET fingerprint = $3 WHERE repository = $1 AND fingerprint = $2`,
	} {
		if _, err := w.tx.ExecContext(ctx, statement, w.r.Repo.ID, string(was), string(is)); err != nil {
			return err
		}
	}
	return nil
}

// join has findings that became one go on under its name: since when it is
// known, and its comments. What was excepted and said of one of them stays
// theirs, for it was not about the others; so do the sightings of earlier runs.
func (w *writer) join(ctx context.Context, seen []sighted) error {
	for _, s := range seen {
		if len(s.Joined) == 0 {
			continue
		}
		named, args := oneOf("fingerprint", 3, s.Joined)
		rows, err := w.tx.QueryContext(ctx, `SELECT id, fingerprint FROM findings f WHERE repository = $1 AND key_id = $2 AND `+named+`
			AND NOT EXISTS (SELECT 1 FROM former_fingerprints x WHERE x.repository = $1 AND x.fingerprint = f.fingerprint)`,
			append([]any{w.r.Repo.ID, w.r.KeyID}, args...)...)
		if err != nil {
			return err
		}
		parts := map[int64]finding.Fingerprint{}
		for rows.Next() {
			var id int64
			var print finding.Fingerprint
			if err := rows.Scan(&id, &print); err != nil {
				return errors.Join(err, rows.Close())
			}
			if print != s.Print {
				parts[id] = print
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for id, print := range parts {
			if err := w.inherit(ctx, s.Print, id, print); err != nil {
				return err
			}
		}
	}
	return nil
}

// inherit does that for one of them.
func (w *writer) inherit(ctx context.Context, is finding.Fingerprint, part int64, was finding.Fingerprint) error {
	var id int64
	if err := w.tx.QueryRowContext(ctx, `SELECT id FROM findings WHERE repository = $1 AND key_id = $2 AND fingerprint = $3`,
		w.r.Repo.ID, w.r.KeyID, string(is)).Scan(&id); err != nil {
		return err
	}
	for _, table := range []struct{ name, same string }{{"findings", "n.id = $1 AND o.id = $2"}, {"standings", "n.finding = $1 AND o.finding = $2 AND o.pull = n.pull"}} {
		for _, column := range []string{"first_seen", "first_shown"} {
			_, err := w.tx.ExecContext(ctx, `UPDATE `+table.name+` AS n SET `+column+` = (SELECT o.`+column+` FROM `+table.name+` o WHERE `+table.same+`)
				WHERE EXISTS (SELECT 1 FROM `+table.name+` o WHERE `+table.same+` AND (n.`+column+` IS NULL OR o.`+column+` < n.`+column+`) AND o.`+column+` IS NOT NULL)`, id, part)
			if err != nil {
				return err
			}
		}
	}
	// What was called otherwise before, too.
	if _, err := w.tx.ExecContext(ctx, `UPDATE former_fingerprints SET finding = $1 WHERE finding = $2`, id, part); err != nil {
		return err
	}
	if err := w.called(ctx, was, `SELECT id FROM findings WHERE id = $3`, id); err != nil {
		return err
	}
	return w.comments(ctx, was, is)
}

// rekeyUses does the same as rekey for what is known of the exceptions of f that
// were asked for in comments. Those of a file change when somebody writes it anew.
func (w *writer) rekeyUses(ctx context.Context, f finding.Finding) error {
	renew := func(all []policy.Exception) []policy.Exception {
		all = slices.Clone(all)
		for i, e := range all {
			if is, renamed := f.Renamed()[e.Fingerprint]; renamed && e.Layer == policy.Conversation {
				all[i].Fingerprint = is
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
