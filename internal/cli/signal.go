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
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from now on signals do what they do by themselves
	return ctx, stop
}
