package cli

import (
	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/report"
)

func rulesCommand(std IO) *cobra.Command {
	var file, format string
	c := &cobra.Command{
		Use:   "rules",
		Short: "show how often each rule's findings were fixed, ignored or called not useful",
		Long: "Shows what became of the last 50 findings of each rule that were judged: fixed, excepted, or called not useful with\n" +
			"/pullwarden not-useful. A rule of which more than 10 % were not useful is proposed for demotion; nothing happens by\n" +
			"itself. It reads the server's database and changes nothing.",
		Example: "  pullwarden rules --config pullwarden.yml\n  pullwarden rules --format json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
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
	formatFlag(c, &format, "text", "json")
	return c
}
