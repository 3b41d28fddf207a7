package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// ledger is a history.Ledger in SQL.
//
// Lock order: the row of the repository, then that of the pull request, then
// the rest. Every method that writes begins by upserting the first it needs.
type ledger struct{ *DB }

var _ history.Ledger = (*ledger)(nil)

func (l *ledger) Moved(ctx context.Context, repo forge.Repo, at time.Time) error {
	err := l.tx(ctx, func(tx *sql.Tx) error { return l.sawRepo(ctx, tx, repo, at) })
	if err != nil {
		return fmt.Errorf("record the name of %v: %w", repo, err)
	}
	return nil
}

func (l *ledger) KeepPolicy(ctx context.Context, repo forge.Repo, text []byte, at time.Time) error {
	if text == nil {
		text = []byte{} // a NULL would not be a text
	}
	id := digest(string(text))
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, repo, at); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO policies (repository, digest, text, first_kept, last_kept) VALUES ($1, $2, $3, $4, $4)
			ON CONFLICT (repository, digest) DO UPDATE SET last_kept = excluded.last_kept`,
			repo.ID, id, text, l.when(at))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE repositories SET policy = $2 WHERE id = $1`, repo.ID, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the policy of %v: %w", repo, err)
	}
	return nil
}

func (l *ledger) LastPolicy(ctx context.Context, repo forge.Repo) ([]byte, bool, error) {
	var text []byte
	err := l.sql.QueryRowContext(ctx, `
		SELECT p.text FROM repositories r JOIN policies p ON p.repository = r.id AND p.digest = r.policy
		WHERE r.id = $1`, repo.ID).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the last policy of %v: %w", repo, err)
	}
	return text, true, nil
}

func (l *ledger) Proposed(ctx context.Context, repo forge.Repo, u history.Upgrade) error {
	advisories, err := json.Marshal(u.Advisories)
	if err != nil {
		return fmt.Errorf("record the upgrade of %s in %v: %w", u.Package, repo, err)
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, repo, u.At); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO upgrades (repository, ecosystem, package, from_version, to_version, pull, why, advisories, first_at, last_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
			ON CONFLICT (repository, ecosystem, package, from_version, to_version, pull, why)
			DO UPDATE SET advisories = excluded.advisories, last_at = excluded.last_at`,
			repo.ID, text(u.Ecosystem), text(u.Package), text(u.From), text(u.To), u.Pull, text(u.Why),
			string(advisories), l.when(u.At))
		return err
	})
	if err != nil {
		return fmt.Errorf("record the upgrade of %s in %v: %w", u.Package, repo, err)
	}
	return nil
}

// sawRepo keeps that repo exists under its name at a time. What is older than
// what is known changes no name: events come late.
func (l *ledger) sawRepo(ctx context.Context, tx *sql.Tx, repo forge.Repo, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO repositories (id, installation, owner, name, named, default_branch, first_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $5)
		ON CONFLICT (id) DO UPDATE SET
			owner = CASE WHEN excluded.named >= repositories.named AND excluded.name <> ''
				THEN excluded.owner ELSE repositories.owner END,
			name = CASE WHEN excluded.named >= repositories.named AND excluded.name <> ''
				THEN excluded.name ELSE repositories.name END,
			installation = CASE WHEN excluded.named >= repositories.named AND excluded.installation <> 0
				THEN excluded.installation ELSE repositories.installation END,
			default_branch = CASE WHEN excluded.named >= repositories.named AND excluded.default_branch <> ''
				THEN excluded.default_branch ELSE repositories.default_branch END,
			named = CASE WHEN excluded.named > repositories.named THEN excluded.named ELSE repositories.named END`,
		repo.ID, repo.Installation, text(repo.Owner), text(repo.Name), l.when(at), text(repo.Default))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO repository_names (repository, owner, name, since)
		SELECT id, owner, name, named FROM repositories r
		WHERE id = $1 AND NOT EXISTS (
			SELECT 1 FROM repository_names n WHERE n.repository = r.id AND n.owner = r.owner AND n.name = r.name
			AND n.since = (SELECT MAX(since) FROM repository_names WHERE repository = r.id))
		ON CONFLICT DO NOTHING`, repo.ID)
	return err
}

// sawAccount does for an account what sawRepo does for a repository.
func (l *ledger) sawAccount(ctx context.Context, tx *sql.Tx, u forge.User, at time.Time) error {
	if u.ID == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO accounts (id, login, named) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET
			login = CASE WHEN excluded.named >= accounts.named AND excluded.login <> ''
				THEN excluded.login ELSE accounts.login END,
			named = CASE WHEN excluded.named > accounts.named THEN excluded.named ELSE accounts.named END`,
		u.ID, text(u.Login), l.when(at))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO account_names (account, login, since)
		SELECT id, login, named FROM accounts a
		WHERE id = $1 AND NOT EXISTS (
			SELECT 1 FROM account_names n WHERE n.account = a.id AND n.login = a.login
			AND n.since = (SELECT MAX(since) FROM account_names WHERE account = a.id))
		ON CONFLICT DO NOTHING`, u.ID)
	return err
}

// when is at as a column holds it; what has no time of its own happens now.
func (l *ledger) when(at time.Time) int64 {
	if at.IsZero() {
		at = l.now()
	}
	return at.UnixMicro()
}
