package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/advisory"
)

func advisoriesCommand(std IO) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "advisories", Short: "keep the index of known vulnerabilities"}
	c.PersistentFlags().StringVar(&file, "config", "", "settings file of the server whose index is meant")
	c.AddCommand(
		&cobra.Command{
			Use:   "import DIR",
			Short: "make the index from DIR/<ecosystem>/all.zip, as OSV publishes them",
			Args:  cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				dir, err := indexDir(file, std)
				if err != nil {
					return err
				}
				return importAdvisories(c.Context(), inDir(std.Dir, args[0]), dir, std)
			},
		},
		&cobra.Command{
			Use:   "info",
			Short: "tell what the index holds",
			Args:  cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				dir, err := indexDir(file, std)
				if err != nil {
					return err
				}
				db, err := advisory.Open(dir)
				if err != nil {
					return err
				}
				printInfo(std, db.Info())
				return nil
			},
		})
	return c
}

func indexDir(file string, std IO) (string, error) {
	if file != "" {
		cfg, err := loadConfig(file, std)
		return cfg.AdvisoriesDir, err
	}
	dir := advisoriesDir(std.Env)
	if dir == "" {
		return "", errors.New("no place for the index: set PULLWARDEN_ADVISORIES_DIR or give --config")
	}
	return dir, nil
}

func importAdvisories(ctx context.Context, from, into string, std IO) error {
	info, err := advisory.Import(ctx, from, into, time.Now())
	if err != nil {
		return fmt.Errorf("import %s: %w", from, err)
	}
	printInfo(std, info)
	return nil
}

func printInfo(std IO, info advisory.Info) {
	if info.Snapshot == "" {
		fmt.Fprintln(std.Out, "no advisories: run pullwarden advisories import DIR")
		return
	}
	fmt.Fprintf(std.Out, "%d advisories, %d withdrawn ones left out, snapshot %s, newest of %s\n",
		info.Records, info.Withdrawn, info.Snapshot, info.Newest.UTC().Format(time.DateOnly))
	for _, name := range slices.Sorted(maps.Keys(info.Ecosystems)) {
		fmt.Fprintf(std.Out, "  %-12s %d\n", name, info.Ecosystems[name])
	}
}
