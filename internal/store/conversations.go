package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

var _ history.Conversations = (*ledger)(nil)

// Conversations returns what people told us in comments.
func (db *DB) Conversations() history.Conversations { return &ledger{db} }

func (l *ledger) About(ctx context.Context, repo forge.Repo, comment int64) (finding.Fingerprint, error) {
	var print finding.Fingerprint
	err := l.sql.QueryRowContext(ctx, `SELECT fingerprint FROM comments WHERE repository = $1 AND id = $2`, repo.ID, comment).Scan(&print)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read what comment %d of %v is about: %w", comment, repo, err)
	}
	return print, nil
}

// latest is the latest run of pull request p of repository r, in SQL.
const latest = `SELECT MAX(id) FROM runs WHERE repository = r.repository AND pull = r.pull`

func (l *ledger) Sighted(ctx context.Context, ref forge.PullRef, print finding.Fingerprint) (history.Sighting, bool, error) {
	var s history.Sighting
	var first sql.NullInt64
	var result string
	var former finding.Fingerprint
	err := l.sql.QueryRowContext(ctx, `
		SELECT f.fingerprint, f.former, f.key_id, f.rule, g.severity, g.path, g.start_line, g.action, g.why, f.first_seen, r.sha, r.result
		FROM runs r JOIN sightings g ON g.run = r.id JOIN findings f ON f.id = g.finding
		WHERE r.repository = $1 AND r.pull = $2 AND (f.fingerprint = $3 OR f.former = $3) AND r.id = (`+latest+`)`,
		ref.Repo.ID, ref.Number, string(print)).Scan(&s.Print, &former, &s.KeyID, &s.Rule, &s.Severity, &s.Path, &s.Line, &s.Action, &s.Why, &first, &s.Head, &result)
	if errors.Is(err, sql.ErrNoRows) {
		return history.Sighting{}, false, nil
	}
	if err != nil {
		return history.Sighting{}, false, fmt.Errorf("read the latest sighting of %s on %v: %w", print, ref, err)
	}
	s.First = moment(first)
	s.Paths, err = pathsOf(result, s.Print, former)
	if err != nil {
		return history.Sighting{}, false, fmt.Errorf("read the places of %s on %v: %w", print, ref, err)
	}
	return s, true, nil
}

// pathsOf returns the paths of all places that a finding has in a result, in
// which it may have its former fingerprint.
func pathsOf(result string, prints ...finding.Fingerprint) ([]string, error) {
	var form struct {
		Findings []struct {
			Print finding.Fingerprint `json:"fingerprint"`
			At    change.Span         `json:"at"`
			Also  []change.Span       `json:"also"`
		} `json:"findings"`
	}
	if err := json.Unmarshal([]byte(result), &form); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range form.Findings {
		if !slices.Contains(prints, f.Print) {
			continue
		}
		for _, at := range append([]change.Span{f.At}, f.Also...) {
			if !slices.Contains(paths, at.Path) {
				paths = append(paths, at.Path)
			}
		}
	}
	return paths, nil
}

func (l *ledger) With(ctx context.Context, repo forge.Repo, print finding.Fingerprint) ([]int, error) {
	var all []int
	err := l.each(ctx, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		all = append(all, n)
		return err
	}, `SELECT r.pull FROM findings f JOIN sightings g ON g.finding = f.id JOIN runs r ON r.id = g.run
		JOIN pulls p ON p.repository = r.repository AND p.number = r.pull
		WHERE f.repository = $1 AND (f.fingerprint = $2 OR f.former = $2) AND p.closed IS NULL AND r.id = (`+latest+`) ORDER BY r.pull`,
		repo.ID, string(print))
	if err != nil {
		return nil, fmt.Errorf("read which pull requests of %v have %s: %w", repo, print, err)
	}
	return all, nil
}

func (l *ledger) Except(ctx context.Context, repo forge.Repo, e history.Exception) error {
	paths, err := json.Marshal(e.Paths)
	if err != nil {
		return err
	}
	_, err = l.told(ctx, repo, e.By, e.At, `
		INSERT INTO exceptions (repository, asked, pull, fingerprint, key_id, rule, paths, reason, account, login, at, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		repo.ID, e.Asked, e.Pull, string(e.Print), e.KeyID, e.Rule, text(string(paths)), text(e.Reason), e.By.ID, text(e.By.Login), l.when(e.At), e.Until.UnixMicro())
	if err != nil {
		return err
	}
	_, err = l.sql.ExecContext(ctx, `
		UPDATE exceptions SET withdrawal = $3, withdrawer = $4, withdrawn = $5
		WHERE repository = $1 AND fingerprint = $2 AND account = $4 AND asked <> $3 AND approved IS NULL AND withdrawn IS NULL AND at < $5`,
		repo.ID, string(e.Print), e.Asked, e.By.ID, l.when(e.At))
	if err != nil {
		return fmt.Errorf("replace what %d asked for before in %v: %w", e.By.ID, repo, err)
	}
	return nil
}

func (l *ledger) Tell(ctx context.Context, repo forge.Repo, f history.Feedback) (bool, error) {
	return l.told(ctx, repo, f.By, f.At, `
		INSERT INTO feedback (repository, said, pull, fingerprint, key_id, rule, reason, account, login, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		repo.ID, f.Said, f.Pull, string(f.Print), f.KeyID, f.Rule, text(f.Reason), f.By.ID, text(f.By.Login), l.when(f.At))
}

// told keeps what by told us; first is false if it was kept before.
func (l *ledger) told(ctx context.Context, repo forge.Repo, by forge.User, at time.Time, insert string, args ...any) (first bool, err error) {
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, repo, at); err != nil {
			return err
		}
		if err := l.sawAccount(ctx, tx, by, at); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, insert, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		first = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("keep what %d said in %v: %w", by.ID, repo, err)
	}
	return first, nil
}

