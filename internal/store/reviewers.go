package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

func (l *ledger) ReviewAsked(ctx context.Context, ref forge.PullRef) (asked bool, err error) {
	err = l.sql.QueryRowContext(ctx, `SELECT review_asked IS NOT NULL FROM pulls WHERE repository = $1 AND number = $2`, ref.Repo.ID, ref.Number).Scan(&asked)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("read whether a review of %v was asked for: %w", ref, err)
	}
	return asked, nil
}

func (l *ledger) AskedReview(ctx context.Context, ref forge.PullRef, at time.Time) error {
	_, err := l.sql.ExecContext(ctx, `UPDATE pulls SET review_asked = $3 WHERE repository = $1 AND number = $2`, ref.Repo.ID, ref.Number, l.when(at))
	if err != nil {
		return fmt.Errorf("keep that a review of %v was asked for: %w", ref, err)
	}
	return nil
}
