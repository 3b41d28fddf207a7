// Command pullwarden guards pull requests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pullwarden/pullwarden/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.IO{Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Dir: "."}))
}
