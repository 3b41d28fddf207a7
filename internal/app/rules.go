package app

import (
	"context"
	"errors"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/store"
)

// Rules returns the signal of each rule that has found anything. It only
// reads, also while a server is at work.
func Rules(ctx context.Context, cfg config.Config) ([]history.Signal, error) {
	db, err := store.Read(ctx, cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	all, err := db.Signals(ctx)
	return all, errors.Join(err, db.Close())
}
