package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

func (l *ledger) KeepOrganisation(ctx context.Context, installation int64, path string, text []byte, at time.Time) error {
	if text == nil {
		text = []byte{} // a NULL would not be a text
	}
	// What is kept already is not written again: it is read at every review.
	last, ok, err := l.LastOrganisation(ctx, installation, path)
	if err != nil || ok && string(last) == string(text) {
		return err
	}
	_, err = l.sql.ExecContext(ctx, `
		INSERT INTO organisations (installation, path, text, kept) VALUES ($1, $2, $3, $4)
		ON CONFLICT (installation, path) DO UPDATE SET text = excluded.text, kept = excluded.kept`, installation, path, text, l.when(at))
	if err != nil {
		return fmt.Errorf("keep %s of the organisation of installation %d: %w", path, installation, err)
	}
	return nil
}

func (l *ledger) LastOrganisation(ctx context.Context, installation int64, path string) ([]byte, bool, error) {
	var text []byte
	err := l.sql.QueryRowContext(ctx, `SELECT text FROM organisations WHERE installation = $1 AND path = $2`, installation, path).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s of the organisation of installation %d: %w", path, installation, err)
	}
	return text, true, nil
}
