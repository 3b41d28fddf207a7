package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/app"
)

func versionCommand(std IO) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print version, rules and advisory snapshot",
		Example: "  pullwarden version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			snapshot := "none imported"
			if dir := advisoriesDir(std.Env); dir != "" {
				db, err := advisory.Open(dir)
				if err != nil {
					return err
				}
				if s := db.Info().Snapshot; s != "" {
					snapshot = s
				}
			}
			fmt.Fprintf(std.Out, "pullwarden %s\nrules      %s\nadvisories %s\n", app.Version(), app.RulesDigest(), snapshot)
			return nil
		},
	}
}
