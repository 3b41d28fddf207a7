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

// Run serves and works until ctx is done. Then it finishes what is under way,
// or hands it back, and closes, all within the time that the settings give. An
// error then means that something did not end in time: what it was about is
// taken up again as after a crash.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(s.log.WithContext(ctx))
	defer cancel(nil)
	public := newServer(s.public, publicPatience(), s.cert, s.log)
	admin := newServer(s.admin, adminPatience(), nil, s.log)
	var servers, work sync.WaitGroup
	listen := func(srv *http.Server, ln net.Listener) {
		servers.Go(func() {
			if err := serve(srv, ln); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve %v: %w", ln.Addr(), err))
			}
		})
	}
	listen(public, s.hookLn)
	listen(admin, s.admLn)
	var queueErr error // once work is done
	work.Go(func() {
		err := s.queue.Run(ctx, s.work)
		if err != nil && !errors.Is(err, context.Canceled) { // told to stop before it had begun
			queueErr = fmt.Errorf("work off the queue: %w", err)
			cancel(queueErr)
		}
	})
	work.Go(func() { s.purge(ctx) })
	work.Go(func() { s.keepUp(ctx) })
	if s.allow != nil {
		work.Go(func() { s.allow.Keep(ctx) })
	}
	s.log.Info().Str("webhook", s.WebhookURL()).Str("admin", s.AdminURL()).Msg("serving")
	<-ctx.Done()
	s.stopping.Store(true)
	s.log.Info().Dur("within", s.cfg.StopWithin).Msg("stopping")
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	// Health and metrics are there until the last, and the database until nobody needs it.
	stopErr := within(s.cfg.StopWithin*9/10, func() error {
		shutdown(public, s.cfg.StopWithin/3)
		work.Wait()
		shutdown(admin, time.Second)
		servers.Wait()
		if errors.Is(err, queueErr) {
			return nil // it is why the server stops
		}
		return queueErr
	})
	err = errors.Join(err, stopErr, within(s.cfg.StopWithin/10, s.Close))
	if err == nil {
		s.log.Info().Msg("stopped")
	}
	return err
}

// drain is how long work under way may go on once the server is to stop within
// a time: after that it is cancelled, and needs some to be handed back.
func drain(within time.Duration) time.Duration { return within * 6 / 10 }

// shutdown lets requests end for a time, and then not.
func shutdown(s *http.Server, patience time.Duration) {
	ctx, done := context.WithTimeout(context.Background(), patience)
	defer done()
	if s.Shutdown(ctx) != nil {
		_ = s.Close()
	}
}

var errLate = errors.New("something did not end in time: what it was about will be taken up again")

// within runs f and returns its error, or errLate if it takes longer than d;
// then f goes on alone.
func within(d time.Duration, f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(d):
		return fmt.Errorf("stop within %v: %w", d, errLate)
	}
}

// keepWork is how long we know which deliveries came and what was done about
// them: well beyond the three days for which GitHub can deliver again.
const keepWork = 7 * 24 * time.Hour

// purge deletes, now and every day, what belongs to accounts that left long
// enough ago, and what the queue no longer needs to know.
func (s *Server) purge(ctx context.Context) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		before := s.now().AddDate(0, 0, -s.cfg.KeepDays)
		if err := s.db.Ledger().Purge(ctx, before); err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("purge of uninstalled accounts")
		}
		if err := s.queue.Prune(ctx, s.now().Add(-keepWork)); err != nil && ctx.Err() == nil {
			s.log.Error().Err(err).Msg("purge of work that was done")
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
	s.closing.Lock()
	defer s.closing.Unlock()
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
	}
	return errors.Join(errs...)
}
