package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/policy"
)

func configCommand(std IO) *cobra.Command {
	var repo string
	c := &cobra.Command{Use: "config", Short: "check and explain a repository's file"}
	explain := &cobra.Command{
		Use:   "explain [FILE]",
		Short: "show each effective value and where it comes from (default: the file on the default branch)",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := policyText(c, std, repo, args)
			if err != nil {
				return err
			}
			settings, err := policy.Explain(text)
			if err != nil {
				return wrong(std, policy.Path, err)
			}
			for _, s := range settings {
				fmt.Fprintf(std.Out, "%-36s %-24s %s\n", s.Key, s.Value, s.From)
			}
			return nil
		},
	}
	explain.Flags().StringVar(&repo, "repo", ".", "the repository")
	c.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "validate a repository's file",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := os.ReadFile(inDir(std.Dir, args[0]))
			if err != nil {
				return err
			}
			if _, err := policy.Parse(text); err != nil {
				return wrong(std, args[0], err)
			}
			fmt.Fprintf(std.Out, "%s is valid\n", args[0])
			return nil
		},
	}, explain)
	return c
}

// policyText is the text of the file that is named, or of the one on the
// default branch; a repository without one has an empty text.
func policyText(c *cobra.Command, std IO, repo string, args []string) ([]byte, error) {
	if len(args) == 1 {
		return os.ReadFile(inDir(std.Dir, args[0]))
	}
	text, err := git.ReadLocal(inDir(std.Dir, repo), "", policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// wrong prints what is wrong with a file as "file:line:column: text", which editors jump to.
func wrong(std IO, file string, err error) error {
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, e := range append([]policy.SyntaxError{*syntax}, syntax.More...) {
		fmt.Fprintf(std.Err, "%s:%d:%d: %s\n", file, e.Line, e.Column, strings.TrimSpace(e.Text))
	}
	return exitError(exitBlocked)
}
