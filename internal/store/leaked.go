package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
)

func (l *ledger) Leaked(ctx context.Context, ref forge.PullRef) ([]history.Leak, error) {
	var all []history.Leak
	err := l.each(ctx, func(rows *sql.Rows) error {
		var k history.Leak
		err := rows.Scan(&k.Rule, &k.Path)
		all = append(all, k)
		return err
	}, `SELECT o.rule, f.path FROM outcomes o JOIN findings f ON f.id = o.finding
		WHERE o.repository = $1 AND o.pull = $2 AND o.how = 'fixed' AND o.excepted IS NULL
			AND o.rule LIKE 'secret/%' AND o.action IN ('block', 'comment')
		ORDER BY o.ended, f.id`, ref.Repo.ID, ref.Number)
	if err != nil {
		return nil, fmt.Errorf("read which secrets left %v: %w", ref, err)
	}
	return all, nil
}
