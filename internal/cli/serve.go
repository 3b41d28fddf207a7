package cli

import (
	"fmt"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/app"
)

func serveCommand(std IO) *cobra.Command {
	var file string
	var create bool
	c := &cobra.Command{
		Use:     "serve",
		Short:   "run the server",
		Example: "  pullwarden serve --config pullwarden.yml\n  pullwarden serve --config pullwarden.yml --create",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(file, std)
			if err != nil {
				return err
			}
			level, err := logLevel(cfg)
			if err != nil {
				return err
			}
			log := zerolog.New(std.Err).Level(level).With().Timestamp().Logger()
			s, err := app.New(c.Context(), cfg, app.Options{Log: log, Create: create})
			if err != nil {
				return err
			}
			return s.Run(c.Context())
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; see config/pullwarden.example.yml")
	c.Flags().BoolVar(&create, "create", false, "make the directory of the database, if it does not exist")
	return c
}

// logLevel is the one of the settings.
func logLevel(cfg config.Config) (zerolog.Level, error) {
	level, err := zerolog.ParseLevel(cfg.Log.Level)
	if err != nil || cfg.Log.Level == "" {
		return level, fmt.Errorf("%s: %q is none of debug, info, warn, error", cfg.Place("log.level"), cfg.Log.Level)
	}
	return level, nil
}
