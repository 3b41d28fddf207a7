package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// sawPull keeps p as it stands; what p leaves out stays as it was known. Its
// texts must have gone through the redactor of the change.
func (l *ledger) sawPull(ctx context.Context, tx *sql.Tx, p forge.Pull, at time.Time) error {
	if err := l.sawAccount(ctx, tx, p.Author, at); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO pulls (repository, number, id, title, author, base_ref, head_ref, head_sha, fork, draft, url, updated, first_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (repository, number) DO UPDATE SET
			id = COALESCE(NULLIF(excluded.id, 0), pulls.id),
			title = COALESCE(NULLIF(excluded.title, ''), pulls.title),
			author = COALESCE(NULLIF(excluded.author, 0), pulls.author),
			base_ref = COALESCE(NULLIF(excluded.base_ref, ''), pulls.base_ref),
			head_ref = COALESCE(NULLIF(excluded.head_ref, ''), pulls.head_ref),
			head_sha = COALESCE(NULLIF(excluded.head_sha, ''), pulls.head_sha),
			fork = excluded.fork,
			draft = excluded.draft,
			url = COALESCE(NULLIF(excluded.url, ''), pulls.url),
			updated = COALESCE(excluded.updated, pulls.updated)`,
		p.Repo.ID, p.Number, p.ID, text(p.Title), p.Author.ID, text(p.BaseRef), text(p.HeadRef), text(p.HeadSHA),
		p.Fork, p.Draft, text(p.URL), stamp(p.Updated), l.when(at))
	return err
}

// reopened takes back what Closed did to a pull request that is open.
func (l *ledger) reopened(ctx context.Context, tx *sql.Tx, ref forge.PullRef) error {
	var closed sql.NullInt64
	err := tx.QueryRowContext(ctx, `SELECT closed FROM pulls WHERE repository = $1 AND number = $2`,
		ref.Repo.ID, ref.Number).Scan(&closed)
	if err != nil || !closed.Valid {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE pulls SET closed = NULL, merged = NULL WHERE repository = $1 AND number = $2`,
		ref.Repo.ID, ref.Number); err != nil {
		return err
	}
	return l.standAgain(ctx, tx, ref)
}

// standAgain has those findings stand that ended with the pull request.
func (l *ledger) standAgain(ctx context.Context, tx *sql.Tx, ref forge.PullRef) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE standings SET fixed = NULL, fixed_sha = '', how = ''
		WHERE pull = $2 AND how = 'closed' AND finding IN (SELECT id FROM findings WHERE repository = $1)`,
		ref.Repo.ID, ref.Number)
	return err
}

// Closed keeps no text of p: they did not go through the redactor of its change.
// The head it does: one that nobody looked at may be what was merged.
func (l *ledger) Closed(ctx context.Context, p forge.Pull, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, p.Repo, at); err != nil {
			return err
		}
		known := forge.Pull{PullRef: p.PullRef, ID: p.ID, Author: p.Author, HeadSHA: p.HeadSHA, Fork: p.Fork, Draft: p.Draft, Updated: p.Updated}
		if err := l.sawPull(ctx, tx, known, at); err != nil {
			return err
		}
		var merged any
		if p.Merged {
			merged = l.when(at)
		}
		// The first time counts: a delivery may come again.
		_, err := tx.ExecContext(ctx, `
			UPDATE pulls SET closed = COALESCE(closed, $3), merged = COALESCE(merged, $4)
			WHERE repository = $1 AND number = $2`, p.Repo.ID, p.Number, l.when(at), merged)
		if err != nil {
			return err
		}
		if p.Merged { // what was merged stands on, in the base, also if it was closed for a while before
			return l.standAgain(ctx, tx, p.PullRef)
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE standings SET fixed = $3, how = 'closed'
			WHERE pull = $2 AND fixed IS NULL AND finding IN (SELECT id FROM findings WHERE repository = $1)`,
			p.Repo.ID, p.Number, l.when(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("record that %v was closed: %w", p.PullRef, err)
	}
	return nil
}

