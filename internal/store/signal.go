package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

// signals asks for the signal of the rules that pass a condition. A finding on
// several pull requests counts once, and its latest end is when it was judged.
func signals(condition string) string {
	return fmt.Sprintf(`
		WITH ended AS (
			SELECT finding, rule, MAX(ended) AS at,
				MAX(CASE how WHEN 'not useful' THEN 3 WHEN 'fixed' THEN 2 ELSE 1 END) AS how
			FROM outcomes WHERE first_shown IS NOT NULL AND how IN ('not useful', 'fixed', 'excepted') %[1]s
			GROUP BY finding, rule),
		latest AS (SELECT rule, how, ROW_NUMBER() OVER (PARTITION BY rule ORDER BY at DESC, finding DESC) AS n FROM ended),
		judged AS (
			SELECT rule, COUNT(*) AS judged, SUM(CASE how WHEN 2 THEN 1 ELSE 0 END) AS fixed,
				SUM(CASE how WHEN 1 THEN 1 ELSE 0 END) AS excepted, SUM(CASE how WHEN 3 THEN 1 ELSE 0 END) AS not_useful
			FROM latest WHERE n <= %[2]d GROUP BY rule),
		known AS (
			SELECT rule, COUNT(first_shown) AS shown, MAX(CASE WHEN grave THEN 1 ELSE 0 END) AS grave
			FROM findings WHERE 1 = 1 %[1]s GROUP BY rule)
		SELECT k.rule, k.shown, COALESCE(j.judged, 0), COALESCE(j.fixed, 0), COALESCE(j.excepted, 0), COALESCE(j.not_useful, 0), k.grave = 1
		FROM known k LEFT JOIN judged j ON j.rule = k.rule ORDER BY k.rule`, condition, history.JudgedLast)
}

func scanSignal(row interface{ Scan(...any) error }) (s history.Signal, err error) {
	err = row.Scan(&s.Rule, &s.Shown, &s.Judged, &s.Fixed, &s.Excepted, &s.NotUseful, &s.Grave)
	return s, err
}

// Signals returns the signal of every rule that has found anything, by name.
func (db *DB) Signals(ctx context.Context) ([]history.Signal, error) {
	var all []history.Signal
	err := (&ledger{db}).each(ctx, func(rows *sql.Rows) error {
		s, err := scanSignal(rows)
		all = append(all, s)
		return err
	}, signals(""))
	if err != nil {
		return nil, fmt.Errorf("read the signal of the rules: %w", err)
	}
	return all, nil
}

func (l *ledger) Weigh(ctx context.Context, repo forge.Repo, rule, command string, at time.Time) (s history.Signal, proposed bool, err error) {
	err = l.tx(ctx, func(tx *sql.Tx) error {
		if err := l.sawRepo(ctx, tx, repo, at); err != nil {
			return err
		}
		var err error
		owner := strings.ToLower(repo.Owner)
		s, err = scanSignal(tx.QueryRowContext(ctx, signals(
			"AND rule = $1 AND repository IN (SELECT id FROM repositories WHERE LOWER(owner) = $2)"), rule, owner))
		if errors.Is(err, sql.ErrNoRows) {
			s, err = history.Signal{Rule: rule}, nil
		}
		if err != nil {
			return err
		}
		proposed = false
		if !s.Demote() {
			_, err := tx.ExecContext(ctx, `DELETE FROM demotions WHERE owner = $1 AND rule = $2`, owner, rule)
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO demotions (owner, rule, repository, said, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			owner, rule, repo.ID, command, l.when(at))
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT repository = $3 AND said = $4 FROM demotions WHERE owner = $1 AND rule = $2`,
			owner, rule, repo.ID, command).Scan(&proposed)
	})
	if err != nil {
		return history.Signal{}, false, fmt.Errorf("weigh rule %s in %v: %w", rule, repo, err)
	}
	return s, proposed, nil
}
