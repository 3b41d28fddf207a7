package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

var _ history.Conversations = (*ledger)(nil)

// Conversations returns what people told us in comments.
func (db *DB) Conversations() history.Conversations { return &ledger{db} }

// About returns them the latest first: those of the comment as it is come before those that are gone.
func (l *ledger) About(ctx context.Context, repo forge.Repo, comment int64) ([]finding.Fingerprint, error) {
	all, err := l.prints(ctx, `SELECT fingerprint FROM comments WHERE repository = $1 AND id = $2 ORDER BY last_at DESC, fingerprint`, repo.ID, comment)
	if err != nil {
		return nil, fmt.Errorf("read what comment %d of %v is about: %w", comment, repo, err)
	}
	return all, nil
}

func (l *ledger) Names(ctx context.Context, repo forge.Repo, print finding.Fingerprint) ([]finding.Fingerprint, error) {
	const present = `COALESCE((SELECT finding FROM former_fingerprints WHERE repository = $1 AND fingerprint = $2),
		(SELECT MAX(id) FROM findings WHERE repository = $1 AND fingerprint = $2))`
	all, err := l.prints(ctx, `SELECT fingerprint FROM findings WHERE id = `+present+`
		UNION ALL SELECT fingerprint FROM former_fingerprints WHERE finding = `+present, repo.ID, string(print))
	if err != nil {
		return nil, fmt.Errorf("read what %s of %v is called: %w", print, repo, err)
	}
	all = slices.DeleteFunc(all, func(p finding.Fingerprint) bool { return p == print })
	return append([]finding.Fingerprint{print}, all...), nil
}

func (l *ledger) prints(ctx context.Context, query string, args ...any) (all []finding.Fingerprint, err error) {
	err = l.each(ctx, func(rows *sql.Rows) error {
		var print finding.Fingerprint
		err := rows.Scan(&print)
		all = append(all, print)
		return err
	}, query, args...)
	return all, err
}

// oneOf is an SQL condition: what is one of texts, whose first parameter has that number.
func oneOf[T ~string](what string, first int, texts []T) (condition string, args []any) {
	var list []string
	for i, t := range texts {
		list = append(list, fmt.Sprintf("$%d", first+i))
		args = append(args, string(t))
	}
	return what + " IN (" + strings.Join(list, ", ") + ")", args
}

// latest is the latest run of pull request p of repository r, in SQL.
const latest = `SELECT MAX(id) FROM runs WHERE repository = r.repository AND pull = r.pull`

func (l *ledger) Sighted(ctx context.Context, ref forge.PullRef, print finding.Fingerprint) (history.Sighting, bool, error) {
	fail := func(err error) (history.Sighting, bool, error) {
		return history.Sighting{}, false, fmt.Errorf("read the latest sighting of %s on %v: %w", print, ref, err)
	}
	names, err := l.Names(ctx, ref.Repo, print)
	if err != nil {
		return fail(err)
	}
	named, args := oneOf("f.fingerprint", 4, names)
	var s history.Sighting
	var first sql.NullInt64
	var result string
	err = l.sql.QueryRowContext(ctx, `
		SELECT f.fingerprint, f.key_id, f.rule, g.severity, g.path, g.start_line, g.action, g.why, f.first_seen, r.sha, r.result
		FROM runs r JOIN sightings g ON g.run = r.id JOIN findings f ON f.id = g.finding
		WHERE r.repository = $1 AND r.pull = $2 AND `+named+` AND r.id = (`+latest+`) ORDER BY (CASE f.fingerprint WHEN $3 THEN 0 ELSE 1 END), f.id LIMIT 1`,
		append([]any{ref.Repo.ID, ref.Number, string(print)}, args...)...).
		Scan(&s.Print, &s.KeyID, &s.Rule, &s.Severity, &s.Path, &s.Line, &s.Action, &s.Why, &first, &s.Head, &result)
	if errors.Is(err, sql.ErrNoRows) {
		return history.Sighting{}, false, nil
	}
	if err != nil {
		return fail(err)
	}
	s.First = moment(first)
	if s.Paths, s.Advisories, err = told(result, s.Print); err == nil && s.Paths == nil { // recorded under a former name
		s.Paths, s.Advisories, err = told(result, names...)
	}
	if err != nil {
		return fail(err)
	}
	return s, true, nil
}

