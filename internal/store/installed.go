package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

func (l *ledger) Installed(ctx context.Context, e forge.Event) error {
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawAccount(ctx, tx, e.Account, e.Received); err != nil {
			return err
		}
		if e.Kind == forge.Uninstalled {
			return l.uninstalled(ctx, tx, e)
		}
		return l.installed(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("record installation %d, %s: %w", e.Installation, e.Kind, err)
	}
	return nil
}

func (l *ledger) installed(ctx context.Context, tx *sql.Tx, e forge.Event) error {
	// An event that comes later than the one that ended the installation, but
	// was sent before it, does not bring it back.
	_, err := tx.ExecContext(ctx, `
		INSERT INTO installations (id, account, installed) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET
			account = CASE WHEN excluded.account <> 0 THEN excluded.account ELSE installations.account END,
			installed = COALESCE(installations.installed, excluded.installed),
			uninstalled = CASE WHEN installations.uninstalled > excluded.installed THEN installations.uninstalled END`,
		e.Installation, e.Account.ID, l.when(e.Received))
	if err != nil {
		return err
	}
	for _, repo := range e.Added {
		repo.Installation = e.Installation
		// Where the App was gone in between, it comes anew.
		_, err := tx.ExecContext(ctx, `
			UPDATE repositories SET served = NULL WHERE id = $1 AND installation <> $2 AND EXISTS (
				SELECT 1 FROM installations i WHERE i.id = repositories.installation AND i.uninstalled IS NOT NULL)`,
			repo.ID, e.Installation)
		if err != nil {
			return err
		}
		if err := l.sawRepo(ctx, tx, repo, e.Received); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE repositories SET served = COALESCE(served, $2), removed = NULL WHERE id = $1`,
			repo.ID, l.when(e.Received))
		if err != nil {
			return err
		}
	}
	for _, repo := range e.Removed {
		if err := l.sawRepo(ctx, tx, repo, e.Received); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE repositories SET removed = $2 WHERE id = $1`,
			repo.ID, l.when(e.Received)); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) uninstalled(ctx context.Context, tx *sql.Tx, e forge.Event) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO installations (id, account, uninstalled) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET
			account = CASE WHEN excluded.account <> 0 THEN excluded.account ELSE installations.account END,
			uninstalled = excluded.uninstalled`,
		e.Installation, e.Account.ID, l.when(e.Received))
	return err
}

// InstalledAt falls back on the installation for a repository that no event
// named: one that was made after the App came to all of an account.
func (l *ledger) InstalledAt(ctx context.Context, repo forge.Repo) (time.Time, error) {
	var served sql.NullInt64
	err := l.sql.QueryRowContext(ctx, `
		SELECT COALESCE((SELECT served FROM repositories WHERE id = $1), (SELECT installed FROM installations WHERE id = $2))`,
		repo.ID, repo.Installation).Scan(&served)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when %v was first served: %w", repo, err)
	}
	return moment(served), nil
}

// Left says no while an event of the installation waits to be worked off: it
// may be the one that brings the account back.
func (l *ledger) Left(ctx context.Context, installation int64) (bool, error) {
	var left bool
	err := l.sql.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM installations WHERE id = $1 AND uninstalled IS NOT NULL)
			AND NOT EXISTS (SELECT 1 FROM queue_items WHERE key = $2 AND state = 'waiting')`,
		installation, forge.Event{Kind: forge.Installed, Installation: installation}.Key()).Scan(&left)
	if err != nil {
		return false, fmt.Errorf("read whether installation %d has ended: %w", installation, err)
	}
	return left, nil
}

// Purge also takes what the queue keeps of an account. A job that is left
// without its row ends as soon as it is taken.
func (l *ledger) Purge(ctx context.Context, before time.Time) error {
	const gone = `(SELECT id FROM installations WHERE uninstalled < $1)`
	err := l.tx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM queue_items WHERE installation IN ` + gone,
			`DELETE FROM deliveries WHERE installation IN ` + gone,
			`DELETE FROM repositories WHERE installation IN ` + gone, // and all that refers to them
			`DELETE FROM organisations WHERE installation IN ` + gone,
			`DELETE FROM installations WHERE uninstalled < $1`,
		} {
			if _, err := tx.ExecContext(ctx, statement, before.UnixMicro()); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			DELETE FROM accounts WHERE id NOT IN (SELECT account FROM installations)
			AND id NOT IN (SELECT author FROM pulls) AND id NOT IN (SELECT account FROM feedback)
			AND id NOT IN (SELECT account FROM exceptions) AND id NOT IN (SELECT approver FROM exceptions)
			AND id NOT IN (SELECT withdrawer FROM exceptions)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("purge what was uninstalled before %v: %w", before.UTC(), err)
	}
	return nil
}
