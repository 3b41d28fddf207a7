package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func (l *ledger) Leaked(ctx context.Context, repo forge.Repo, sha string) ([]history.Leak, error) {
	var all []history.Leak
	err := l.each(ctx, func(rows *sql.Rows) error {
		var k history.Leak
		err := rows.Scan(&k.Rule, &k.Path)
		all = append(all, k)
		return err
	}, `SELECT o.rule, f.path FROM outcomes o JOIN findings f ON f.id = o.finding
		WHERE o.repository = $1 AND o.pull IN (SELECT number FROM pulls WHERE repository = $1 AND head_sha = $2 AND closed IS NULL)
			AND o.how = 'fixed' AND o.excepted IS NULL AND o.rule LIKE 'secret/%'
			AND EXISTS (SELECT 1 FROM sightings g JOIN runs r ON r.id = g.run WHERE g.finding = f.id AND r.pull = o.pull AND g.action IN ('block', 'comment'))
			AND NOT EXISTS (SELECT 1 FROM sightings g WHERE g.finding = f.id AND g.why = $3)
		GROUP BY o.rule, f.path, f.id ORDER BY MIN(o.ended), f.id`, repo.ID, sha, policy.WhyRevoked)
	if err != nil {
		return nil, fmt.Errorf("read which secrets left the pull requests at %s of %v: %w", sha, repo, err)
	}
	return all, nil
}
