package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

func (l *ledger) KeepOrganisation(ctx context.Context, installation int64, text []byte, at time.Time) error {
	if text == nil {
		text = []byte{} // a NULL would not be a text
	}
	// What is kept already is not written again: it is read at every review.
	last, ok, err := l.LastOrganisation(ctx, installation)
	if err != nil || ok && string(last) == string(text) {
		return err
	}
	_, err = l.sql.ExecContext(ctx, `
		INSERT INTO organisations (installation, policy, kept) VALUES ($1, $2, $3)
		ON CONFLICT (installation) DO UPDATE SET policy = excluded.policy, kept = excluded.kept`, installation, text, l.when(at))
	if err != nil {
		return fmt.Errorf("keep the organisation's file of installation %d: %w", installation, err)
	}
	return nil
}

func (l *ledger) LastOrganisation(ctx context.Context, installation int64) ([]byte, bool, error) {
	var text []byte
	err := l.sql.QueryRowContext(ctx, `SELECT policy FROM organisations WHERE installation = $1`, installation).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the organisation's file of installation %d: %w", installation, err)
	}
	return text, true, nil
}
