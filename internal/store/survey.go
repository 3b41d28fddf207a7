package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// survey is a history.Survey in SQL.
type survey struct{ *ledger }

var _ history.Survey = survey{}

// Survey returns what is believed of the host, as far as db knows.
func (db *DB) Survey() history.Survey { return survey{&ledger{db}} }

func (s survey) Installations(ctx context.Context) (map[int64]bool, error) {
	gone := map[int64]bool{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var id int64
		var left bool
		err := rows.Scan(&id, &left)
		gone[id] = left
		return err
	}, `SELECT id, uninstalled IS NOT NULL FROM installations`)
	if err != nil {
		return nil, fmt.Errorf("read the installations: %w", err)
	}
	return gone, nil
}

func (s survey) Repositories(ctx context.Context, installation int64) (map[int64]forge.Repo, error) {
	all := map[int64]forge.Repo{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		r := forge.Repo{Installation: installation}
		err := rows.Scan(&r.ID, &r.Owner, &r.Name, &r.Default)
		all[r.ID] = r
		return err
	}, `SELECT id, owner, name, default_branch FROM repositories WHERE installation = $1 AND removed IS NULL`, installation)
	if err != nil {
		return nil, fmt.Errorf("read the repositories of installation %d: %w", installation, err)
	}
	return all, nil
}

func (s survey) Open(ctx context.Context, repo forge.Repo) ([]int, error) {
	var all []int
	err := s.each(ctx, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		all = append(all, n)
		return err
	}, `SELECT number FROM pulls WHERE repository = $1 AND closed IS NULL ORDER BY number`, repo.ID)
	if err != nil {
		return nil, fmt.Errorf("read the open pull requests of %v: %w", repo, err)
	}
	return all, nil
}

func (s survey) Known(ctx context.Context, p forge.Pull) (history.Knowledge, error) {
	var here, elsewhere, passed, closed, draft bool
	err := s.sql.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM runs WHERE repository = $1 AND sha = $3 AND pull = $2 AND base_ref = $4 AND shown IS NOT NULL),
			EXISTS (SELECT 1 FROM runs WHERE repository = $1 AND sha = $3 AND pull = $2 AND shown IS NOT NULL),
			EXISTS (SELECT 1 FROM pulls WHERE repository = $1 AND number = $2 AND passed_over = $3),
			EXISTS (SELECT 1 FROM pulls WHERE repository = $1 AND number = $2 AND closed IS NOT NULL),
			EXISTS (SELECT 1 FROM pulls WHERE repository = $1 AND number = $2 AND draft)`,
		p.Repo.ID, p.Number, p.HeadSHA, text(p.BaseRef)).Scan(&here, &elsewhere, &passed, &closed, &draft)
	ready := draft && !p.Draft // by now
	switch {
	case err != nil:
		return history.Unknown, fmt.Errorf("read what was shown of %v at %s: %w", p.PullRef, p.HeadSHA, err)
	case !closed && !ready && (here || passed):
		return history.Settled, nil
	case elsewhere:
		return history.Stale, nil
	}
	return history.Unknown, nil
}

// PassOver keeps no text of p: it did not go through a redactor.
func (s survey) PassOver(ctx context.Context, p forge.Pull, at time.Time) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if err := s.sawRepo(ctx, tx, p.Repo, at); err != nil {
			return err
		}
		known := forge.Pull{PullRef: p.PullRef, ID: p.ID, Author: p.Author, Fork: p.Fork, Draft: p.Draft, Updated: p.Updated}
		if err := s.sawPull(ctx, tx, known, at); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE pulls SET passed_over = $3 WHERE repository = $1 AND number = $2`,
			p.Repo.ID, p.Number, p.HeadSHA)
		return err
	})
	if err != nil {
		return fmt.Errorf("pass over %v at %s: %w", p.PullRef, p.HeadSHA, err)
	}
	return nil
}

func (s survey) Overdue(ctx context.Context, before time.Time) ([]history.Begun, error) {
	all, err := s.begun(ctx, `r.removed IS NULL AND i.uninstalled IS NULL AND b.at < $1 ORDER BY b.at`, before.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read the checks that were begun before %v: %w", before.UTC(), err)
	}
	return all, nil
}

func (s survey) Position(ctx context.Context, name string) (time.Time, error) {
	var at sql.NullInt64
	err := s.sql.QueryRowContext(ctx, `SELECT at FROM positions WHERE name = $1`, name).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read how far %s has come: %w", name, err)
	}
	return moment(at), nil
}

func (s survey) SetPosition(ctx context.Context, name string, at time.Time) error {
	_, err := s.sql.ExecContext(ctx, `
		INSERT INTO positions (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at`, name, at.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep how far %s has come: %w", name, err)
	}
	return nil
}

func (s survey) Asked(ctx context.Context, guid string) (times int, last time.Time, err error) {
	var asked sql.NullInt64
	err = s.sql.QueryRowContext(ctx, `SELECT times, asked FROM redeliveries WHERE guid = $1`, text(guid)).Scan(&times, &asked)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, fmt.Errorf("read how often delivery %s was asked for: %w", guid, err)
	}
	return times, moment(asked), nil
}

func (s survey) Ask(ctx context.Context, guid string, at time.Time) error {
	_, err := s.sql.ExecContext(ctx, `
		INSERT INTO redeliveries (guid, times, asked) VALUES ($1, 1, $2)
		ON CONFLICT (guid) DO UPDATE SET times = redeliveries.times + 1, asked = excluded.asked`, text(guid), at.UnixMicro())
	if err != nil {
		return fmt.Errorf("keep that delivery %s is asked for: %w", guid, err)
	}
	return nil
}

func (s survey) Forget(ctx context.Context, before time.Time) error {
	if _, err := s.sql.ExecContext(ctx, `DELETE FROM redeliveries WHERE asked < $1`, before.UnixMicro()); err != nil {
		return fmt.Errorf("forget deliveries asked for before %v: %w", before.UTC(), err)
	}
	return nil
}

// each calls scan for each row of a query.
func (l *ledger) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := l.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