func (l *ledger) Approve(ctx context.Context, repo forge.Repo, asked, command string, by forge.User, at time.Time) (approved bool, err error) {
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawAccount(ctx, tx, by, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE exceptions SET approval = $3, approver = $4, approver_login = $5, approved = $6
			WHERE repository = $1 AND asked = $2 AND approved IS NULL AND withdrawn IS NULL`,
			repo.ID, asked, command, by.ID, text(by.Login), l.when(at)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM exceptions WHERE repository = $1 AND asked = $2 AND approval = $3`,
			repo.ID, asked, command).Scan(&approved)
	})
	if err != nil {
		return false, fmt.Errorf("approve an exception in %v: %w", repo, err)
	}
	return approved, nil
}

// Withdraw counts those that the command has ended now or before: it may come again.
func (l *ledger) Withdraw(ctx context.Context, repo forge.Repo, print finding.Fingerprint, command string, by forge.User, at time.Time) (n int, err error) {
	print, err = l.present(ctx, repo, print)
	if err != nil {
		return 0, fmt.Errorf("read what became of %s in %v: %w", print, repo, err)
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawAccount(ctx, tx, by, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE exceptions SET withdrawal = $3, withdrawer = $4, withdrawn = $5
			WHERE repository = $1 AND fingerprint = $2 AND withdrawn IS NULL AND at <= $5`,
			repo.ID, string(print), command, by.ID, l.when(at)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM exceptions WHERE repository = $1 AND fingerprint = $2 AND withdrawal = $3`,
			repo.ID, string(print), command).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("withdraw the exceptions of %s in %v: %w", print, repo, err)
	}
	return n, nil
}

func (l *ledger) Exceptions(ctx context.Context, repo forge.Repo, now time.Time) ([]history.Exception, error) {
	var all []history.Exception
	err := l.each(ctx, func(rows *sql.Rows) error {
		var e history.Exception
		var paths string
		var at, until, approved sql.NullInt64
		err := rows.Scan(&e.Asked, &e.Pull, &e.Print, &e.KeyID, &e.Rule, &paths, &e.Reason, &e.By.ID, &e.By.Login, &at, &until,
			&e.Approver.ID, &e.Approver.Login, &approved, &e.Approval)
		e.At, e.Until, e.Approved = moment(at), moment(until), moment(approved)
		all = append(all, e)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(paths), &all[len(all)-1].Paths)
	}, `SELECT asked, pull, fingerprint, key_id, rule, paths, reason, account, login, at, until, approver, approver_login, approved, approval FROM exceptions
		WHERE repository = $1 AND withdrawn IS NULL AND until > $2 ORDER BY at, asked`, repo.ID, now.Add(-48*time.Hour).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read the exceptions of %v: %w", repo, err)
	}
	return all, nil
}

func (l *ledger) Lapsed(ctx context.Context, from, to time.Time) ([]forge.PullRef, error) {
	var all []forge.PullRef
	err := l.each(ctx, func(rows *sql.Rows) error {
		var p forge.PullRef
		err := rows.Scan(&p.Repo.ID, &p.Repo.Installation, &p.Repo.Owner, &p.Repo.Name, &p.Repo.Default, &p.Number)
		all = append(all, p)
		return err
	}, `SELECT n.id, n.installation, n.owner, n.name, n.default_branch, r.pull
		FROM runs r JOIN repositories n ON n.id = r.repository JOIN pulls p ON p.repository = r.repository AND p.number = r.pull
		LEFT JOIN installations i ON i.id = n.installation
		WHERE r.lapses > $1 AND r.lapses <= $2 AND p.closed IS NULL AND n.removed IS NULL AND i.uninstalled IS NULL AND r.id = (`+latest+`)
		ORDER BY r.lapses, n.id, r.pull`, from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read the pull requests whose exceptions have ended: %w", err)
	}
	return all, nil
}
