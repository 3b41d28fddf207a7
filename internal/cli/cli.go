// Package cli is the command line, one file a command.
package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// IO is what a command may touch of the world.
type IO struct {
	Out, Err io.Writer
	Env      func(string) string
	Dir      string
}

// Exit codes, as the README tells them.
const (
	exitOK      = 0
	exitBlocked = 1
	exitFailed  = 2
)

// An exitError ends the program with a code; what there was to say was said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Main runs one command and returns its exit code.
func Main(ctx context.Context, args []string, std IO) int {
	root := &cobra.Command{
		Use:           "pullwarden",
		Short:         "pullwarden guards pull requests",
		Example:       "  pullwarden demo\n  pullwarden scan\n  pullwarden serve --config pullwarden.yml",
		Version:       app.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demoCommand(std), scanCommand(std), upgradeCommand(std), advisoriesCommand(std),
		configCommand(std), serveCommand(std), doctorCommand(std), rulesCommand(std), versionCommand(std))
	root.SetArgs(args)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	root.SetVersionTemplate("pullwarden {{.Version}}\n")
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	exampleOfEach(root)
	err := root.ExecuteContext(ctx)
	var code exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(std.Err, "pullwarden: %v\n", err)
	return exitFailed
}

// exampleOfEach gives an example to the commands that are not ours.
func exampleOfEach(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  pullwarden help scan"
		case "completion":
			c.Example = "  pullwarden completion bash > /etc/bash_completion.d/pullwarden"
			for _, shell := range c.Commands() {
				shell.Example = "  pullwarden completion " + shell.Name()
			}
		}
	}
}

// advisoriesDir is the index that commands use where no settings file names
// one: never a directory of the repository at hand, which would let a change
// bring its own advisories. It is "" if the environment names no place.
func advisoriesDir(env func(string) string) string {
	if dir := env("PULLWARDEN_ADVISORIES_DIR"); dir != "" {
		return dir
	}
	if dir := env("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pullwarden", "advisories")
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "pullwarden", "advisories")
	}
	return ""
}

// loadConfig reads the server's settings: the file, if one is named, and the environment.
func loadConfig(file string, std IO) (config.Config, error) {
	if file != "" {
		file = inDir(std.Dir, file)
	}
	return config.Load(file, std.Env)
}

// fingerprintKey is the operator's, so that fingerprints are the same as the
// server's; without one they hold for this run only, and tell nothing about a secret.
func fingerprintKey(env func(string) string) (finding.Key, error) {
	if k := env("PULLWARDEN_FINGERPRINT_KEY"); k != "" {
		key := finding.NewKey([]byte(k))
		if old := env("PULLWARDEN_OLD_FINGERPRINT_KEY"); old != "" {
			key = key.After(finding.NewKey([]byte(old)))
		}
		return key, nil
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return finding.Key{}, fmt.Errorf("make a key: %w", err)
	}
	return finding.NewKey(secret), nil
}

// isTerminal reports whether w is one, so that colours are welcome there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// inDir is path as seen from dir.
func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
