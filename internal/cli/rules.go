package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/report"
)

func rulesCommand(std IO) *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use:   "rules",
		Short: "show of how much use each rule is",
		Long: "Shows what became of the last 50 findings of each rule that were judged: fixed, excepted, or called not useful with\n" +
			"/pullwarden not-useful. A rule of which more than 10 % were not useful is proposed for demotion; nothing happens by\n" +
			"itself. It reads the server's database and changes nothing.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("--format: %q is none of text, json", format)
			}
			cfg, err := loadConfig(file, std)
			if err != nil {
				return err
			}
			signals, err := app.Rules(c.Context(), cfg)
			if err != nil {
				return err
			}
			if format == "json" {
				return report.SignalsJSON(std.Out, signals)
			}
			return report.Signals(std.Out, signals)
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file of the server")
	c.Flags().StringVar(&format, "format", "text", "one of text, json")
	return c
}
