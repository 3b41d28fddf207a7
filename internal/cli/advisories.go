package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/report"
)

func advisoriesCommand(std IO) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "advisories", Short: "keep the index of known vulnerabilities",
		Example: "  pullwarden advisories import osv\n  pullwarden advisories info",
	}
	c.PersistentFlags().StringVar(&file, "config", "", "settings file of the server whose index is meant")
	c.AddCommand(
		&cobra.Command{
			Use:     "import DIR",
			Short:   "make the index from DIR/<ecosystem>/all.zip, as OSV publishes them",
			Example: "  pullwarden advisories import osv\n  pullwarden advisories import --config pullwarden.yml osv",
			Args:    cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				dir, err := indexDir(file, std)
				if err != nil {
					return err
				}
				return importAdvisories(c.Context(), inDir(std.Dir, args[0]), dir, std)
			},
		},
		&cobra.Command{
			Use:     "info",
			Short:   "tell what the index holds",
			Example: "  pullwarden advisories info\n  pullwarden advisories info --config pullwarden.yml",
			Args:    cobra.NoArgs,
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
	progress := startProgress(std.Err)
	info, err := advisory.ImportTelling(ctx, from, into, time.Now(), func(ecosystem string, done, of int) {
		if ecosystem == "" {
			progress.say("Writing the index of %s", report.Count(of, "record"))
		} else {
			progress.say("Reading %s: %d of %s", ecosystem, done, report.Count(of, "record"))
		}
	})
	progress.end()
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
	records := "1 advisory"
	if info.Records != 1 {
		records = fmt.Sprintf("%d advisories", info.Records)
	}
	fmt.Fprintf(std.Out, "%s, %d withdrawn left out, snapshot %s, newest of %s\n",
		records, info.Withdrawn, info.Snapshot, info.Newest.UTC().Format(time.DateOnly))
	for _, name := range slices.Sorted(maps.Keys(info.Ecosystems)) {
		fmt.Fprintf(std.Out, "  %-12s %d\n", name, info.Ecosystems[name])
	}
	if n := len(info.Unversioned); n > 0 {
		named, more := info.Unversioned, ""
		if n > unversionedShown {
			named, more = named[:unversionedShown], fmt.Sprintf(" and %d more", n-unversionedShown)
		}
		fmt.Fprintf(std.Out, "%d affected packages are stated without any version, so nothing matches them: %s%s\n", n, strings.Join(named, ", "), more)
	}
	if info.Outdated() {
		fmt.Fprintln(std.Out, "an older version made this index: import the advisories again for severities of CVSS 2 and 4 and the affected packages of Go modules")
	}
}

const unversionedShown = 10
