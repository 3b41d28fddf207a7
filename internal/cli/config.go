package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
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
	c := &cobra.Command{
		Use: "config", Short: "check and explain a repository's file",
		Example: "  pullwarden config check\n  pullwarden config explain",
	}
	explain := &cobra.Command{
		Use:     "explain [FILE]",
		Short:   "show each effective value and where it comes from (default: the file on the default branch)",
		Example: "  pullwarden config explain\n  pullwarden config explain --organisation ../.github/pullwarden.yml .github/pullwarden.yml",
		Args:    cobra.MaximumNArgs(1),
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
			p, err := policy.Compose(l)
			for _, u := range p.Unsupported {
				fmt.Fprintf(std.Out, "%-36s %-24s %s\n", u.Key, "(not supported yet)", u.From())
			}
			return err
		},
	}
	explain.Flags().StringVar(&repo, "repo", ".", "the repository")
	explain.Flags().StringVar(&organisation, "organisation", "", organisationFile)
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "validate a repository's file, or an organisation's (default: " + policy.Path + " of the work tree)",
		Long: "Validates a repository's file, an organisation's, or both together. A key that is not supported yet is an error.\n" +
			"Warns of what has no effect: exceptions that have ended, or end later than the organisation allows, and unknown rules.\n\n" +
			"Exits with\n  0  if the files are valid\n  1  if one is not\n  2  if one cannot be read",
		Example: "  pullwarden config check\n  pullwarden config check --organisation ../.github/pullwarden.yml .github/pullwarden.yml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := strings.Join(args, "")
			if file == "" {
				file = ownFile(std.Dir)
			}
			if file == "" && organisation == "" {
				return fmt.Errorf("there is no %s here: name the file to check", policy.Path)
			}
			var text []byte
			if file != "" {
				var err error
				if text, err = os.ReadFile(inDir(std.Dir, file)); err != nil {
					return err
				}
				if len(text) == 0 {
					_, err := policy.Parse(text)
					return wrong(std, file, organisation, err)
				}
			}
			l, err := layers(text)
			if err != nil {
				return err
			}
			return checkPolicy(std, l, file, organisation)
		},
	}
	check.Flags().StringVar(&organisation, "organisation", "", organisationFile)
	c.AddCommand(check, explain)
	return c
}

// checkPolicy says what is wrong with the files of l, and what has no effect.
func checkPolicy(std IO, l policy.Layers, file, organisation string) error {
	p, err := policy.ComposeStrict(l)
	if err != nil {
		return wrong(std, file, organisation, err)
	}
	rules, err := knownRules(std)
	if err != nil {
		return err
	}
	warnings, err := policy.Warnings(l, time.Now(), rules)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		of := file
		if w.Layer == policy.Organisation {
			of = organisation
		}
		fmt.Fprintf(std.Err, "%s:%d: warning: %s\n", of, w.Line, w.Text)
	}
	for _, r := range p.Raised {
		fmt.Fprintf(std.Out, "%s: %s is below the organisation's floor, and counts as %s\n", r.Key, r.Wanted, r.Got)
	}
	for _, name := range []string{file, organisation} {
		if name != "" {
			fmt.Fprintf(std.Out, "%s is valid\n", name)
		}
	}
	return nil
}

// knownRules returns the ids of all rules, with those that the environment
// adds. They are gathered at the first call: that takes a second.
func knownRules(std IO) (func() []string, error) {
	own, err := app.ReadSecretRules(std.Env("PULLWARDEN_SECRET_RULES"))
	if err != nil {
		return nil, fmt.Errorf("PULLWARDEN_SECRET_RULES: %w", err)
	}
	return sync.OnceValue(func() (ids []string) {
		for _, s := range app.Scanners(nil, app.Ecosystems(config.Registries{}, nil), own) {
			for _, r := range s.Rules() {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}), nil
}

// ownFile is the policy of the work tree that dir is in, or of dir if that is in
// none, as seen from dir; "" if there is none.
func ownFile(dir string) string {
	exists := func(path string) bool {
		_, err := os.Stat(inDir(dir, path))
		return err == nil
	}
	root := "."
	for up, depth := ".", 0; depth < maxDepth; up, depth = filepath.Join("..", up), depth+1 {
		if exists(filepath.Join(up, ".git")) {
			root = up
			break
		}
	}
	if file := filepath.Join(root, policy.Path); exists(file) {
		return file
	}
	return ""
}

// maxDepth is how many directories above its own a command looks for a work tree.
const maxDepth = 100

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
