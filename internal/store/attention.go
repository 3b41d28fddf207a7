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

func (l *ledger) Summary(ctx context.Context, ref forge.PullRef) (history.Summary, error) {
	var s history.Summary
	var id sql.NullInt64
	err := l.sql.QueryRowContext(ctx, `SELECT summary, summary_digest FROM pulls WHERE repository = $1 AND number = $2`, ref.Repo.ID, ref.Number).Scan(&id, &s.Digest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return s, fmt.Errorf("read what is known of the summary of %v: %w", ref, err)
	}
	s.Begun, s.ID = id.Valid, id.Int64
	return s, nil
}

func (l *ledger) KeepSummary(ctx context.Context, ref forge.PullRef, s history.Summary) error {
	_, err := l.sql.ExecContext(ctx, `UPDATE pulls SET summary = $3, summary_digest = $4 WHERE repository = $1 AND number = $2`, ref.Repo.ID, ref.Number, s.ID, s.Digest)
	if err != nil {
		return fmt.Errorf("keep what is known of the summary of %v: %w", ref, err)
	}
	return nil
}
