package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// stopTime is how long requests and reviews under way may take to end.
const stopTime = 30 * time.Second

// Run serves and works until ctx is done, then ends what is under way and closes.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(s.log.WithContext(ctx))
	defer cancel(nil)
	servers := []*http.Server{newServer(s.public, publicPatience(), s.cert, s.log), newServer(s.admin, adminPatience(), nil, s.log)}
	var wg sync.WaitGroup
	for i, ln := range []net.Listener{s.hookLn, s.admLn} {
		wg.Go(func() {
			if err := serve(servers[i], ln); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve %v: %w", ln.Addr(), err))
			}
		})
	}
	if s.allow != nil {
		wg.Go(func() { s.allow.Keep(ctx) })
	}
	wg.Go(func() {
		if err := s.queue.Run(ctx, s.work); err != nil && ctx.Err() == nil {
			cancel(fmt.Errorf("work off the queue: %w", err))
		}
	})
	wg.Go(func() { s.purge(ctx) })
	s.log.Info().Str("webhook", s.WebhookURL()).Str("admin", s.AdminURL()).Msg("serving")
	<-ctx.Done()
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer done()
	for _, srv := range servers {
		_ = srv.Shutdown(stop)
	}
	wg.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, s.Close())
}

// purge deletes, now and every day, what belongs to accounts that left long enough ago.
func (s *Server) purge(ctx context.Context) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		before := s.now().AddDate(0, 0, -s.cfg.KeepDays)
		if err := s.db.Ledger().Purge(ctx, before); err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("purge of uninstalled accounts")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close lets go of the database and the addresses. Run does it by itself.
func (s *Server) Close() error {
	var errs []error
	for _, ln := range []net.Listener{s.hookLn, s.admLn} {
		if ln != nil {
			if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
		s.db = nil
	}
	return errors.Join(errs...)
}
