package load_test

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/pullwarden/pullwarden/internal/cli"
)

// asProgram makes the test binary the program itself, so that the server has a
// process of its own and its memory is nobody else's.
const asProgram = "PULLWARDEN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.IO{Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Dir: "."}))
}