func (l *ledger) At(ctx context.Context, repo forge.Repo, sha string) ([]history.Standing, error) {
	standings, err := l.at(ctx, repo, sha)
	if err != nil {
		return nil, fmt.Errorf("read the verdicts on %s of %v: %w", sha, repo, err)
	}
	return standings, nil
}

func (l *ledger) at(ctx context.Context, repo forge.Repo, sha string) ([]history.Standing, error) {
	rows, err := l.sql.QueryContext(ctx, `
		SELECT r.pull, r.outcome, COALESCE(p.title, ''), r.base_ref, r.merge_base
		FROM runs r LEFT JOIN pulls p ON p.repository = r.repository AND p.number = r.pull
		WHERE r.repository = $1 AND r.sha = $2 AND p.closed IS NULL AND r.id = (
			SELECT MAX(id) FROM runs WHERE repository = r.repository AND sha = r.sha AND pull = r.pull)
		ORDER BY r.pull`, repo.ID, sha)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []history.Standing
	for rows.Next() {
		var s history.Standing
		var outcome string
		if err := rows.Scan(&s.Pull, &outcome, &s.Title, &s.BaseRef, &s.MergeBase); err != nil {
			return nil, err
		}
		if s.Outcome, err = parseOutcome(outcome); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// parseOutcome never takes what it does not know for a pass.
func parseOutcome(name string) (policy.Outcome, error) {
	for o := policy.Pass; o <= policy.Fail; o++ {
		if o.String() == name {
			return o, nil
		}
	}
	return policy.Fail, fmt.Errorf("%q is not an outcome", name)
}

// Posted keeps the ids even if no run on sha was recorded.
func (l *ledger) Posted(ctx context.Context, repo forge.Repo, pull int, sha string, check forge.CheckID, comments forge.Placed, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, repo, at); err != nil {
			return err
		}
		var run sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT MAX(id) FROM runs WHERE repository = $1 AND pull = $2 AND sha = $3`,
			repo.ID, pull, sha).Scan(&run)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := l.shown(ctx, tx, run, pull, at); err != nil {
			return err
		}
		// What was posted is complete.
		if _, err := tx.ExecContext(ctx, `DELETE FROM begun WHERE repository = $1 AND pull = $2 AND sha = $3`, repo.ID, pull, sha); err != nil {
			return err
		}
		if check != 0 {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO checks (repository, id, pull, sha, run, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
				ON CONFLICT (repository, id, pull) DO UPDATE SET run = excluded.run, last_at = excluded.last_at`,
				repo.ID, int64(check), pull, sha, run, l.when(at))
			if err != nil {
				return err
			}
		}
		for fingerprint, id := range comments {
			if id <= 0 {
				continue // the next review knows it
			}
			_, err := tx.ExecContext(ctx, `
				INSERT INTO comments (repository, id, pull, fingerprint, first_sha, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
				ON CONFLICT (repository, id, fingerprint) DO UPDATE SET last_at = excluded.last_at`,
				repo.ID, id, pull, fingerprint, sha, l.when(at))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record what was posted on %s of %v: %w", sha, repo, err)
	}
	return nil
}

// shown keeps when a run and its findings were first shown. An ignored finding is not.
func (l *ledger) shown(ctx context.Context, tx *sql.Tx, run sql.NullInt64, pull int, at time.Time) error {
	if !run.Valid {
		return nil
	}
	const visible = `(SELECT finding FROM sightings WHERE run = $1 AND action <> 'ignored')`
	for _, statement := range []string{
		`UPDATE runs SET shown = $2 WHERE id = $1 AND shown IS NULL`,
		`UPDATE findings SET first_shown = $2 WHERE first_shown IS NULL AND id IN ` + visible,
	} {
		if _, err := tx.ExecContext(ctx, statement, run.Int64, l.when(at)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx,
		`UPDATE standings SET first_shown = $2 WHERE first_shown IS NULL AND pull = $3 AND finding IN `+visible,
		run.Int64, l.when(at), pull)
	return err
}
