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
	var repo, organisation string
	layers := func(repository []byte) (policy.Layers, error) {
		l := policy.Layers{Repository: repository}
		if organisation == "" {
			return l, nil
		}
		var err error
		l.Organisation, err = os.ReadFile(inDir(std.Dir, organisation))
		return l, err
	}
	const organisationFile = "the organisation's file, " + policy.OrganisationPath + " in its repository " + policy.OrganisationRepo
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
			l, err := layers(text)
			if err != nil {
				return err
			}
			settings, err := policy.Explain(l)
			if err != nil {
				return wrong(std, policy.Path, organisation, err)
			}
			for _, s := range settings {
				fmt.Fprintf(std.Out, "%-36s %-24s %s\n", s.Key, s.Value, s.From)
			}
			return nil
		},
	}
	explain.Flags().StringVar(&repo, "repo", ".", "the repository")
	explain.Flags().StringVar(&organisation, "organisation", "", organisationFile)
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "validate a repository's file, or an organisation's",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && organisation == "" {
				return errors.New("name a file to check")
			}
			var text []byte
			if len(args) > 0 {
				var err error
				if text, err = os.ReadFile(inDir(std.Dir, args[0])); err != nil {
					return err
				}
				if len(text) == 0 {
					_, err := policy.Parse(text)
					return wrong(std, args[0], organisation, err)
				}
			}
			l, err := layers(text)
			if err != nil {
				return err
			}
			p, err := policy.Compose(l)
			if err != nil {
				return wrong(std, strings.Join(args, ""), organisation, err)
			}
			for _, r := range p.Raised {
				fmt.Fprintf(std.Out, "%s: %s is below the organisation's floor, and counts as %s\n", r.Key, r.Wanted, r.Got)
			}
			for _, file := range append(args, organisation) {
				if file != "" {
					fmt.Fprintf(std.Out, "%s is valid\n", file)
				}
			}
			return nil
		},
	}
	check.Flags().StringVar(&organisation, "organisation", "", organisationFile)
	c.AddCommand(check, explain)
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
func wrong(std IO, file, organisation string, err error) error {
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("%s: %w", file, err)
	}
	if syntax.Layer == policy.Organisation {
		file = organisation
	}
	for _, e := range append([]policy.SyntaxError{*syntax}, syntax.More...) {
		fmt.Fprintf(std.Err, "%s:%d:%d: %s\n", file, e.Line, e.Column, strings.TrimSpace(e.Text))
	}
	return exitError(exitBlocked)
}
