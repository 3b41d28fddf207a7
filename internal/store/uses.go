package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// lastUseSlack is how exact the time of the last use is: it is not written at every run.
const lastUseSlack = 6 * time.Hour

// exceptions keeps which ones the policy of the run has, and which its verdict rests on.
func (w *writer) exceptions(ctx context.Context) error {
	if len(w.r.Policy.Ignore) == 0 {
		return nil
	}
	known, err := uses(ctx, w.tx, w.r.Repo)
	if err != nil {
		return err
	}
	at := w.at.UnixMicro()
	for _, e := range w.r.Policy.Ignore {
		if _, met := known[e.ID()]; met {
			continue
		}
		known[e.ID()] = history.Use{First: w.at}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO exception_uses (repository, exception, first_seen) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			w.r.Repo.ID, e.ID(), at)
		if err != nil {
			return err
		}
	}
	for _, e := range w.r.Verdict.InForce {
		if w.at.Sub(known[e.ID()].Last) < lastUseSlack {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, `UPDATE exception_uses SET last_used = $3 WHERE repository = $1 AND exception = $2`,
			w.r.Repo.ID, e.ID(), at); err != nil {
			return err
		}
	}
	return nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func uses(ctx context.Context, q querier, repo forge.Repo) (map[string]history.Use, error) {
	rows, err := q.QueryContext(ctx, `SELECT exception, first_seen, last_used, told_end, told_unused FROM exception_uses WHERE repository = $1`, repo.ID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	all := map[string]history.Use{}
	for rows.Next() {
		var id string
		var first, last, end, unused sql.NullInt64
		if err := rows.Scan(&id, &first, &last, &end, &unused); err != nil {
			return nil, err
		}
		all[id] = history.Use{First: moment(first), Last: moment(last), ToldEnd: moment(end), ToldUnused: moment(unused)}
	}
	return all, rows.Err()
}

func (l *ledger) Uses(ctx context.Context, repo forge.Repo) (map[string]history.Use, error) {
	all, err := uses(ctx, l.sql, repo)
	if err != nil {
		return nil, fmt.Errorf("read the uses of the exceptions of %v: %w", repo, err)
	}
	return all, nil
}

func (l *ledger) Reminded(ctx context.Context, repo forge.Repo, ending, unused []string, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		for column, list := range map[string][]string{"told_end": ending, "told_unused": unused} {
			for _, id := range list {
				_, err := tx.ExecContext(ctx, `
					INSERT INTO exception_uses (repository, exception, first_seen, `+column+`) VALUES ($1, $2, $3, $3)
					ON CONFLICT (repository, exception) DO UPDATE SET `+column+` = excluded.`+column, repo.ID, id, l.when(at))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep that the owners of exceptions of %v were told: %w", repo, err)
	}
	return nil
}

func (s survey) Excepting(ctx context.Context) ([]forge.Repo, error) {
	var all []forge.Repo
	err := s.each(ctx, func(rows *sql.Rows) error {
		var r forge.Repo
		err := rows.Scan(&r.ID, &r.Installation, &r.Owner, &r.Name, &r.Default)
		all = append(all, r)
		return err
	}, `SELECT r.id, r.installation, r.owner, r.name, r.default_branch FROM repositories r LEFT JOIN installations i ON i.id = r.installation
		WHERE r.removed IS NULL AND i.uninstalled IS NULL AND (r.policy IS NOT NULL OR EXISTS (SELECT 1 FROM exceptions e WHERE e.repository = r.id))
		ORDER BY r.id`)
	if err != nil {
		return nil, fmt.Errorf("read which repositories may have exceptions: %w", err)
	}
	return all, nil
}
