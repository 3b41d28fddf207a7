package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

func (l *ledger) Begun(ctx context.Context, b history.Begun) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, b.Repo, b.At); err != nil {
			return err
		}
		// A review that is begun again has all its time again.
		_, err := tx.ExecContext(ctx, `
			INSERT INTO begun (repository, pull, sha, base, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (repository, pull, sha) DO UPDATE SET base = excluded.base, at = excluded.at`,
			b.Repo.ID, b.Pull, b.SHA, b.Base, l.when(b.At))
		return err
	})
	if err != nil {
		return fmt.Errorf("record that the check on %s of %v is under way: %w", b.SHA, b.Repo, err)
	}
	return nil
}

func (l *ledger) Ended(ctx context.Context, repo forge.Repo, pull int, sha string) error {
	_, err := l.sql.ExecContext(ctx, `DELETE FROM begun WHERE repository = $1 AND pull = $2 AND sha = $3`, repo.ID, pull, sha)
	if err != nil {
		return fmt.Errorf("record that the check on %s of %v has ended: %w", sha, repo, err)
	}
	return nil
}

func (l *ledger) UnderWay(ctx context.Context, repo forge.Repo, pull int) ([]history.Begun, error) {
	all, err := l.begun(ctx, `b.repository = $1 AND b.pull = $2 ORDER BY b.at`, repo.ID, pull)
	if err != nil {
		return nil, fmt.Errorf("read the checks under way on %v#%d: %w", repo, pull, err)
	}
	return all, nil
}

func (l *ledger) begun(ctx context.Context, where string, args ...any) ([]history.Begun, error) {
	var all []history.Begun
	err := l.each(ctx, func(rows *sql.Rows) error {
		var b history.Begun
		var at sql.NullInt64
		err := rows.Scan(&b.Repo.ID, &b.Repo.Installation, &b.Repo.Owner, &b.Repo.Name, &b.Repo.Default, &b.Pull, &b.SHA, &b.Base, &at)
		b.At = moment(at)
		all = append(all, b)
		return err
	}, `
		SELECT r.id, r.installation, r.owner, r.name, r.default_branch, b.pull, b.sha, b.base, b.at
		FROM begun b JOIN repositories r ON r.id = b.repository LEFT JOIN installations i ON i.id = r.installation
		WHERE `+where, args...)
	return all, err
}
