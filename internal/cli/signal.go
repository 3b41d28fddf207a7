package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signalled returns a context that is done once the process is asked to end.
// Asked a second time, it ends at once: what it was doing is safe, as it is
// when the power fails. The caller must call stop.
func Signalled(parent context.Context) (ctx context.Context, stop func()) {
	ctx, stop = context.WithCancel(parent)
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(asked)
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		stop()
		signal.Stop(asked) // from now on signals do what they do by themselves
		select {
		case again := <-asked: // it came in between
			if self, err := os.FindProcess(os.Getpid()); err != nil || self.Signal(again) != nil {
				os.Exit(1)
			}
		default:
		}
	}()
	return ctx, stop
}
