// Command pullwarden guards pull requests.
package main

import (
	"context"
	"os"

	"github.com/pullwarden/pullwarden/internal/cli"
)

func main() {
	ctx, stop := cli.Signalled(context.Background())
	defer stop()
	os.Exit(cli.Main(ctx, os.Args[1:], cli.IO{Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Dir: "."}))
}