// told returns what a result says of a finding, which may have one of several
// fingerprints there: the paths of all its places, and its advisories.
func told(result string, prints ...finding.Fingerprint) (paths, advisories []string, err error) {
	var form struct {
		Findings []struct {
			Print      finding.Fingerprint `json:"fingerprint"`
			At         change.Span         `json:"at"`
			Also       []change.Span       `json:"also"`
			Advisories []struct {
				ID string `json:"id"`
			} `json:"advisories"`
		} `json:"findings"`
	}
	if err := json.Unmarshal([]byte(result), &form); err != nil {
		return nil, nil, err
	}
	for _, f := range form.Findings {
		if !slices.Contains(prints, f.Print) {
			continue
		}
		for _, at := range append([]change.Span{f.At}, f.Also...) {
			if !slices.Contains(paths, at.Path) {
				paths = append(paths, at.Path)
			}
		}
		for _, a := range f.Advisories {
			advisories = append(advisories, a.ID)
		}
	}
	return paths, advisories, nil
}

func (l *ledger) With(ctx context.Context, repo forge.Repo, print finding.Fingerprint) ([]int, error) {
	names, err := l.Names(ctx, repo, print)
	if err != nil {
		return nil, err
	}
	named, args := oneOf("f.fingerprint", 2, names)
	var all []int
	err = l.each(ctx, func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		all = append(all, n)
		return err
	}, `SELECT DISTINCT r.pull FROM findings f JOIN sightings g ON g.finding = f.id JOIN runs r ON r.id = g.run
		JOIN pulls p ON p.repository = r.repository AND p.number = r.pull
		WHERE f.repository = $1 AND `+named+` AND p.closed IS NULL AND r.id = (`+latest+`) ORDER BY r.pull`,
		append([]any{repo.ID}, args...)...)
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
	advisories, err := json.Marshal(slices.Concat([]string{}, e.Advisories))
	if err != nil {
		return err
	}
	_, err = l.keep(ctx, repo, e.By, e.At, `
		INSERT INTO exceptions (repository, asked, pull, fingerprint, key_id, rule, paths, advisories, reason, account, login, at, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		repo.ID, e.Asked, e.Pull, string(e.Print), e.KeyID, e.Rule, text(string(paths)), text(string(advisories)), text(e.Reason), e.By.ID, text(e.By.Login), l.when(e.At), e.Until.UnixMicro())
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
	return l.keep(ctx, repo, f.By, f.At, `
		INSERT INTO feedback (repository, said, pull, fingerprint, key_id, rule, reason, account, login, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		repo.ID, f.Said, f.Pull, string(f.Print), f.KeyID, f.Rule, text(f.Reason), f.By.ID, text(f.By.Login), l.when(f.At))
}

// keep keeps what by told us; first is false if it was kept before.
func (l *ledger) keep(ctx context.Context, repo forge.Repo, by forge.User, at time.Time, insert string, args ...any) (first bool, err error) {
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
	names, err := l.Names(ctx, repo, print)
	if err != nil {
		return 0, err
	}
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawAccount(ctx, tx, by, at); err != nil {
			return err
		}
		named, args := oneOf("fingerprint", 5, names)
		if _, err := tx.ExecContext(ctx, `
			UPDATE exceptions SET withdrawal = $2, withdrawer = $3, withdrawn = $4
			WHERE repository = $1 AND `+named+` AND withdrawn IS NULL AND at <= $4`,
			append([]any{repo.ID, command, by.ID, l.when(at)}, args...)...); err != nil {
			return err
		}
		named, args = oneOf("fingerprint", 3, names)
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM exceptions WHERE repository = $1 AND withdrawal = $2 AND `+named,
			append([]any{repo.ID, command}, args...)...).Scan(&n)
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
		var paths, advisories string
		var at, until, approved sql.NullInt64
		err := rows.Scan(&e.Asked, &e.Pull, &e.Print, &e.KeyID, &e.Rule, &paths, &advisories, &e.Reason, &e.By.ID, &e.By.Login, &at, &until,
			&e.Approver.ID, &e.Approver.Login, &approved, &e.Approval)
		e.At, e.Until, e.Approved = moment(at), moment(until), moment(approved)
		if err != nil {
			return err
		}
		err = errors.Join(json.Unmarshal([]byte(paths), &e.Paths), json.Unmarshal([]byte(advisories), &e.Advisories))
		all = append(all, e)
		return err
	}, `SELECT asked, pull, fingerprint, key_id, rule, paths, advisories, reason, account, login, at, until, approver, approver_login, approved, approval FROM exceptions
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
